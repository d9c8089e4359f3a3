#!/usr/bin/env python3
"""Records how fastavro reads requests of other versions: evolution.json, which the unit test of the decode plan holds
against what the plan reads.

    record_evolution.py     (needs fastavro; the same numbers come out each time)

Each case is a writer's schema, the bytes of one record, and for each field of the reader's what fastavro made of it.
"""
import io
import json
import random
from pathlib import Path

import fastavro

FLOATS = {"type": "array", "items": "float"}
READER = {
    "type": "record", "name": "Request", "fields": [
        {"name": "id", "type": "string", "default": "none \u00e9", "aliases": ["key", "name"]},
        {"name": "image", "type": "bytes", "default": "\u0000\u0001\u00ff", "aliases": ["picture"]},
        {"name": "label", "type": ["null", "int"], "default": None, "aliases": ["truth"]},
        {"name": "weight", "type": "int", "default": -7},
        {"name": "offset", "type": "long", "default": 1 << 40, "aliases": ["position"]},
        {"name": "scores", "type": FLOATS, "default": [0.5, -2, 3e10]},
        {"name": "inner", "aliases": ["nested"], "default": {"at": 5, "text": "deep"}, "type": {
            "type": "record", "name": "Inner", "fields": [
                {"name": "at", "type": "long", "aliases": ["when"]},
                {"name": "text", "type": "string", "default": "inner"}]}},
    ]}
PATHS = ["id", "image", "label", "weight", "offset", "scores", "inner.at", "inner.text"]
TYPES = {
    "id": ["string", "bytes", ["string"]],
    "image": ["bytes", "string", ["bytes", "string"]],
    "label": ["int", ["null", "int"], ["int", "null"], "null"],
    "weight": ["int", ["int"]],
    "offset": ["int", "long", ["long", "int"]],
    "scores": [FLOATS, {"type": "array", "items": "int"}, {"type": "array", "items": "long"}],
}
OTHERS = ["boolean", "double", {"type": "map", "values": "string"}, {"type": "array", "items": "double"},
          ["null", "string", "double"], {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]},
          {"type": "fixed", "name": "Digest", "size": 4},
          {"type": "record", "name": "Unknown", "fields": [
              {"name": "id", "type": "string"}, {"name": "list", "type": {"type": "array", "items": ["null", "Unknown"]}},
              {"name": "maps", "type": {"type": "map", "values": {"type": "map", "values": "long"}}}]}]


def value(chance, schema, names, depth=0):
    """Something that the schema can write."""
    if isinstance(schema, list):
        return value(chance, chance.choice(schema) if depth < 3 else schema[0], names, depth)
    if isinstance(schema, str):
        schema = names.get(schema, {"type": schema})
    kind = schema["type"]
    if kind == "record":
        names[schema["name"]] = schema
        return {field["name"]: value(chance, field["type"], names, depth + 1) for field in schema["fields"]}
    few = range(chance.randrange(4) if depth < 4 else 0)
    text = "".join(chance.choice("abc \u00e9\u20ac\U0001f600") for _ in range(chance.choice((0, 3, 70))))
    return {
        "null": lambda: None,
        "boolean": lambda: chance.random() < 0.5,
        "int": lambda: chance.randrange(-1 << 31, 1 << 31) >> chance.randrange(32),
        "long": lambda: chance.randrange(-1 << 63, 1 << 63) >> chance.randrange(64),
        "float": lambda: chance.randrange(-4000, 4000) / 8,
        "double": lambda: chance.random(),
        "bytes": lambda: text.encode(),
        "string": lambda: text,
        "array": lambda: [value(chance, schema["items"], names, depth + 1) for _ in few],
        "map": lambda: {f"k{i}": value(chance, schema["values"], names, depth + 1) for i in few},
        "enum": lambda: chance.choice(schema["symbols"]),
        "fixed": lambda: bytes(schema["size"]),
    }[kind]()


def named(chance, field):
    """The field's name as a writer of some version has it."""
    return chance.choice([field["name"], field["name"], *field.get("aliases", [])])


def writer(chance):
    """Some version of the reader's schema: fields left out, renamed, of other types, in another order, among others."""
    fields = []
    for field in READER["fields"]:
        if chance.random() < 0.25:
            continue
        if field["name"] == "inner":
            inner = [{"name": named(chance, at), "type": chance.choice(["int", "long"]) if at["name"] == "at" else "string"}
                     for at in field["type"]["fields"] if at["name"] == "at" or chance.random() < 0.6]
            kind = {"type": "record", "name": "Inner", "fields": [*inner, {"name": "more", "type": "double"}]}
        else:
            kind = chance.choice(TYPES[field["name"]])
        fields.append({"name": named(chance, field), "type": kind})
    for i, other in enumerate(chance.sample(OTHERS, chance.randrange(4))):
        fields.append({"name": f"other{i}", "type": other})
    chance.shuffle(fields)
    return {"type": "record", "name": "Request", "fields": fields}


def plain(path, found):
    """As JSON can have it: bytes as hexadecimal digits. The default of bytes fastavro gives as the schema's text."""
    if path == "image" and isinstance(found, str):
        found = found.encode("latin-1")
    return {"hex": found.hex()} if isinstance(found, bytes) else found


def main():
    chance = random.Random(5)
    cases = []
    for _ in range(200):
        schema = writer(chance)
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), value(chance, schema, {}))
        record = fastavro.schemaless_reader(io.BytesIO(out.getvalue()), fastavro.parse_schema(json.loads(json.dumps(schema))),
                                            fastavro.parse_schema(json.loads(json.dumps(READER))))
        flat = {**record, "inner.at": record["inner"]["at"], "inner.text": record["inner"]["text"]}
        cases.append({"writer": schema, "body": out.getvalue().hex(), "read": [plain(path, flat[path]) for path in PATHS]})
    lines = ",\n".join(json.dumps(case) for case in cases)
    path = Path(__file__).with_name("evolution.json")
    path.write_text(f'{{"reader": {json.dumps(READER)},\n"cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
