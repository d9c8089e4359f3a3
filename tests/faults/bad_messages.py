"""Messages that nothing can be made of, each kind with the words in which its dead letter says why.

A body is laid out as schemas/predict_request.avsc says: id, image, label (a union of null and int), attributes (a map).
"""
import itertools
import random
import struct
from dataclasses import dataclass, field

from support.processor import PIXELS

HEADER = "__value_schema_id"
NO_SCHEMA = 2**31 - 1
SIZE_MAX = 2**62
JSON_SCHEMA = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}
NEAR_THE_LIMIT = 1_048_300  # of the 1,048,588 bytes that a broker takes by default


@dataclass
class Message:
    kind: str
    reason: str | None  # a regular expression; None: it is a good one
    value: bytes | None
    key: bytes | None = None
    headers: list = field(default_factory=list)

    def arguments(self):
        """Of confluent_kafka's produce()."""
        return {"value": self.value, "key": self.key, "headers": [("kind", self.kind.encode()), *self.headers]}


def number(value):
    """Avro's int and long: zigzag, seven bits a byte."""
    left, out = (value << 1) ^ (value >> 63), bytearray()
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    return bytes(out) + bytes([left])


def text(value):
    return number(len(value)) + value


def frame(schema_id):
    return struct.pack(">bI", 0, schema_id)


def record(*fields):
    return {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": list(fields)}


def in_the_frame(good):
    short = "fewer than the"
    yield Message("null", "value is null", None)
    yield Message("empty", f"0 bytes, {short} 5", b"")
    for size in (1, 4):
        yield Message(f"{size} bytes", f"{size} bytes, {short} 5", good[:size])
    yield Message("wrong magic byte", "begins with byte 0x02", b"\2" + good[1:])
    yield Message("JSON", "begins with byte 0x7b", b'{"id": "r1", "image": ""}')
    yield Message("short GUID", f"10 bytes, {short} 17", b"\1" + bytes(9))
    yield Message("unknown schema", f"schema id {NO_SCHEMA} is not known", frame(NO_SCHEMA) + good[5:])
    yield Message("unknown GUID", "GUID is not known", b"\1" + bytes(range(16)) + good[5:])


def in_the_header(good, other_schema):
    def message(kind, reason, header, value=good[5:], extra=()):
        return Message(kind, reason, value, headers=[*extra, (HEADER, header)])
    yield message("empty frame in a header", f"header {HEADER} begins with", b"")
    yield message("short frame in a header", f"header {HEADER} has 3 bytes", good[:3])
    yield message("long frame in a header", f"header {HEADER} has 1 bytes more", good[:5] + b"\0")
    yield message("unknown schema in a header", f"schema id {NO_SCHEMA} is not known", frame(NO_SCHEMA))
    yield message("header and value name different schemas", 'field "image" is missing', frame(other_schema), good)
    yield message("null under a frame in a header", "value is null", good[:5], None)
    yield message("two frames in headers, the last one bad", "begins with byte 0x03", b"\3" + good[1:5],
                  extra=[(HEADER, good[:5])])


def in_the_schema(register):
    """register(schema, type): its id."""
    image, name = {"name": "image", "type": "bytes"}, {"name": "id", "type": "string"}

    def message(kind, reason, schema, body=b"", schema_type="AVRO"):
        return Message(kind, reason, frame(register(schema, schema_type)) + body)
    yield message("schema that is not Avro", "cannot be read", JSON_SCHEMA, schema_type="JSON")
    yield message("schema of no record", "is string, not record", "string", text(b"r1"))
    yield message("schema without id", 'field "id" is missing', record(image), text(bytes(PIXELS)))
    yield message("schema without image", 'field "image" is missing', record(name), text(b"r1"))
    yield message("id of a wrong type", 'field "id" is int', record({"name": "id", "type": "int"}, image), number(1))
    yield message("image of a wrong type", 'field "image" is double', record(name, {"name": "image", "type": "double"}))
    yield message("label of a wrong type", 'field "label" is', record(name, image, {"name": "label", "type": "string"}))
    yield message("union without the wanted branch", 'field "id" is a union without',
                  record({"name": "id", "type": ["null", "int"]}, image))
    yield message("union whose other branch is taken", 'field "id" is null here',
                  record({"name": "id", "type": ["null", "string"]}, image), number(0) + text(bytes(PIXELS)))


def in_the_body(schema_id):
    name, image, label, nothing = text(b"r1"), text(bytes(PIXELS)), number(1) + number(7), number(0)
    whole = frame(schema_id)

    def message(kind, reason, *parts):
        return Message(kind, reason, whole + b"".join(parts))

    def field_of(which):
        return f'field "{which}" is no valid .*cut short'
    yield message("trailing bytes", "1 bytes are left over", name, image, label, nothing, b"x")
    yield message("nothing behind the frame", field_of("id"))
    yield message("cut in the id", field_of("id"), name[:-1])
    yield message("cut before the image", field_of("image"), name)
    yield message("cut in the image", field_of("image"), name, image[:-1])
    yield message("cut before the label", field_of("label"), name, image)
    yield message("cut in the label", field_of("label"), name, image, label[:-1])
    yield message("cut before the attributes", field_of("attributes"), name, image, label)
    yield message("cut in the attributes", field_of("attributes"), name, image, label, number(1), text(b"a"))
    for size in (-1, -SIZE_MAX, SIZE_MAX):
        yield message(f"id of {size} bytes", field_of("id"), number(size), b"r1")
        yield message(f"image of {size} bytes", field_of("image"), name, number(size), bytes(PIXELS))
        yield message(f"attribute of {size} bytes", field_of("attributes"), name, image, label, number(1),
                      number(size), b"a")
    yield message("length without an end", field_of("id"), b"\xff" * 20)
    for branch in (2, -1, SIZE_MAX):
        yield message(f"union's branch {branch}", field_of("label"), name, image, number(branch), number(7))
    yield message("label beyond an int", "label.*does not fit an int|label.*no valid", name, image, number(1),
                  number(2**40), nothing)
    yield message("map that says to hold 2^62 entries", field_of("attributes"), name, image, label, number(SIZE_MAX))
    yield message("map of a negative count and no size", field_of("attributes"), name, image, label, number(-1))
    yield message("map of a negative count and 2^62 bytes", field_of("attributes"), name, image, label, number(-1),
                  number(SIZE_MAX), text(b"a"), text(b"b"), nothing)
    yield message("map of the smallest count", field_of("attributes"), name, image, label, number(-2**63), number(8))
    yield message("map without an end", field_of("attributes"), name, image, label,
                  (number(1) + text(b"a") + text(b"b")) * 1000)
    for kind, wrong in (("cut", b"\xc3"), ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80")):
        yield message(f"id that is not UTF-8: {kind}", 'field "id" is not UTF-8', text(wrong), image, label, nothing)
    yield message("id of 4,097 bytes", 'field "id" has 4097 bytes, more than 4096', text(b"r" * 4097), image, label,
                  nothing)
    for size in (0, PIXELS - 1, PIXELS + 1, 1_000_000):
        yield message(f"image of {size} pixels", f"image has {size} bytes, the model .* takes {PIXELS}", name,
                      text(bytes(size)), label, nothing)
    yield message("as large as a broker takes", "bytes are left over", name, image, label, nothing,
                  random.Random(0).randbytes(NEAR_THE_LIMIT - PIXELS))  # not to be compressed


def around_it():
    bad, reason = b"bad", "3 bytes, fewer than the 5"
    yield Message("huge key", reason, bad, key=b"k" * 500_000)
    yield Message("a thousand headers", reason, bad, headers=[(f"h{i}", b"x") for i in range(1000)])
    yield Message("headers of one name", reason, bad, headers=[("twice", b"1"), ("twice", None)])
    yield Message("headers as weft writes them", reason, bad, headers=[("weft.source.offset", b"-1"),
                                                                       ("weft.error.message", b"not so")])


def bad_messages(stream):
    """For the processor of the stream; registers the schemas that some of them name."""
    subjects = itertools.count()

    def register(schema, schema_type="AVRO"):
        return stream.registry.register(f"{stream.source}-value-{next(subjects)}", schema, schema_type)
    good, without_image = stream.request(1), register(record({"name": "id", "type": "string"}))
    return [*in_the_frame(good), *in_the_header(good, without_image), *in_the_schema(register),
            *in_the_body(stream.schema_id), *around_it()]


def strange_messages(stream):
    """Unusual, and yet good requests."""
    good = stream.request(1)
    negative = number(-1) + number(4) + text(b"a") + text(b"b") + number(0)  # a block may say its size
    return [Message("null key", None, good), Message("empty key", None, good, key=b""),
            Message("large key", None, good, key=b"k" * 500_000),
            Message("a thousand headers", None, good, headers=[(f"h{i}", b"x") for i in range(1000)]),
            Message("headers of one name", None, good, headers=[("twice", b"1"), ("twice", None)]),
            Message("frame in a header", None, good[5:], headers=[(HEADER, good[:5])]),
            Message("two frames in headers, the last one good", None, good[5:],
                    headers=[(HEADER, b"\3"), (HEADER, good[:5])]),
            Message("map whose block says its size", None,
                    frame(stream.schema_id) + text(b"r1") + text(bytes(PIXELS)) + number(0) + negative),
            Message("id of 4,096 bytes", None, stream.request(1, id="r" * 4096))]
