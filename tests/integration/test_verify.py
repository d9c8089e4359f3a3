"""weft verify: it must fail when something is missing, doubled, or answers what nobody asked."""
import json

from support import SharedCluster, wait_for
from support.processor import Processor


class Verdicts(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=2)

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

    def counts(self, report):
        return {name: report[name] for name in ("requests", "results", "dead_letters", "missing", "duplicated",
                                                "unexpected", "unreadable", "passed")}

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
        self.assertEqual(report["offenders"], [{"fault": "duplicated", "partition": source["partition"],
                                                "offset": source["offset"]}])

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
        result = self.registry.decode(self.kafka.read(self.processor.sink)[0].value())
        result["source"] = {**result["source"], "offset": 1}
        schema_id, _ = self.registry.latest(f"{self.processor.sink}-value")
        self.kafka.produce(self.processor.sink, [self.registry.encode(schema_id, result)])
        report = self.report(1)
        self.assertEqual((report["unexpected"], report["offenders"]),
                         (1, [{"fault": "unexpected", "partition": 0, "offset": 1}]))

    def test_a_record_that_answers_nothing_readable_is_no_proof(self):
        self.answer(5)
        self.kafka.produce(self.processor.sink, [b"who wrote this?"])
        self.assertEqual(self.counts(self.report(1))["unreadable"], 1)

    def test_answers_to_another_topic_are_passed_over(self):
        self.answer(5)
        result = self.registry.decode(self.kafka.read(self.processor.sink)[0].value())
        result["source"] = {**result["source"], "topic": "another"}
        schema_id, _ = self.registry.latest(f"{self.processor.sink}-value")
        self.kafka.produce(self.processor.sink, [self.registry.encode(schema_id, result)])
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
