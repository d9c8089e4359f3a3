"""A new version of the requests' schema, rolled out under load: first the readers, then the writers."""
import collections
import io
import json
import struct
import threading

import fastavro

from support import SharedCluster, WeftTest, wait_for
from support.processor import PIXELS, REQUEST, Processor
from support.weft import SOURCE

SCHEMA_FILE = SOURCE / "schemas" / "predict_request.avsc"

# In another order, with a record and a number that weft does not know, a field under a new name, and an id that has to
# be promoted.
NEW_REQUEST = {**REQUEST, "fields": [
    {"name": "camera", "default": {"model": "unknown", "lenses": []}, "type": {
        "type": "record", "name": "Camera", "fields": [
            {"name": "model", "type": "string"}, {"name": "lenses", "type": {"type": "array", "items": "double"}}]}},
    {"name": "image", "type": "bytes"},
    {"name": "tags", "aliases": ["attributes"], "type": {"type": "map", "values": "string"}, "default": {}},
    {"name": "priority", "type": "int", "default": 0},
    {"name": "label", "type": ["null", "int"], "default": None},
    {"name": "id", "type": "bytes"}]}


def old_record(name, index):
    return {"id": name, "image": bytes([index % 251]) * PIXELS, "label": index % 10, "attributes": {"n": str(index)}}


def new_record(name, index):
    return {"camera": {"model": "x", "lenses": [1.5, 2.5]}, "image": bytes([index % 251]) * PIXELS,
            "tags": {"n": str(index)}, "priority": index % 3, "label": index % 10, "id": name.encode()}


class Writer(threading.Thread):
    """Sends some hundred requests a second until it is stopped; write() changes what it writes them with."""

    def __init__(self, processor, name, schema_id, record):
        super().__init__(name=name)
        self.processor, self.style, self.stopping = processor, (schema_id, record), threading.Event()
        self.delivered, self.failed = collections.Counter(), []  # by schema id

    def write(self, schema_id, record):
        self.style = schema_id, record

    def stop(self):
        self.stopping.set()
        self.join()

    def run(self):
        producer, index = self.processor.kafka.producer(), 0
        while not self.stopping.is_set():
            schema_id, record = self.style
            name = f"{self.name}-{index}"

            def done(error, _, schema_id=schema_id):
                if error:
                    self.failed.append(error)
                else:
                    self.delivered[schema_id] += 1
            value = self.processor.registry.encode(schema_id, record(name, index))
            producer.produce(self.processor.source, value, key=name.encode(), on_delivery=done)
            producer.poll(0.003)  # the load that is meant, not a wait
            index += 1
        producer.flush(60)


class RollOut(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=4)
        self.subject = f"{self.processor.source}-value"
        self.weft("schema compat", self.subject, "BACKWARD")
        self.instances = {name: self.start_instance(name) for name in ("a", "b")}

    def start_instance(self, name):
        # Patient: a broker that is slow on a busy machine is no part of the test.
        instance = self.processor.start(name, workers=1, session_timeout_ms=30000, shutdown_timeout="60s")
        instance.wait_for_line("worker.assigned")
        return instance

    def start_writer(self, name, schema_id):
        writer = Writer(self.processor, name, schema_id, old_record)
        writer.start()
        self.addCleanup(writer.stop)
        return writer

    def wait_for_answers(self, count):
        """Until so many more have been answered than now."""
        before = self.processor.answered()
        wait_for(lambda: self.processor.answered() >= before + count, f"{count} more answers")

    def read_requests(self, reader):
        """As a reader of this schema sees them, and how many there are of each writer's schema."""
        reader, seen, versions = fastavro.parse_schema(reader), [], collections.Counter()
        for message in self.kafka.read(self.processor.source):
            schema_id, = struct.unpack_from(">I", message.value(), 1)
            versions[schema_id] += 1
            seen.append(fastavro.schemaless_reader(io.BytesIO(message.value()[5:]), self.registry.schema(schema_id),
                                                   reader))
        return seen, versions

    def test_readers_then_writers_and_every_request_is_answered_once(self):
        old_id = self.processor.schema_id
        writers = [self.start_writer(name, old_id) for name in ("first", "second")]
        self.wait_for_answers(100)

        # May it follow, and can those read it who run now?
        file = self.write("request_v2.avsc", json.dumps(NEW_REQUEST))
        checked = self.weft("schema check", file, "--subject", self.subject).out
        self.assertEqual(checked, f"{self.subject}: compatible with version 1 (BACKWARD)\n")
        self.weft("schema check", file, "--against", SCHEMA_FILE, "--level", "FULL")
        self.weft("schema register", self.subject, file)
        new_id, _ = self.registry.latest(self.subject)
        self.assertNotEqual(new_id, old_id)
        self.wait_for_answers(100)

        # The readers, one after the other, while the work goes on.
        for name, instance in self.instances.items():
            self.assertEqual(instance.stop(), 0)
            self.start_instance(name)
            self.wait_for_answers(100)

        # The writers: for a while both versions come at once.
        for writer in writers:
            writer.write(new_id, new_record)
            wait_for(lambda w=writer: w.delivered[new_id] >= 200, "new requests")
            self.wait_for_answers(100)
        for writer in writers:
            writer.stop()
        self.assertEqual([w.failed for w in writers], [[], []])
        sent = sum((w.delivered for w in writers), collections.Counter())
        wait_for(lambda: self.processor.answered() == sent.total(), "all answers")
        self.processor.assert_exactly_once(dead=0)

        results = {r["id"]: r for r in map(self.registry.decode, (m.value() for m in self.kafka.read(self.processor.sink)))}
        seen, versions = self.read_requests(NEW_REQUEST)
        self.assertEqual(versions, sent)
        self.assertEqual({name: r["expected"] for name, r in results.items()},
                         {r["id"].decode(): r["label"] for r in seen})
        self.assertEqual({r["tags"]["n"] for r in seen}, {name.rpartition("-")[2] for name in results})


class Beforehand(WeftTest):
    def test_a_field_that_weft_needs_under_a_new_name_passes_the_registry_and_is_found_by_asking_both_ways(self):
        fields = [{"name": "picture", "aliases": ["image"], "type": "bytes"} if field["name"] == "image" else field
                  for field in NEW_REQUEST["fields"]]
        file = self.write("renamed.avsc", json.dumps({**NEW_REQUEST, "fields": fields}))
        self.weft("schema check", file, "--against", SCHEMA_FILE)
        refused = self.weft("schema check", file, "--against", SCHEMA_FILE, "--level", "FULL", status=1)
        self.assertIn("PredictRequest.image: the writer has no such field", refused.out)
