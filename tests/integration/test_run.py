"""weft run: what becomes of a request, good or bad, and what is said of settings that cannot work."""
import struct

from confluent_kafka import TIMESTAMP_CREATE_TIME

from support import SharedCluster, wait_for
from support.processor import PIXELS, REQUEST, Processor
from support.weft import SOURCE

NOBODY = "127.0.0.1:1"  # a port at which nothing answers


class Answers(SharedCluster):
    def test_a_result_says_what_was_asked_and_who_answered(self):
        processor = Processor(self, partitions=2)
        processor.start()
        self.kafka.produce(processor.source, [{"value": processor.request(7), "key": b"k", "timestamp": 1_700_000_000_123}])
        message, = self.kafka.read_at_least(processor.sink, 1)
        result = self.registry.decode(message.value())
        request, = self.kafka.read(processor.source)
        self.assertEqual(result["id"], "r7")
        self.assertEqual(result["expected"], 7)
        self.assertEqual(len(result["probabilities"]), 10)
        self.assertAlmostEqual(sum(result["probabilities"]), 1, places=5)
        self.assertEqual(result["label"], result["probabilities"].index(max(result["probabilities"])))
        self.assertEqual(result["model"]["name"], "trivial")
        self.assertRegex(result["model"]["sha256"], "^[0-9a-f]{64}$")
        source = result["source"]
        self.assertEqual((source["topic"], source["partition"], source["offset"]),
                         (processor.source, request.partition(), request.offset()))
        self.assertEqual(source["timestamp"].timestamp(), 1_700_000_000.123)
        self.assertEqual(message.timestamp()[0], TIMESTAMP_CREATE_TIME)

    def test_key_and_headers_are_kept(self):
        processor = Processor(self)
        processor.start()
        framed = processor.request(1)
        headers = [("trace", b"1"), ("trace", b"2"), ("binary", b"\x00\xff"), ("null", None), ("empty", b"")]
        self.kafka.produce(processor.source, [
            {"value": framed[5:], "key": b"\x00\xfe",
             "headers": [("weft.path", b"pubsub:t")] + headers + [("__value_schema_id", framed[:5])]},
            {"value": processor.request(2), "key": None},
            {"value": processor.request(3), "key": b""}])
        results = {self.registry.decode(m.value())["id"]: m for m in self.kafka.read_at_least(processor.sink, 3)}
        self.assertEqual(results["r1"].key(), b"\x00\xfe")
        # The headers that stand for the request's frame and its way are not the result's.
        self.assertEqual(results["r1"].headers(), headers)
        self.assertIsNone(results["r2"].key())
        self.assertIsNone(results["r2"].headers())
        self.assertEqual(results["r3"].key(), b"")

    def test_keyed_results_go_where_java_puts_the_key_and_others_follow_their_request(self):
        processor = Processor(self, partitions=4)
        processor.start()
        # librdkafka's murmur2 partitioner is Java's default; the client's own default is another.
        reference = self.topic("reference", partitions=4)
        keys = [f"key-{i}".encode() for i in range(40)]
        self.kafka.produce(reference, [{"value": b"x", "key": key} for key in keys], partitioner="murmur2")
        wanted = {m.key(): m.partition() for m in self.kafka.read(reference)}
        self.kafka.produce(processor.source, [{"value": processor.request(i), "key": key} for i, key in enumerate(keys)])
        self.kafka.produce(processor.source, [{"value": processor.request(100 + p), "partition": p} for p in range(4)])
        found = self.kafka.read_at_least(processor.sink, 44)
        self.assertEqual({m.key(): m.partition() for m in found if m.key()}, wanted)
        for message in found:
            if not message.key():
                self.assertEqual(message.partition(), self.registry.decode(message.value())["source"]["partition"])

    def test_requests_of_another_compatible_schema_are_answered(self):
        processor = Processor(self)
        processor.start()
        other = {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": [
            {"name": "comment", "type": ["null", "string"]},
            {"name": "image", "type": "bytes"},
            {"name": "nested", "type": {"type": "record", "name": "N", "fields": [
                {"name": "list", "type": {"type": "array", "items": "long"}}]}},
            {"name": "id", "type": "string"},
            {"name": "label", "type": "int"}]}
        schema_id = self.registry.register(self.topic_name("other"), other)
        self.kafka.produce(processor.source, [self.registry.encode(schema_id, {
            "comment": "hello", "image": bytes(PIXELS), "nested": {"list": [1, 2, 3]}, "id": "from afar", "label": 4})])
        message, = self.kafka.read_at_least(processor.sink, 1)
        result = self.registry.decode(message.value())
        self.assertEqual((result["id"], result["expected"]), ("from afar", 4))


class DeadLetters(SharedCluster):
    def dead_letters_of(self, messages):
        """Sends bad messages between two good ones; gives the dead letters in the order of their requests."""
        processor = Processor(self, partitions=1)
        processor.start(workers=1)
        good = [processor.request(0)], [processor.request(1)]
        self.kafka.produce(processor.source, good[0] + messages(processor) + good[1])
        count = len(messages(processor))
        letters = self.kafka.read_at_least(processor.dead_letters, count)
        wait_for(lambda: processor.answered() == count + 2, "the whole stream answered")
        processor.assert_exactly_once(dead=count)
        return processor, letters

    def test_each_kind_of_bad_message_becomes_a_dead_letter_with_its_reason(self):
        lacking = {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": [
            {"name": "id", "type": "string"}]}
        wrong_type = {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": [
            {"name": "id", "type": "string"}, {"name": "image", "type": "double"}]}
        lacking_id = self.registry.register(self.topic_name("lacking"), lacking)
        wrong_id = self.registry.register(self.topic_name("wrong"), wrong_type)

        def messages(processor):
            whole = processor.request(5)
            frame = whole[:5]
            return [
                None,
                b"",
                b"\0\0\0\0",
                b"{\"id\": 1}",
                struct.pack(">bI", 0, 999_999_999) + whole[5:],
                self.registry.encode(lacking_id, {"id": "x"}),
                self.registry.encode(wrong_id, {"id": "x", "image": 1.5}),
                whole[:-1],
                whole + b"\0",
                frame + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                frame + b"\x01",
                frame,
                processor.request(6, image=bytes(PIXELS - 1)),
                processor.request(7, image=b""),
            ]
        reasons = [
            "null|empty|no value",
            "null|empty|no value|bytes",
            "short|bytes",
            "begins with byte 0x7b",
            "999999999.*not known",
            "image",
            "image",
            "ends|truncated|short|beyond",
            "left|trailing|behind|after",
            "length|ends|beyond|short",
            "no valid string, or is cut short",
            "ends|short|truncated",
            "783 bytes.*takes 784",
            "0 bytes.*takes 784",
        ]
        processor, letters = self.dead_letters_of(messages)
        sent = messages(processor)
        self.assertEqual([m.value() for m in letters], sent)
        for index, (letter, reason) in enumerate(zip(letters, reasons)):
            headers = {name: value.decode() for name, value in letter.headers()}
            self.assertEqual(headers["weft.error.class"], "corrupt", index)
            self.assertRegex(headers["weft.error.message"], f"(?i){reason}", index)
            self.assertEqual(headers["weft.source.topic"], processor.source)
            self.assertEqual(headers["weft.source.partition"], "0")
            self.assertEqual(headers["weft.source.offset"], str(index + 1))
            self.assertGreater(int(headers["weft.source.timestamp"]), 1_600_000_000_000)
            self.assertEqual(headers["weft.processor"], "predict")

    def test_key_and_headers_of_a_bad_message_are_kept(self):
        _, letters = self.dead_letters_of(lambda processor: [
            {"value": b"bad", "key": b"k", "headers": [("a", b"1"), ("a", None), ("weft.error.class", b"older")]}])
        letter, = letters
        self.assertEqual(letter.key(), b"k")
        self.assertEqual(letter.headers()[:3], [("a", b"1"), ("a", None), ("weft.error.class", b"older")])
        self.assertEqual(dict(letter.headers())["weft.error.class"], b"corrupt")


    def test_a_bad_message_too_large_for_a_dead_letter_is_cut_and_the_flow_goes_on(self):
        processor = Processor(self, partitions=1)
        self.kafka.produce(processor.source, [b"x" * 1_048_400, processor.request(1)],
                           **{"message.max.bytes": 2_000_000})
        processor.start(workers=1)
        wait_for(lambda: processor.answered() == 2, "both answers")
        letter, = self.kafka.read(processor.dead_letters)
        self.assertEqual(letter.value(), b"x" * 524_200)
        self.assertEqual(dict(letter.headers())["weft.value.size"], b"1048400")
        processor.assert_exactly_once(dead=1)

    def test_requests_without_a_key_are_dead_letters_where_results_need_one(self):
        processor = Processor(self, partitions=1)
        processor.sink = self.topic("compacted", cleanup_policy="compact")
        keyless = {3, 150, 151}
        self.kafka.produce(processor.source, [{"value": processor.request(i),
                                               "key": None if i in keyless else f"r{i}".encode()} for i in range(300)])
        processor.start(workers=1)
        wait_for(lambda: processor.answered() == 300, "all answers")
        letters = self.kafka.read(processor.dead_letters)
        self.assertEqual({int(dict(letter.headers())["weft.source.offset"]) for letter in letters}, keyless)
        self.assertIn(b"cleanup.policy=compact", dict(letters[0].headers())["weft.error.message"])
        processor.assert_exactly_once(dead=3)

    def test_dead_letters_that_need_a_key_end_it_with_a_clear_message(self):
        processor = Processor(self, partitions=1)
        processor.dead_letters = self.topic("compacted", cleanup_policy="compact")
        self.kafka.produce(processor.source, [b"bad"])
        process = processor.start(workers=1)
        self.assertEqual(process.wait(), 2, process.err)
        self.assertRegex(process.err, f"(?m)^weft: {processor.dead_letters} takes no dead letter of a request without a "
                                      "key: let its cleanup.policy be delete")


class Refusals(SharedCluster):
    """One clear line on stderr, and 1 or 2."""

    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def refused(self, says, status, environment=None, **settings):
        named = {name.replace("__", "_").replace("_", "."): value for name, value in settings.items()}
        result = self.weft("run", settings={**self.processor.settings(), "log.level": "error", **named}, status=status,
                           environment=environment)
        self.assertRegex(result.err, rf"\Aweft: .*{says}.*\n\Z")
        self.assertEqual(result.out, "")

    def test_no_broker(self):
        self.refused(f"no broker answers at {NOBODY}.*is it running", 1, bootstrap_servers=NOBODY, startup_timeout="2s")

    def test_a_topic_that_is_not_there(self):
        self.refused("topic nowhere does not exist.*weft topology apply", 2, source="nowhere")
        self.refused("topic nowhere does not exist", 2, sink="nowhere")

    def test_a_setting_that_nobody_knows(self):
        self.refused(r"-X: unknown setting batch\.maxi: did you mean batch\.max\?", 2, batch_maxi=1)

    def test_a_setting_that_would_break_exactly_once(self):
        self.refused("enable.auto.commit=true would break exactly-once", 2, enable_auto_commit="true")

    def test_a_model_that_is_not_onnx(self):
        self.refused("LICENSE.*ONNX", 2, model=SOURCE / "LICENSE")

    def test_a_model_that_is_not_there(self):
        self.refused("nowhere.onnx.*No such file", 2, model="nowhere.onnx")

    def test_a_registry_that_answers_html(self):
        self.refused("schema registry", 2, schema_registry_url=self.registry_url.removesuffix("/apis/ccompat/v7"))

    def test_a_setting_that_the_broker_refuses(self):
        self.refused("joining group .*session.timeout.ms", 2, session_timeout_ms=5)

    def test_two_topics_that_are_the_same(self):
        self.refused("must be three different topics", 2, source="x", sink="x")

    def test_an_error_as_json(self):
        result = self.weft("run", "--json", settings={"bootstrap.server": "x"}, status=2)
        self.assertEqual(result.err, "")
        self.assertRegex(result.out, r'\A\{"error":\{"class":"config","message":".*"\}\}\n\Z')


class Schemas(SharedCluster):
    def test_an_incompatible_sink_subject_stops_the_start(self):
        processor = Processor(self)
        self.registry.register(f"{processor.sink}-value", REQUEST)
        result = self.weft("run", settings={**processor.settings(), "log.level": "error"}, status=1)
        self.assertRegex(result.err, rf"\Aweft: .*{processor.sink}-value.*incompatible.*\n\Z")

    def test_without_the_right_to_register_a_missing_schema_stops_the_start(self):
        processor = Processor(self)
        result = self.weft("run", settings={**processor.settings(auto_register_schemas="false"), "log.level": "error"},
                           status=2)
        self.assertRegex(result.err, r"\Aweft: .*does not have weft's schema under.*topology apply.*\n\Z")
