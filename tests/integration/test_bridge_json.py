"""Bridges with `format: json`: clients of Pub/Sub that know neither Avro nor the registry."""
import base64
import json
import struct

from support import SharedCluster, wait_for
from support.bridge import PATH, Bridge, content
from support.endpoint import Endpoint
from support.processor import PIXELS, REQUEST, Processor
from support.pubsub import PubSub
from support.web import RegistryProxy, WebSite, serve

IMAGE = bytes(range(250)) * 4
PLAIN = [{"name": "a", "type": "int"}]


class SwitchedProxy(RegistryProxy):
    """A registry of which what lies under the path server.switch["away"] is away."""

    def do_GET(self):
        self.server.away = self.server.switch["away"]
        super().do_GET()

    do_POST = do_GET


class Json(SharedCluster):
    has_registry = True

    def setUp(self):
        super().setUp()
        self.pubsub = PubSub(self)
        self.processor = Processor(self)
        self.asked, self.answered = (self.pubsub.topic(self.topic_name(name)) for name in ("asked", "answered"))
        self.asks, self.answers = (self.pubsub.subscription(topic) for topic in (self.asked, self.answered))

    def environment(self, extra=None):
        found = super().environment(extra)
        return found if self.has_registry else {name: found[name] for name in found if "REGISTRY" not in name}

    def inward(self, topic=None, **more):
        return Bridge(self, self.pubsub, into={"from": {"pubsub": self.asks}, "format": "json",
                                               "to": {"kafka": topic or self.processor.source}, **more})

    def outward(self, topic=None, **more):
        return Bridge(self, self.pubsub, out={"from": {"kafka": topic or self.processor.sink}, "format": "json",
                                              "to": {"pubsub": self.answered}, **more})

    def ask(self, *messages):
        """Each is what JSON is made of, bytes, or a dict with the field data."""
        def field(message):
            return message if isinstance(message, bytes) or "data" in message else json.dumps(message).encode()
        return self.pubsub.publish(self.asked, [field(message) for message in messages])

    def requests(self, count):
        """The decoded requests by their ids."""
        records = self.kafka.read_at_least(self.processor.source, count)
        found = {}
        for record in records:
            request = self.registry.decode(record.value())
            found[request["id"]] = request
        self.assertEqual(len(found), len(records))
        return found

    def answer(self):
        """The only message that comes, and its JSON."""
        message, = self.pubsub.pull_at_least(self.answers, 1)
        return message, json.loads(message.data)

    def assert_says(self, process, text, statuses=(1, 2)):
        self.assertIn(process.wait(), statuses)
        self.assertIn(text, process.err)


class Requests(Json):
    def test_json_becomes_a_request_of_the_registered_schema(self):
        process = self.inward().start()
        rows = [list(IMAGE[at:at + 28]) for at in range(0, PIXELS, 28)]
        ids = self.ask({"id": "a", "image": base64.b64encode(IMAGE).decode(), "label": 6, "attributes": {"ü": "x"}},
                       {"id": "b", "image": rows, "label": None},
                       {"image": [rows, rows]})
        requests = self.requests(3)
        self.assertEqual(requests, {
            "a": {"id": "a", "image": IMAGE, "label": 6, "attributes": {"ü": "x"}},
            "b": {"id": "b", "image": IMAGE[:PIXELS], "label": None, "attributes": {}},
            ids[2]: {"id": ids[2], "image": IMAGE[:PIXELS] * 2, "label": None, "attributes": {}},
        })
        for record in self.kafka.read(self.processor.source):
            self.assertEqual(struct.unpack_from(">bI", record.value()), (0, self.processor.schema_id))
        self.assertEqual(process.stop(), 0)

    def test_key_and_headers_are_those_of_a_message_of_another_client(self):
        self.inward().start()
        self.ask({"data": b'{"image": ""}', "ordering_key": "k", "attributes": {"trace": "1"}})
        record, = self.kafka.read_at_least(self.processor.source, 1)
        self.assertEqual((record.key(), content(record)[2]), (b"k", [("trace", b"1")]))
        self.assertIn(PATH, dict(record.headers()))

    def test_a_newer_schema_is_written_with_its_defaults(self):
        newer = {**REQUEST, "fields": [{"name": "site", "type": "string", "default": "here"}, *REQUEST["fields"]]}
        newest = self.registry.register(f"{self.processor.source}-value", newer)
        self.inward().start()
        self.ask({"id": "a", "image": ""}, {"id": "b", "image": "", "site": "there"})
        requests = self.requests(2)
        self.assertEqual([requests["a"]["site"], requests["b"]["site"]], ["here", "there"])
        record = self.kafka.read(self.processor.source)[0]
        self.assertEqual(struct.unpack_from(">bI", record.value()), (0, newest))

    def test_what_is_no_request_becomes_a_dead_letter_with_its_reason_and_the_others_go_on(self):
        bridge = self.inward()
        process = bridge.start()
        bad = {
            b"shirt": "not JSON: line 1",
            b'{"image": ""} {}': "end of file expected",
            b'{"image": "", "image": ""}': "duplicate object key",
            b'{"image": "\xff"}': "unable to decode byte 0xff",
            b'{"id": "a"}': '"image" is missing',
            b'{"id": 5, "image": ""}': "id: text is wanted, this is a whole number",
            b'{"image": "A"}': "image: this is not base64",
            b'{"image": [[0, 256]]}': "image[0][1]: a number from 0 to 255 is wanted, this is 256",
            b'{"image": [[0], [0, 0]]}': "image[1]: it has 2 items, and those before it have 1",
            b'{"image": "", "lable": 1}': 'no field "lable"',
            b'{"image": [%s' % (b"," * 530_000): "more than 524288 values",
            self.processor.request(1): "as Avro in a frame",
        }
        self.ask({"id": "first", "image": ""}, *bad, {"id": "last", "image": ""})
        self.assertEqual(set(self.requests(2)), {"first", "last"})
        letters = self.kafka.read_at_least(bridge.letters(bridge.names["into"]), len(bad))
        found = {letter.value(): dict(letter.headers()) for letter in letters}
        self.assertEqual(set(found), set(bad))
        for value, reason in bad.items():
            self.assertIn(reason, found[value]["weft.error.message"].decode())
            self.assertEqual(found[value]["weft.error.class"], b"corrupt")
        self.assertEqual(process.stop(), 0)

    def test_or_it_stops_the_bridge(self):
        process = self.inward(on_unmappable="stop").start()
        self.ask(b"shirt")
        self.assert_says(process, "not JSON: line 1", (1, 2, 3))

    def test_weft_answers(self):
        Bridge(self, self.pubsub,
               into={"from": {"pubsub": self.asks}, "to": {"kafka": self.processor.source}, "format": "json"},
               out={"from": {"kafka": self.processor.sink}, "to": {"pubsub": self.answered}, "format": "json"}).start()
        self.processor.start()
        self.ask({"id": "a", "image": base64.b64encode(bytes(PIXELS)).decode(), "label": 3})
        _, answer = self.answer()
        record, = self.kafka.read(self.processor.sink)
        self.assertEqual(answer, self.in_json(self.registry.decode(record.value())))
        self.assertEqual((answer["id"], answer["expected"]), ("a", 3))

    @staticmethod
    def in_json(result):
        """As the independent client decodes it; it has times of its own."""
        result["source"]["timestamp"] = round(result["source"]["timestamp"].timestamp() * 1000)
        result["scored_at"] = round(result["scored_at"].timestamp() * 1000)
        result["probabilities"] = [float(f"{p:.9g}") for p in result["probabilities"]]
        return result


class Values(Json):
    def test_every_kind_of_value_is_json(self):
        inner = {"type": "record", "name": "I", "fields": PLAIN}
        fields = [{"name": "bytes", "type": "bytes"}, {"name": "some", "type": ["null", "int", "string"]},
                  {"name": "none", "type": ["null", "int"]}, {"name": "map", "type": {"type": "map", "values": "long"}},
                  {"name": "real", "type": "double"}, {"name": "yes", "type": "boolean"},
                  {"name": "enum", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
                  {"name": "list", "type": {"type": "array", "items": inner}}]
        schema = {"type": "record", "name": "R", "fields": fields}
        written = {"bytes": b"\0\xff", "some": "text", "none": None, "map": {"ü": 1 << 62}, "real": 0.1, "yes": True,
                   "enum": "B", "list": [{"a": 1}, {"a": -1}]}
        self.outward().start()
        schema_id = self.registry.register(f"{self.processor.sink}-value", schema)
        self.kafka.produce(self.processor.sink, [
            {"value": self.registry.encode(schema_id, written), "key": b"k", "headers": [("h", b"1")]}])
        message, value = self.answer()
        self.assertEqual(value, {**written, "bytes": base64.b64encode(b"\0\xff").decode()})
        self.assertEqual((message.attributes["kafka.key"], message.attributes["h"]), ("k", "1"))

    def test_a_schema_in_a_header_is_found_and_not_told_on(self):
        self.outward().start()
        value = self.registry.encode(self.processor.schema_id, {"id": "a", "image": b"", "label": None,
                                                                "attributes": {}})
        self.kafka.produce(self.processor.sink, [
            {"value": value[5:], "headers": [("__value_schema_id", value[:5]), ("h", b"1")]}])
        message, value = self.answer()
        self.assertEqual(value, {"id": "a", "image": "", "label": None, "attributes": {}})
        self.assertEqual((message.attributes["h"], message.attributes["kafka.headers"]), ("1", "h"))

    def test_what_is_no_avro_becomes_a_dead_letter_with_its_reason_and_the_others_go_on(self):
        bridge = self.outward()
        process = bridge.start()
        good = self.processor.request(1)
        bad = {b"": "", b"text": "", good[:-3]: "not of its schema", good + b"\0": "bytes are left over",
               struct.pack(">bI", 0, 999_999) + b"x": "schema id 999999 is not known"}
        self.kafka.produce(self.processor.sink, [good, *bad, good])
        messages = self.pubsub.pull_at_least(self.answers, 2)
        self.assertEqual([json.loads(m.data)["id"] for m in messages], ["r1", "r1"])
        letters = self.kafka.read_at_least(bridge.letters(bridge.names["out"]), len(bad))
        found = {letter.value(): dict(letter.headers()) for letter in letters}
        self.assertEqual(set(found), set(bad))
        for value, reason in bad.items():
            self.assertIn(reason, found[value]["weft.error.message"].decode())
        wait_for(lambda: bridge.committed("out", self.processor.sink) == len(bad) + 2, "all to be committed")
        self.assertEqual(process.stop(), 0)

    def letters_of(self, count, **settings):
        """Lets a bridge make dead letters of so many records."""
        topic = self.topic("plain")
        self.kafka.produce(topic, [b"%d" % i for i in range(count)])
        bridge = self.outward(topic)
        process = bridge.start(**settings)
        return topic, bridge, process

    def test_dead_letters_wait_for_room_in_the_library_s_queue(self):
        topic, bridge, process = self.letters_of(200, queue_buffering_max_messages=5)
        wait_for(lambda: bridge.committed("out", topic) == 200, "all to be committed")
        self.assertEqual({int(letter.value()) for letter in bridge.dead_letters("out")}, set(range(200)))
        self.assertEqual(process.stop(), 0)

    def test_what_is_on_its_way_to_the_dead_letters_counts_as_under_way(self):
        """They are sent once a second, and others are not read meanwhile."""
        *_, process = self.letters_of(30, linger_ms=1000, outstanding_messages=10, status_listen="0")
        endpoint, seen = Endpoint(process), []

        def all_written():
            seen.append(endpoint.total("weft_bridge_outstanding_messages"))
            return endpoint.total("weft_bridge_dead_letters_total") == 30
        wait_for(all_written, "the dead letters")
        self.assertEqual(max(seen), 10)
        self.assertEqual(process.stop(), 0)

    def test_requests_come_back_in_avro_with_their_key_and_a_null_stays_one(self):
        source, sink = self.processor.sink, self.processor.source
        Bridge(self, self.pubsub,
               out={"from": {"kafka": source}, "to": {"pubsub": self.asked}, "format": "json"},
               into={"from": {"pubsub": self.asks}, "to": {"kafka": sink}, "format": "json"}).start()
        self.kafka.produce(source, [
            {"value": self.processor.request(1), "key": b"\xff\0", "headers": [("n", None), ("n", b"\xff")]},
            {"value": None, "key": b"gone"}])
        self.assertEqual(sorted(map(content, self.kafka.read_at_least(sink, 2))),
                         sorted(map(content, self.kafka.read(source))))


class RegistryAway(Json):
    def proxied(self, away=None):
        """Settings of a bridge that asks a registry that can be made to be away."""
        self.switch = {"away": away}
        return {"schema_registry_url": serve(self, SwitchedProxy, registry=self.registry_url, switch=self.switch)}

    def test_it_is_waited_for_at_the_start(self):
        settings = self.proxied(away="/")
        process = self.inward().start(**settings)
        self.ask({"id": "a", "image": ""})
        process.wait_for_line("waiting for the schema registry")
        self.switch["away"] = None
        self.assertEqual(set(self.requests(1)), {"a"})
        self.assertEqual(process.stop(), 0)

    def test_a_stop_at_the_start_does_not_wait_for_it(self):
        settings = self.proxied(away="/")
        process = self.outward().start(**settings)
        process.wait_for_line("waiting for the schema registry")
        self.assertEqual(process.stop(), 0)

    def test_inward_it_is_not_needed_any_more(self):
        settings = self.proxied()
        process = self.inward().start(**settings)
        self.ask({"id": "a", "image": ""})
        self.requests(1)
        self.switch["away"] = "/"
        self.ask({"id": "b", "image": ""})
        self.assertEqual(set(self.requests(2)), {"a", "b"})
        self.assertEqual(process.stop(), 0)

    def test_records_of_a_schema_that_is_not_known_yet_wait_for_it(self):
        settings = self.proxied()
        bridge = self.outward()
        process = bridge.start(**settings)
        first = self.processor.request(1)
        self.kafka.produce(self.processor.sink, [{"value": first, "partition": 0}])
        self.answer()
        self.switch["away"] = "/"
        newer = {"type": "record", "name": "N", "fields": PLAIN}
        newest = self.registry.register(f"{self.processor.sink}-value", newer)
        numbers = [self.registry.encode(newest, {"a": a}) for a in range(100)]
        self.kafka.produce(self.processor.sink, [{"value": value, "partition": 0} for value in numbers])
        process.wait_for_line("bridge.registry.*waits at offset 1")
        wait_for(lambda: bridge.committed("out", self.processor.sink) == 1, "what was read before to be committed")
        self.assertTrue(process.running())
        self.switch["away"] = None
        messages = self.pubsub.pull_at_least(self.answers, 100)
        self.assertEqual({json.loads(m.data)["a"] for m in messages}, set(range(100)))
        wait_for(lambda: bridge.committed("out", self.processor.sink) == 101, "all to be committed")
        self.assertEqual(bridge.dead_letters("out"), [])
        self.assertEqual(process.stop(), 0)

    def test_a_stop_does_not_wait_for_it_and_the_record_is_read_again(self):
        settings = self.proxied()
        bridge = self.outward()
        process = bridge.start(**settings)
        process.wait_for_line("bridge.assigned")
        self.switch["away"] = "/schemas"
        self.kafka.produce(self.processor.sink, [self.processor.request(1)])
        process.wait_for_line("bridge.registry")
        self.assertEqual(process.stop(), 0)
        self.switch["away"] = None
        bridge.start(**settings)
        self.assertEqual(self.answer()[1]["id"], "r1")

    def test_another_instance_takes_on_what_waits(self):
        settings = self.proxied()
        bridge = self.outward()
        first = bridge.start(**settings)
        first.wait_for_line("got 4 partitions")
        self.switch["away"] = "/schemas"
        self.kafka.produce(self.processor.sink, [{"value": self.processor.request(p), "partition": p}
                                                 for p in range(4)])
        first.wait_for_line("bridge.registry")
        second = bridge.start(**settings)
        second.wait_for_line("got 2 partitions")
        first.wait_for_line("got 2 partitions")
        self.switch["away"] = None
        messages = self.pubsub.pull_at_least(self.answers, 4)
        self.assertEqual({json.loads(m.data)["id"] for m in messages}, {f"r{p}" for p in range(4)})
        self.assertEqual([first.stop(), second.stop()], [0, 0])


class Start(Json):
    def test_a_bridge_without_a_registry_is_told_so(self):
        for make in (self.inward, self.outward):
            with self.subTest(make.__name__):
                self.has_registry = False
                self.assert_says(make().start(), "format: json: schema.registry.url is not set")

    def test_what_is_no_registry_is_told_so(self):
        process = self.outward().start(schema_registry_url=serve(self, WebSite))
        self.assert_says(process, "format: json")

    def test_a_subject_that_is_not_there_is_told_so(self):
        topic = self.topic("unknown")
        process = self.inward(topic).start(auto_register_schemas="false")
        self.assert_says(process, f"subject {topic}-value: the registry has no such subject")

    def test_or_it_is_registered(self):
        topic = self.topic("unknown")
        self.inward(topic).start()
        self.ask({"id": "a", "image": ""})
        record, = self.kafka.read_at_least(topic, 1)
        self.assertEqual(self.registry.decode(record.value())["id"], "a")
        self.assertEqual(self.registry.latest(f"{topic}-value")[1]["name"], "PredictRequest")
