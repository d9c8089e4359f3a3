"""weft verify: it must fail when something is missing, doubled, or answers what nobody asked."""
import json
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import TopicPartition

from support import OwnCluster, SharedCluster, wait_for
from support.processor import Processor


class Verify(SharedCluster):
    """What is verified: self.processor."""

    def answer(self, count):
        """Lets a processor answer count requests and leave."""
        instance = self.processor.start()
        self.processor.send(count)
        wait_for(lambda: self.processor.answered() == count, "all answers")
        self.assertEqual(instance.stop(), 0)

    def report(self, status, **settings):
        named = {name.replace("_", "."): value for name, value in settings.items()}
        result = self.weft("verify", "--json", settings={**self.processor.settings(), **named}, status=status)
        return json.loads(result.out)

    def answer_anew(self, **source):
        """Writes a result once more, with other coordinates of its request."""
        result = self.registry.decode(self.kafka.read(self.processor.sink)[0].value())
        result["source"] = {**result["source"], **source}
        schema_id, _ = self.registry.latest(f"{self.processor.sink}-value")
        self.kafka.produce(self.processor.sink, [self.registry.encode(schema_id, result)])

    def delete_before(self, partition, offset):
        """As retention does."""
        place = TopicPartition(self.processor.source, partition, offset)
        self.kafka.admin.delete_records([place])[place].result()

    def counts(self, report):
        return {name: report[name] for name in ("requests", "results", "dead_letters", "missing", "duplicated",
                                                "unexpected", "unreadable", "passed")}


class Verdicts(Verify):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=2)

    def test_all_accounted_for(self):
        self.answer(50)
        self.kafka.produce(self.processor.source, [b"not yet answered"])
        report = self.report(0)
        self.assertEqual(self.counts(report), {"requests": 50, "results": 50, "dead_letters": 0, "missing": 0,
                                               "duplicated": 0, "unexpected": 0, "unreadable": 0, "passed": True})
        self.assertEqual(sum(p["requests"] for p in report["partitions"]), 50)

    def test_a_group_that_has_committed_nothing_proves_nothing(self):
        self.processor.send(3)
        result = self.weft("verify", settings=self.processor.settings(), status=1)
        self.assertIn("has committed nothing: is it the right one?", result.out)

    def test_a_doubled_result_is_found(self):
        self.answer(20)
        twice = self.kafka.read(self.processor.sink)[4]
        self.kafka.produce(self.processor.sink, [twice.value()])
        source = self.registry.decode(twice.value())["source"]
        report = self.report(1)
        self.assertEqual((report["duplicated"], report["missing"], report["passed"]), (1, 0, False))
        offender, = report["offenders"]
        answer = offender.pop("answer")
        self.assertEqual(offender, {"fault": "duplicated", "partition": source["partition"],
                                    "offset": source["offset"]})
        second = self.kafka.end_offsets(self.processor.sink)[answer["partition"]] - 1
        self.assertEqual((answer["topic"], answer["offset"]), (self.processor.sink, second))

    def test_a_missing_result_is_found(self):
        self.answer(20)
        # The same group's offsets, held against a sink in which one result is not.
        kept = [m.value() for m in self.kafka.read(self.processor.sink)]
        lost = self.registry.decode(kept.pop(7))["source"]
        other = self.topic("other")
        self.kafka.produce(other, kept)
        report = self.report(1, sink=other)
        self.assertEqual((report["missing"], report["duplicated"]), (1, 0))
        self.assertEqual(report["offenders"], [{"fault": "missing", "partition": lost["partition"],
                                                "offset": lost["offset"]}])

    def test_a_result_and_a_dead_letter_for_one_request_are_one_too_many(self):
        self.answer(5)
        source = self.registry.decode(self.kafka.read(self.processor.sink)[0].value())["source"]
        self.kafka.produce(self.processor.dead_letters, [{"value": b"x", "headers": [
            ("weft.source.topic", self.processor.source), ("weft.source.partition", str(source["partition"])),
            ("weft.source.offset", str(source["offset"]))]}])
        self.assertEqual(self.report(1)["duplicated"], 1)

    def test_an_answer_where_there_is_no_request_is_found(self):
        # A transaction's marker takes an offset of its own, at which there is no request.
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("sender")})
        producer.init_transactions(60)
        instance = self.processor.start()
        for _ in range(2):
            producer.begin_transaction()
            producer.produce(self.processor.source, self.processor.request(1), partition=0)
            producer.commit_transaction(60)
        wait_for(lambda: len(self.kafka.read(self.processor.sink)) == 2, "both answers")
        self.assertEqual(instance.stop(), 0)
        self.assertEqual(self.report(0)["requests"], 2)
        self.answer_anew(partition=0, offset=1)
        report = self.report(1)
        self.assertEqual(report["unexpected"], 1)
        self.assertEqual({name: report["offenders"][0][name] for name in ("fault", "partition", "offset")},
                         {"fault": "unexpected", "partition": 0, "offset": 1})

    def test_a_record_that_answers_nothing_readable_is_no_proof(self):
        self.answer(5)
        self.kafka.produce(self.processor.sink, [b"who wrote this?"])
        self.assertEqual(self.counts(self.report(1))["unreadable"], 1)

    def test_answers_to_another_topic_are_passed_over(self):
        self.answer(5)
        self.answer_anew(topic="another")
        self.assertTrue(self.report(0)["passed"])

    def test_results_of_an_aborted_transaction_do_not_count(self):
        self.answer(5)
        value = self.kafka.read(self.processor.sink)[0].value()
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("aborter")})
        producer.init_transactions(60)
        producer.begin_transaction()
        producer.produce(self.processor.sink, value)
        producer.flush(60)
        producer.abort_transaction(60)
        self.assertTrue(self.report(0)["passed"])

    def test_what_an_aborted_sender_left_is_no_request(self):
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("sender")})
        producer.init_transactions(60)
        for commits in (False, True, False):
            producer.begin_transaction()
            for i in range(3):
                producer.produce(self.processor.source, self.processor.request(i), partition=0)
            producer.flush(60)
            producer.commit_transaction(60) if commits else producer.abort_transaction(60)
        instance = self.processor.start()
        self.processor.send(10)
        wait_for(lambda: len(self.kafka.read(self.processor.sink)) == 13, "all answers")
        self.assertEqual(instance.stop(), 0)
        report = self.report(0)
        self.assertEqual((report["requests"], report["aborted"], report["unseen"]), (13, 6, 3))

    def test_only_the_range_that_is_asked_for_is_accounted_for(self):
        self.answer(40)
        whole = self.report(0)["partitions"]
        kept = [m.value() for m in self.kafka.read(self.processor.sink)]
        lost = self.registry.decode(kept.pop(7))["source"]
        self.processor.sink = self.topic("other")
        self.kafka.produce(self.processor.sink, kept)

        def missing(arguments):
            result = self.weft("verify", "--json", *arguments, settings=self.processor.settings(), status=None)
            report = json.loads(result.out)
            self.assertEqual(result.status, 0 if report["passed"] else 1)
            return report["missing"], report["requests"]
        here, other = lost["partition"], 1 - lost["partition"]
        after = sum(p["to"] for p in whole) - lost["offset"] - 1
        wanted = {
            ("--from", lost["offset"]): (1, sum(max(0, p["to"] - lost["offset"]) for p in whole)),
            ("--from", f"{here}:{lost['offset'] + 1},{other}:0"): (0, after),
            ("--to", f"{here}:{lost['offset']}"): (0, lost["offset"]),
            ("--from", f"{other}:0"): (0, whole[other]["to"]),
            ("--from", "2001-01-01"): (1, 40),
            ("--from", "2001-01-01", "--to", "2001-01-02T00:00:00Z"): (0, 0),
            ("--to", "end"): (1, 40),
        }
        with ThreadPoolExecutor(len(wanted)) as pool:  # what is missing is waited for
            self.assertEqual(dict(zip(wanted, pool.map(missing, wanted))), wanted)
        self.assertIn("--from is 'yesterday'", self.weft("verify", "--from", "yesterday", status=2,
                                                         settings=self.processor.settings()).err)

    def test_answers_whose_requests_retention_took_are_counted_apart(self):
        self.answer(40)
        first = self.report(0)["partitions"][0]["to"] // 2
        self.delete_before(0, first)
        report = self.report(0)
        self.assertEqual((report["requests"], report["expired"]), (40 - first, first))
        self.assertEqual(report["partitions"][0]["from"], first)

    def test_requests_that_retention_took_before_they_were_read_are_told(self):
        self.answer(10)
        self.processor.send(10, start=10)
        before = self.report(0)["partitions"]
        self.delete_before(1, before[1]["to"] + 2)
        report = self.report(0)
        self.assertEqual((report["unread"], report["partitions"][1]["requests"]), (2, 0))

    def test_an_answer_to_what_the_source_does_not_have_yet_is_unexpected(self):
        self.answer(10)
        self.answer_anew(partition=0, offset=1000)
        self.answer_anew(partition=9, offset=0)
        self.assertEqual(self.report(1)["unexpected"], 2)

    def test_answers_to_a_source_that_was_made_anew_are_unexpected(self):
        self.answer(10)
        self.kafka.admin.delete_topics([self.processor.source])[self.processor.source].result()
        wait_for(lambda: self.processor.source not in self.kafka.topics(), "the end of the topic")
        self.kafka.create_topic(self.processor.source, 2)
        self.assertEqual(self.report(1)["unexpected"], 10)

    def test_offsets_that_the_source_does_not_have_are_told(self):
        consumer = self.kafka.consumer(**{"group.id": self.processor.group})
        consumer.commit(offsets=[TopicPartition(self.processor.source, 0, 1000)], asynchronous=False)
        consumer.close()
        result = self.weft("verify", settings=self.processor.settings(), status=1)
        self.assertIn("was the topic made anew since?", result.err)


class Compacted(Verify):
    """A source of which the broker keeps the last request of each key."""

    KEYS = 5

    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=2, cleanup_policy="compact", segment_ms=100,
                                   min_cleanable_dirty_ratio=0.01)

    def send(self, count):
        self.kafka.produce(self.processor.source, ({"value": self.processor.request(i), "key": f"k{i % self.KEYS}"}
                                                   for i in range(count)))

    def wait_until_compacted(self, ends):
        """Until the cleaner has left one request of each key before these offsets."""
        def clean():
            # Only a segment that a later record has closed is compacted.
            self.kafka.produce(self.processor.source, [{"value": b"later", "key": "later", "partition": p}
                                                       for p in ends])
            left = [m for m in self.kafka.read(self.processor.source) if m.offset() < ends[m.partition()]]
            return len(left) == self.KEYS
        wait_for(clean, "compaction")

    def test_answers_whose_requests_compaction_took_are_counted_apart(self):
        instance = self.processor.start()
        self.send(40)
        wait_for(lambda: self.processor.answered() == 40, "all answers")
        self.assertEqual(instance.stop(), 0)
        answers = [self.registry.decode(m.value())["source"] for m in self.kafka.read(self.processor.sink)]
        ends = self.kafka.end_offsets(self.processor.source)
        self.wait_until_compacted(ends)
        report = self.report(0)
        self.assertEqual({name: report[name] for name in ("requests", "compacted", "unseen", "compaction_presumed")},
                         {"requests": self.KEYS, "compacted": len(answers) - self.KEYS, "unseen": 40 - self.KEYS,
                          "compaction_presumed": False})

        left = {(m.partition(), m.offset()) for m in self.kafka.read(self.processor.source)}
        taken = next(a for a in answers if (a["partition"], a["offset"]) not in left)
        self.answer_anew(partition=taken["partition"], offset=taken["offset"])
        report = self.report(1)
        self.assertEqual((report["duplicated"], report["unexpected"]), (1, 0))
        self.assertEqual([(o["partition"], o["offset"]) for o in report["offenders"]],
                         [(taken["partition"], taken["offset"])])


class AbsentBroker(OwnCluster):
    def test_a_broker_that_does_not_answer_ends_it_with_a_word(self):
        processor = Processor(self, partitions=2)
        instance = processor.start()
        processor.send(20)
        wait_for(lambda: processor.answered() == 20, "all answers")
        self.assertEqual(instance.stop(), 0)
        self.cluster.pause(1)
        begin = time.monotonic()
        verify = self.start_weft("verify", settings=processor.settings(startup_timeout=3000))
        self.assertEqual(verify.wait(), 1)
        self.assertIn("no broker answers at", verify.err)
        self.assertLess(time.monotonic() - begin, 60)
        self.cluster.resume(1)
