"""Model files that differ: the trivial network under other versions."""
from support.processor import MODEL


def version(number):
    """The bytes of the trivial network with another weft.version, of one digit."""
    whole, entry = MODEL.read_bytes(), b"weft.version\x12\x01"
    return whole.replace(entry + b"1", entry + str(number).encode())


def with_metadata(model, key, value):
    """With one more entry at the end, where protobuf's repeated fields may stand, too."""
    def field(number, content):
        length, size = len(content), b""
        while length > 127:
            size, length = size + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + content
    return model + field(14, field(1, key.encode()) + field(2, value.encode()))  # ModelProto.metadata_props
