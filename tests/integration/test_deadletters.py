"""weft deadletters: what is listed and shown, and that redrive sends each letter once, whatever happens to it."""
import collections
import json
import signal

from support import SharedCluster, wait_for
from support.processor import Processor

ATTEMPT = "weft.redrive.attempt"


class DeadLetters(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=2)

    def bury(self, values, partition=0, **settings):
        """Lets a processor make dead letters of these requests, values or dicts of produce()'s arguments. settings: of
        who sends them."""
        messages = [value if isinstance(value, dict) else {"value": value} for value in values]
        before = self.processor.answered()
        instance = self.processor.start()
        self.kafka.produce(self.processor.source, [{"partition": partition, **message} for message in messages],
                           **settings)
        wait_for(lambda: self.processor.answered() == before + len(messages), "the dead letters")
        self.assertEqual(instance.stop(), 0)

    def deadletters(self, command, *arguments, status=0):
        return self.weft(f"deadletters {command}", *arguments, settings=self.processor.settings(), status=status)

    def list(self, *arguments):
        return [json.loads(line) for line in self.deadletters("list", "--json", *arguments).out.splitlines()]

    def redrive(self, *arguments, status=0):
        return json.loads(self.deadletters("redrive", "--json", *arguments, status=status).out)

    def sent_back(self):
        """The requests with the header of an attempt."""
        return [m for m in self.kafka.read(self.processor.source) if ATTEMPT in dict(m.headers() or [])]

    def test_each_is_listed_with_where_and_why(self):
        self.bury([b"junk", {"value": None, "key": b"k"}])
        self.bury([self.processor.request(1, image=b"123")], partition=1)
        first, second, third = self.list()
        offsets = [m.offset() for m in self.kafka.read(self.processor.dead_letters)]
        self.assertEqual([letter["offset"] for letter in (first, second, third)], offsets)
        self.assertEqual(first["class"], "corrupt")
        self.assertEqual(first["source"]["topic"], self.processor.source)
        self.assertEqual((third["source"]["partition"], third["source"]["offset"]), (1, 0))
        self.assertIn("the image has 3 bytes", third["reason"])
        self.assertFalse(third["redriven"])
        text = self.deadletters("list").out
        self.assertIn(f"from {self.processor.source} 1:0: the image has 3 bytes", text)
        self.assertIn("3 dead letters", text)

    def test_class_processor_and_time_choose(self):
        self.bury([b"junk"])
        self.kafka.produce(self.processor.dead_letters, [{"value": b"x", "headers": [
            ("weft.error.class", "other"), ("weft.processor", "another")]}])
        self.assertEqual(len(self.list()), 2)
        self.assertEqual([letter["class"] for letter in self.list("--class", "other")], ["other"])
        self.assertEqual([letter["class"] for letter in self.list("--processor", "predict")], ["corrupt"])
        last = self.list()[1]
        self.assertEqual(self.list("--from", last["offset"]), [last])
        self.assertEqual(self.list("--to", "2001-01-01"), [])
        self.assertEqual(len(self.list("--from", "2001-01-01T00:00:00Z")), 2)
        self.assertEqual(self.list("--at", f"0:{last['offset']}"), [last])

    def test_one_is_shown_as_far_as_it_can_be_decoded(self):
        self.bury([{"value": self.processor.request(7, image=b"123"), "key": b"seven", "headers": [("trace", b"abc")]},
                   self.processor.request(8)[:12]])
        first, second = (f"{letter['partition']}:{letter['offset']}" for letter in self.list())
        whole = json.loads(self.deadletters("show", "--json", "--at", first).out)
        self.assertEqual(whole["decoded"], {"id": "r7", "image": "313233", "label": 7, "attributes": {}})
        self.assertIsNone(whole["not_decoded"])
        self.assertEqual((whole["key"], whole["schema_id"]), ("seven", self.processor.schema_id))
        self.assertIn({"name": "trace", "value": "abc"}, whole["headers"])
        text = self.deadletters("show", "--at", second).out
        self.assertIn('"id": "r8"', text)
        self.assertIn("decoded so far only: image: ", text)
        self.assertIn("why: ", text)
        self.assertRegex(text, r"000000  00 00 00 ")
        self.assertIn("has no such dead letter", self.deadletters("show", "--at", "0:99", status=1).err)
        self.assertIn("--at PARTITION:OFFSET", self.deadletters("show", status=2).err)

    def test_the_plan_changes_nothing(self):
        self.bury([b"junk"] * 3)
        ends = self.kafka.end_offsets(self.processor.source), self.kafka.end_offsets(self.processor.dead_letters)
        plan = self.redrive()
        self.assertEqual((plan["send"], plan["partitions"], plan["executed"], plan["sent"]), (3, [3, 0], False, 0))
        self.assertIn("nothing was sent: --execute does it", self.deadletters("redrive").out)
        self.assertEqual(ends, (self.kafka.end_offsets(self.processor.source),
                                self.kafka.end_offsets(self.processor.dead_letters)))

    def test_the_original_is_sent_back_once(self):
        self.bury([{"value": b"junk", "key": b"k", "headers": [("trace", b"abc"), ("trace", b"def")]}], partition=1)
        self.assertEqual(self.redrive("--execute")["sent"], 1)
        again = self.redrive("--execute")
        self.assertEqual((again["sent"], again["redriven"]), (0, 1))
        message, = self.sent_back()
        self.assertEqual((message.partition(), message.key(), message.value(), message.headers()),
                         (1, b"k", b"junk", [("trace", b"abc"), ("trace", b"def"), (ATTEMPT, b"1")]))
        self.assertTrue(self.list()[0]["redriven"])

    def test_what_is_null_or_empty_stays_so(self):
        self.bury([{"value": None, "key": None}, {"value": b"", "key": b""}])
        self.assertEqual(self.redrive("--execute")["sent"], 2)
        self.assertEqual([(m.key(), m.value()) for m in self.sent_back()], [(None, None), (b"", b"")])

    def test_what_the_topics_take_is_kept_whole_and_sent_back_however_large(self):
        large = {"max.message.bytes": 10_000_000}
        for topic in self.processor.source, self.processor.dead_letters:
            self.kafka.configure(topic, large)
        self.bury([b"x" * 3_000_000], **{"message.max.bytes": 10_000_000})
        self.assertEqual(self.redrive("--execute")["sent"], 1)
        self.assertEqual([len(m.value()) for m in self.sent_back()], [3_000_000])

    def test_the_account_still_balances(self):
        self.bury([b"junk"] * 5)
        self.assertEqual(self.redrive("--execute")["sent"], 5)
        instance = self.processor.start()
        wait_for(lambda: len(self.list()) == 10, "the dead letters of the second attempt")
        self.assertEqual(instance.stop(), 0)
        self.assertIn("exactly once", self.processor.verify())

    def test_a_loop_ends(self):
        self.bury([b"junk"])
        for attempt in range(3):
            self.assertEqual(self.redrive("--execute")["sent"], 1, attempt)
            instance = self.processor.start()
            wait_for(lambda: len(self.list()) == attempt + 2, "the letter that comes back")
            self.assertEqual(instance.stop(), 0)
        self.assertEqual([letter["attempt"] for letter in self.list()], [0, 1, 2, 3])
        end = self.redrive("--execute")
        self.assertEqual((end["sent"], end["too_often"], end["redriven"]), (0, 1, 3))
        self.assertEqual(self.redrive("--max-attempts", "4")["send"], 1)
        self.assertIn("redriven as often as --max-attempts allows", self.deadletters("redrive").out)

    def test_what_cannot_be_sent_back_is_refused_and_said(self):
        self.bury([b"junk"])
        source = [("weft.source.topic", self.processor.source), ("weft.source.partition", "0"),
                  ("weft.source.offset", "0")]
        self.kafka.produce(self.processor.dead_letters, [
            {"value": b"ju", "headers": [*source, ("weft.value.size", "4")]},
            {"value": b"junk", "headers": [("weft.source.topic", "elsewhere"), *source[1:]]},
            {"value": b"junk"}])
        plan = self.redrive("--execute")
        self.assertEqual({name: plan[name] for name in ("sent", "cut", "elsewhere", "no_source")},
                         {"sent": 1, "cut": 1, "elsewhere": 1, "no_source": 1})
        self.assertEqual(len(self.sent_back()), 1)

    def test_those_that_are_chosen_are_sent_and_the_others_later(self):
        self.bury([f"junk {i}".encode() for i in range(6)])
        letters = self.list()
        chosen = [word for i in (1, 4) for word in ("--at", f"0:{letters[i]['offset']}")]
        self.assertEqual(self.redrive("--execute", *chosen)["sent"], 2)
        self.assertEqual({m.value() for m in self.sent_back()}, {b"junk 1", b"junk 4"})
        limited = self.redrive("--execute", "--limit", "1")
        self.assertEqual((limited["sent"], limited["beyond_limit"], limited["redriven"]), (1, 3, 2))
        self.assertEqual(self.redrive("--execute")["sent"], 3)
        self.assertEqual(sorted(m.value() for m in self.sent_back()), [f"junk {i}".encode() for i in range(6)])

    def test_runs_that_are_killed_and_runs_at_once_send_nothing_twice(self):
        count = 6000
        source = [("weft.source.topic", self.processor.source), ("weft.source.partition", "1")]
        self.kafka.produce(self.processor.dead_letters, (
            {"value": b"x" * 500, "headers": [*source, ("weft.source.offset", str(i))]} for i in range(count)))

        def start():
            return self.start_weft("deadletters redrive", "--execute", settings=self.processor.settings())
        for _ in range(3):
            runs = [start(), start()]
            before = len(self.sent_back())
            wait_for(lambda: len(self.sent_back()) > before or not any(run.running() for run in runs), "progress")
            for run in runs:
                run.send(signal.SIGKILL)
                self.assertIn(run.wait(), (-signal.SIGKILL, 0, 1))
        last = start()
        self.assertEqual(last.wait(), 0, last.err)
        sent = collections.Counter(m.value() for m in self.sent_back())
        self.assertEqual(sent, {b"x" * 500: count})
        self.assertEqual(self.redrive("--execute")["sent"], 0)

    def test_a_receipt_behind_an_open_transaction_is_waited_for(self):
        self.bury([b"junk"])
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("other")})
        producer.init_transactions(60)
        producer.begin_transaction()
        producer.produce(self.processor.dead_letters, b"not committed yet")
        producer.flush(60)
        # It reads up to the end, at which somebody may have written a receipt.
        first = self.start_weft("deadletters redrive", "--execute", settings=self.processor.settings())
        second = self.start_weft("deadletters redrive", settings=self.processor.settings())
        self.assertEqual(second.wait(), 0)
        self.assertTrue(first.running())
        producer.commit_transaction(60)
        self.assertEqual(first.wait(), 0, first.err)
        self.assertEqual(len(self.sent_back()), 1)
