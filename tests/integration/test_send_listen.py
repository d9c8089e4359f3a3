"""weft send and weft listen against the independent client: what one writes the other reads."""
import gzip
import json
import signal
import struct
import time
import zlib

from confluent_kafka import TIMESTAMP_CREATE_TIME

from support import OwnCluster, SharedCluster, wait_for
from support.web import RegistryProxy, serve
from support.weft import SOURCE

REQUEST = json.loads((SOURCE / "schemas" / "predict_request.avsc").read_text())
RESULT = json.loads((SOURCE / "schemas" / "predict_result.avsc").read_text())
NOBODY = "127.0.0.1:1"  # a port at which nothing answers
SIDE = 4


def pixels(index):
    return bytes((index * 16 + i) % 256 for i in range(SIDE * SIDE))


def png(side, grey):
    """A square image of one shade."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = (b"\0" + bytes([grey]) * side) * side
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_data(folder, labels):
    """A data set with as many images as labels."""
    images, truth = folder / "toy-images-idx3-ubyte.gz", folder / "toy-labels-idx1-ubyte.gz"
    images.write_bytes(gzip.compress(
        struct.pack(">4I", 0x803, len(labels), SIDE, SIDE) + b"".join(map(pixels, range(len(labels))))))
    truth.write_bytes(gzip.compress(struct.pack(">2I", 0x801, len(labels)) + bytes(labels)))
    return images


class Sending(SharedCluster):
    def data(self, labels):
        return write_data(self.folder, labels)

    def requests(self, topic):
        """By id."""
        records = [self.registry.decode(m.value()) for m in self.kafka.read(topic)]
        return {record["id"]: record for record in records}

    def refused(self, *arguments, says, status=1, settings=None):
        """Runs a send that must fail, with one line that says so."""
        result = self.weft("send", *arguments, status=status, settings={"log.level": "error", **(settings or {})})
        self.assertRegex(result.err, rf"\Aweft: .*{says}.*\n\Z")
        self.assertEqual(result.out, "")

    def test_an_independent_client_reads_all_that_was_sent(self):
        topic = self.topic("requests", partitions=3)
        before = time.time() * 1000
        self.weft("send", topic, "--data", self.data([3, 0, 9]), "--key", "id", "--header", "trace=a=b",
                  "--header", "empty=")
        messages = self.kafka.read(topic)
        self.assertEqual(self.registry.latest(f"{topic}-value")[1], REQUEST)
        self.assertEqual({m.key(): self.registry.decode(m.value()) for m in messages}, {
            f"toy-0000{i}".encode(): {"id": f"toy-0000{i}", "image": pixels(i), "label": label, "attributes": {}}
            for i, label in enumerate([3, 0, 9])})
        for message in messages:
            self.assertEqual(message.headers(), [("trace", b"a=b"), ("empty", b"")])
            kind, timestamp = message.timestamp()
            self.assertEqual(kind, TIMESTAMP_CREATE_TIME)
            self.assertTrue(before - 1 <= timestamp <= time.time() * 1000 + 1)

    def test_beyond_the_last_image_it_begins_anew_with_new_ids(self):
        topic = self.topic("requests")
        result = self.weft("send", topic, "--data", self.data([1, 2, 3]), "--start", 1, "--count", 6, "--json")
        sent = self.requests(topic)
        self.assertEqual(list(sent), ["toy-00001", "toy-00002", "toy-00000.1", "toy-00001.1", "toy-00002.1",
                                      "toy-00000.2"])
        self.assertEqual([sent[i]["image"] for i in sent], [pixels(i) for i in (1, 2, 0, 1, 2, 0)])
        summary = json.loads(result.out)
        self.assertEqual((summary["sent"], summary["delivered"], summary["failed"]), (6, 6, 0))

    def test_labels_are_keys_or_stay_at_home(self):
        data = self.data([7, 2])
        keyed, without = self.topic("keyed"), self.topic("without")
        self.weft("send", keyed, "--data", data, "--key", "label")
        self.assertEqual([m.key() for m in self.kafka.read(keyed)], [b"7", b"2"])
        self.weft("send", without, "--data", data, "--key", "label", "--no-labels")
        self.assertEqual([m.key() for m in self.kafka.read(without)], [None, None])
        self.assertEqual([r["label"] for r in self.requests(without).values()], [None, None])

    def test_image_files_are_fitted_to_the_size_asked_for(self):
        topic = self.topic("requests")
        grey, dark = self.write("grey.png", png(9, 100)), self.write("dark.png", png(2, 30))
        self.weft("send", topic, grey, "--image", dark, "--size", "3x5x6")
        sent = self.requests(topic)
        self.assertEqual(sent["grey-00000"]["image"], bytes([100]) * 3 * 5 * 6)
        self.assertEqual(sent["dark-00001"]["image"], bytes([30]) * 3 * 5 * 6)
        self.assertIsNone(sent["grey-00000"]["label"])

    def test_the_rate_is_not_exceeded(self):
        topic = self.topic("requests")
        result = self.weft("send", topic, "--data", self.data([1]), "--count", 40, "--rate", 100, "--json")
        self.assertGreater(json.loads(result.out)["seconds"], 0.38)
        self.assertEqual(len(self.requests(topic)), 40)

    def test_what_the_broker_rejects_is_counted_by_reason(self):
        topic = self.topic("requests", max_message_bytes=100)
        result = self.weft("send", topic, "--image", self.write("a.png", png(2, 1)), "--count", 3, "--json", status=1)
        summary = json.loads(result.out)
        self.assertEqual((summary["sent"], summary["delivered"], summary["failed"]), (3, 0, 3))
        self.assertEqual(summary["reasons"], {"MSG_SIZE_TOO_LARGE": 3})
        self.assertEqual(self.kafka.read(topic), [])

    def test_ctrl_c_stops_and_counts_what_was_delivered(self):
        topic = self.topic("requests")
        sender = self.start_weft("send", topic, "--data", self.data([1, 2]), "--count", 10**12, "--rate", 2000,
                                 "--json")
        wait_for(lambda: self.kafka.end_offsets(topic)[0] > 10, "the first requests")
        self.assertEqual(sender.stop(signal.SIGINT), 0)
        summary = json.loads(sender.out)
        self.assertTrue(summary["interrupted"])
        self.assertEqual(summary["sent"], summary["delivered"])
        self.assertEqual(summary["delivered"], self.kafka.end_offsets(topic)[0])

    def test_no_schema_is_registered_where_that_is_not_wanted(self):
        topic = self.topic("requests")
        self.refused(topic, "--data", self.data([1]), says=f"{topic}-value.*weft schema register", status=2,
                     settings={"auto.register.schemas": "false"})
        self.assertEqual(self.kafka.read(topic), [])
        self.registry.register(f"{topic}-value", REQUEST)
        self.weft("send", topic, "--data", self.data([1]), settings={"auto.register.schemas": "false"})
        self.assertEqual(len(self.requests(topic)), 1)

    def test_what_cannot_be_sent_is_said_before_anything_is_sent(self):
        topic, data = self.topic("requests"), self.data([1])
        picture, text = self.write("good.png", png(2, 1)), self.write("note.png", "no image")
        self.refused(topic, "--data", "missing", says="missing: No such file", status=2)
        self.refused(topic, "--data", self.folder, says="holds no test images: neither t10k-images-idx3-ubyte", status=2)
        self.refused(topic, picture, text, says="note.png: it is no PNG")
        self.refused(topic, picture, "gone.png", says="gone.png: No such file", status=2)
        self.refused(topic, picture, "--size", "2x28x28", says="--size: '2x28x28' is no size", status=2)
        self.refused(topic, says="nothing to send", status=2)
        self.refused(topic, "--data", data, "--header", "=x", says="--header is '=x'", status=2)
        self.refused(topic, "--data", data, "--start", 1, says="images 0 to 0 only", status=2)
        self.refused(topic, "--data", data, "--rate", "fast", says="--rate is 'fast'", status=2)
        self.refused(topic + "-x", "--data", data, says=f"topic {topic}-x does not exist", status=2)
        self.refused(topic, "--data", data, says=f"no broker answers at {NOBODY}",
                     settings={"bootstrap.servers": NOBODY, "startup.timeout": "1s"})
        self.refused(topic, "--data", data, says=f"registry.*{NOBODY}",
                     settings={"schema.registry.url": f"http://{NOBODY}", "schema.registry.max.retries": 0})
        self.assertEqual(self.kafka.read(topic), [])


class SendingToABrokerThatDies(OwnCluster):
    def dying(self, *arguments, settings=None):
        """A send whose broker is killed after the first deliveries."""
        topic = self.topic("requests")
        sender = self.start_weft("send", topic, "--data", write_data(self.folder, [1, 2]), "--json", *arguments,
                                 settings=settings)
        wait_for(lambda: self.kafka.end_offsets(topic)[0] > 10, "the first requests")
        self.cluster.kill(1)
        return sender

    def test_what_was_not_delivered_in_time_is_counted(self):
        sender = self.dying("--count", 2000, "--rate", 500, settings={"message.timeout.ms": 1000})
        self.assertEqual(sender.wait(), 1)
        summary = json.loads(sender.out)
        self.assertEqual(summary["sent"], 2000)
        self.assertEqual(summary["delivered"] + summary["failed"], 2000)
        self.assertEqual(summary["reasons"], {"_MSG_TIMED_OUT": summary["failed"]})

    def test_a_second_ctrl_c_gives_up_what_is_on_its_way(self):
        sender = self.dying("--count", 10**9, "--rate", 2000)
        sender.wait_for_line("event=kafka.error")
        sender.send(signal.SIGINT)

        def ended():
            sender.send(signal.SIGINT)
            return not sender.running()
        wait_for(ended, "the end of the sender")
        self.assertEqual(sender.wait(), 1)
        summary = json.loads(sender.out)
        self.assertTrue(summary["interrupted"])
        self.assertGreater(summary["failed"], 0)
        self.assertEqual(summary["delivered"] + summary["failed"], summary["sent"])
        self.assertEqual(sum(summary["reasons"].values()), summary["failed"])


class Listening(SharedCluster):
    def setUp(self):
        super().setUp()
        self.results = self.topic("results", partitions=2)
        self.schema_id = self.registry.register(f"{self.results}-value", RESULT)

    @staticmethod
    def result(name, label=0, expected=None, **other):
        probabilities = [0.0625] * 3
        probabilities[label] = 0.875
        return {"id": name, "label": label, "class": ["boot", "shirt", "bag"][label], "probabilities": probabilities,
                "expected": expected, "model": {"name": "toy", "version": "4", "sha256": "ab" * 32},
                "source": {"topic": "nowhere", "partition": 1, "offset": 2**40, "timestamp": 1_700_000_000_000},
                "scored_at": 1_700_000_000_005, **other}

    def publish(self, *results, schema_id=None, **arguments):
        values = [r if isinstance(r, bytes) else self.registry.encode(schema_id or self.schema_id, r) for r in results]
        self.kafka.produce(self.results, [{"value": value, **arguments} for value in values])

    def heard(self, *arguments, status=0):
        """Listens from the beginning; gives the results and the summary."""
        lines = self.weft("listen", self.results, "--from", "beginning", "--json", *arguments, status=status).out
        *results, last = map(json.loads, lines.splitlines())
        return results, last["summary"]

    def listener(self, *arguments):
        """One that is ready."""
        process = self.start_weft("listen", self.results, *arguments)
        process.wait_for_line("event=listen.started")
        return process

    def test_every_field_of_a_result_is_shown(self):
        result = self.result("a", 2, expected=1)
        self.publish(result, key=b"k-1", partition=1, timestamp=1_700_000_000_012)
        results, summary = self.heard("--count", 1)
        self.assertEqual(results, [result | {"key": "k-1", "partition": 1, "offset": 0,
                                             "timestamp": 1_700_000_000_012}])
        self.assertEqual((summary["count"], summary["labelled"], summary["right"]), (1, 1, 0))
        self.assertEqual(summary["latency_ms"], {"p50": 12, "p99": 12, "max": 12})

    def test_results_written_with_a_later_schema_are_read(self):
        fields = {field["name"]: field for field in RESULT["fields"]}
        later = RESULT | {"fields": [
            {"name": "took", "type": ["null", "double"], "default": None},
            *(fields[name] for name in ("scored_at", "probabilities", "class", "label", "source", "model", "id"))]}
        later_id = self.registry.register(f"{self.results}-value", later)
        self.assertNotEqual(later_id, self.schema_id)
        old, new = self.result("old", 1, expected=1), self.result("new", 2)
        del new["expected"]
        self.publish(old, partition=0)
        self.publish(new | {"took": 0.5}, schema_id=later_id, partition=0)
        results, _ = self.heard("--count", 2)
        self.assertEqual([(r["id"], r["class"], r["expected"]) for r in results],
                         [("old", "shirt", 1), ("new", "bag", None)])

    def test_results_whose_schema_id_stands_in_a_header_are_read(self):
        whole = self.registry.encode(self.schema_id, self.result("a", 1))
        self.publish(whole[5:], headers=[("__value_schema_id", whole[:5])], partition=0)
        self.publish(whole[5:], headers=[("__value_schema_id", whole[:4])], partition=0)
        results, summary = self.heard("--timeout", 3)
        self.assertEqual([(r["id"], r["class"]) for r in results], [("a", "shirt")])
        self.assertEqual(summary["unreadable"], 1)

    def test_the_registry_is_asked_for_the_subject_that_the_strategy_names(self):
        asked = []
        url = serve(self, RegistryProxy, registry=self.registry.url, asked=asked)
        for strategy, subject in (("TopicNameStrategy", f"{self.results}-value"),
                                  ("RecordNameStrategy", "weft.PredictResult"),
                                  ("TopicRecordNameStrategy", f"{self.results}-weft.PredictResult")):
            asked.clear()
            self.weft("listen", self.results, "--timeout", 0.1,
                      settings={"schema.registry.url": url, "value.subject.name.strategy": strategy})
            self.assertEqual(asked, [f"/subjects/{subject}/versions/latest"])

    def test_from_the_end_only_what_comes_later_is_heard(self):
        self.publish(self.result("early"), partition=0)
        self.publish(self.result("early"), partition=1)
        listener = self.listener("--json", "--count", 1)
        self.publish(self.result("late"), partition=1)
        self.assertEqual(listener.wait(), 0)
        self.assertEqual(json.loads(listener.out.splitlines()[0])["id"], "late")

    def test_results_of_aborted_transactions_are_not_heard(self):
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("writer")})
        producer.init_transactions(30)
        for name, end in (("dropped", producer.abort_transaction), ("kept", producer.commit_transaction)):
            producer.begin_transaction()
            producer.produce(self.results, self.registry.encode(self.schema_id, self.result(name)), partition=0)
            producer.flush(30)
            end(30)
        self.assertEqual([r["id"] for r in self.heard("--count", 1)[0]], ["kept"])

    def test_count_and_timeout_decide_the_exit_status(self):
        self.publish(*(self.result(str(i)) for i in range(3)), partition=0)
        self.assertEqual(len(self.heard("--count", 2)[0]), 2)
        self.assertEqual(len(self.heard("--timeout", 3)[0]), 3)
        results, summary = self.heard("--count", 4, "--timeout", 3, status=1)
        self.assertEqual((len(results), summary["count"]), (3, 3))

    def test_ctrl_c_prints_the_summary(self):
        listener = self.listener()
        self.publish(self.result("a", 0, expected=0), self.result("b", 1, expected=1), self.result("c", 2, expected=1),
                     timestamp=1_700_000_000_030, partition=0)
        listener.wait_for_line(r"^c  .*wrong: shirt")
        self.assertEqual(listener.stop(signal.SIGINT), 0)
        self.assertRegex(listener.out, r"(?m)^a +boot +87\.5 % +right +toy 4$")
        self.assertRegex(listener.out, r"(?m)^3 results, 100/s from the first request")
        self.assertRegex(listener.out, r"latency p50 30 ms, p99 30 ms, max 30 ms")
        self.assertRegex(listener.out, r"accuracy 66\.67 % \(2 of 3 with a known class\)")
        self.assertRegex(listener.out, r"(?m)^ +1 shirt +\. +1 +1$")

    def test_records_that_are_no_results_are_told_and_passed_over(self):
        whole = self.registry.encode(self.schema_id, self.result("broken"))
        bad = [b"", b"\1" + whole[1:], whole[:3], whole[:-1], whole + b"x", b"\0\x7f\xff\xff\xff" + whole[5:]]
        self.publish(*bad, self.result("good"), partition=0)
        result = self.weft("listen", self.results, "--from", "beginning", "--count", 1, "--json")
        first, last = map(json.loads, result.out.splitlines())
        self.assertEqual((first["id"], last["summary"]["unreadable"]), ("good", len(bad)))
        for offset in range(len(bad)):
            self.assertRegex(result.err, rf"event=listen.unreadable .*{self.results} partition 0 offset {offset}: ")

    def test_a_result_cannot_steer_the_terminal(self):
        self.publish(self.result("\x1b[2Jid\u009b1m\n"), partition=0)
        result = self.weft("listen", self.results, "--from", "beginning", "--count", 1, "--no-lines", "--draw", 1)
        self.assertNotIn("\x1b", result.out)
        result = self.weft("listen", self.results, "--from", "beginning", "--count", 1)
        self.assertRegex(result.out, r"\A\?\[2Jid\?1m\? +boot")

    def test_images_are_fetched_from_where_they_came_and_drawn(self):
        requests = self.topic("requests", partitions=2)
        schema_id = self.registry.register(f"{requests}-value", REQUEST)

        def request(shade):
            return self.registry.encode(schema_id, {"id": "x", "image": bytes([shade]) * 16, "label": None,
                                                    "attributes": {}})
        white, black, grey = map(request, (255, 0, 128))
        self.kafka.produce(requests, [
            {"value": white, "partition": 1}, {"value": black, "partition": 1},
            {"value": grey[5:], "partition": 1, "headers": [("__value_schema_id", grey[:5])]}])
        for offset in (2, 0, 7):
            source = {"topic": requests, "partition": 1, "offset": offset, "timestamp": 1_700_000_000_000}
            self.publish(self.result(f"from-{offset}", source=source), partition=0)
        result = self.weft("listen", self.results, "--from", "beginning", "--count", 3, "--draw", 3)
        grey, white = result.out.index("\x1b[38;5;244m"), result.out.index("\x1b[38;5;255m")
        self.assertLess(grey, white)
        self.assertNotIn("\x1b[38;5;232m", result.out)
        self.assertRegex(result.out, r"boot +\u2588+\u2591* +87\.5 %")
        self.assertRegex(result.err, rf"event=listen.no_picture .*{requests} partition 1 offset 7: .*from 0 to 3 only")
        self.assertRegex(result.out, r"(?m)^from-7 +boot")

    def test_what_cannot_be_listened_to_is_said_in_one_line(self):
        def refused(*arguments, says, status=1, settings=None):
            result = self.weft("listen", *arguments, status=status,
                               settings={"log.level": "error", **(settings or {})})
            self.assertRegex(result.err, rf"\Aweft: .*{says}.*\n\Z")
        refused(self.results + "-x", says="-x does not exist", status=2)
        refused(self.results, "--from", "noon", says="--from is 'noon'", status=2)
        refused(self.results, "--count", 0, says="--count is '0'", status=2)
        refused(self.results, says=f"no broker answers at {NOBODY}",
                settings={"bootstrap.servers": NOBODY, "startup.timeout": "1s"})
        refused(self.results, says=f"registry.*{NOBODY}",
                settings={"schema.registry.url": f"http://{NOBODY}", "schema.registry.max.retries": 0})


if __name__ == "__main__":
    import unittest
    unittest.main()
