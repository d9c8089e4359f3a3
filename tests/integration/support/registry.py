"""An independent client of the schema registry, and the framing of messages: 0, schema id (int32 BE), Avro binary."""
import io
import json
import struct
import urllib.request

import fastavro


class Registry:
    def __init__(self, url):
        self.url = url
        self.parsed = {}

    def call(self, path, body=None, method=None):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def register(self, subject, schema, schema_type="AVRO"):
        """schema: as parsed JSON; gives its id."""
        asked = {"schema": json.dumps(schema), "schemaType": schema_type}
        return self.call(f"/subjects/{subject}/versions", asked)["id"]

    def latest(self, subject):
        """Id and schema."""
        reply = self.call(f"/subjects/{subject}/versions/latest")
        return reply["id"], json.loads(reply["schema"])

    def schema(self, schema_id):
        if schema_id not in self.parsed:
            text = self.call(f"/schemas/ids/{schema_id}")["schema"]
            self.parsed[schema_id] = fastavro.parse_schema(json.loads(text))
        return self.parsed[schema_id]

    def encode(self, schema_id, record):
        out = io.BytesIO()
        out.write(struct.pack(">bI", 0, schema_id))
        fastavro.schemaless_writer(out, self.schema(schema_id), record)
        return out.getvalue()

    def decode(self, message):
        magic, schema_id = struct.unpack_from(">bI", message)
        if magic != 0:
            raise AssertionError(f"magic byte {magic}")
        rest = io.BytesIO(message[5:])
        record = fastavro.schemaless_reader(rest, self.schema(schema_id), None)
        if rest.read():
            raise AssertionError("bytes after the record")
        return record
