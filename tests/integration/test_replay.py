"""weft replay: a bounded part of a topic again, exactly once, whatever happens; weft replay diff: what has changed."""
import collections
import json
import math
import random
import signal
import time

from confluent_kafka import TopicPartition

from support import SharedCluster, wait_for
from support.processor import MODEL, PIXELS, Processor
from support.weft import PROGRAM, SOURCE, WITH_FAILPOINTS

RESULT = json.loads((SOURCE / "schemas" / "predict_result.avsc").read_text())
CLASSES = ["cat", "dog", "owl", "fox"]


class Replay(SharedCluster):
    """A source with requests, and replays of it by name."""

    def setUp(self):
        super().setUp()
        self.processor = Processor(self, partitions=3)
        self.source = self.processor.source
        self.replay = self.topic_name("again")
        self.results = f"{self.source}.replay.{self.replay}"
        self.dead_letters = f"{self.results}.dead"
        self.group = f"weft-replay-{self.replay}"

    def settings(self, **extra):
        return {"source": self.source, "sink": self.processor.sink, "model": MODEL, **extra}

    def plan(self, *options, status=0):
        result = self.weft("replay", self.replay, "--json", *options, settings=self.settings(), status=status)
        return json.loads(result.out.splitlines()[-1])["plan" if status == 0 else "error"]

    def execute(self, *options, status=0):
        """Gives the last object printed."""
        result = self.weft("replay", self.replay, "--json", "--execute", *options, settings=self.settings(),
                           status=status)
        return json.loads(result.out.splitlines()[-1])["done" if status == 0 else "error"]

    def start(self, *options, failpoint=None, **extra):
        """failpoint: NAME:N:kill or NAME:N:stop, as in streams/failpoint.h."""
        return self.start_weft("replay", self.replay, "--execute", *options, settings=self.settings(**extra),
                               environment={"FAILPOINT": failpoint} if failpoint else None,
                               program=WITH_FAILPOINTS if failpoint else PROGRAM)

    def requests(self):
        return {(m.partition(), m.offset()) for m in self.kafka.read(self.source)}

    def answered(self):
        """How often each request was answered, and how many of the answers are dead letters."""
        answers, dead = collections.Counter(), 0
        for message in self.kafka.read(self.results):
            source = self.registry.decode(message.value())["source"]
            answers[source["partition"], source["offset"]] += 1
        for message in self.kafka.read(self.dead_letters):
            headers = dict(message.headers())
            answers[int(headers["weft.source.partition"]), int(headers["weft.source.offset"])] += 1
            dead += 1
        return answers, dead

    def assert_exactly_once(self, requests, dead=0):
        self.assertEqual(self.answered(), (collections.Counter(requests), dead))

    def position(self):
        """How many offsets the replay has committed."""
        return sum(max(offset, 0) for offset in self.kafka.committed(self.group, self.source).values())

    def wait_until_begun(self, running):
        """Until some results are committed."""
        def begun():
            self.assertTrue(running.running(), running.err)
            return self.results in self.kafka.topics() and self.kafka.read(self.results)
        wait_for(begun, "the first results")


class Running(Replay):
    def test_a_plan_changes_nothing(self):
        self.processor.send(30)
        plan = self.plan()
        self.assertEqual((plan["left"], plan["deleted"], plan["resumed"]), (30, 0, False))
        self.assertEqual((plan["sample"]["dead_letters"], plan["results"]["partitions"]), (0, 0))
        self.assertNotIn(self.results, self.kafka.topics())
        self.assertEqual(set(self.kafka.committed(self.group, self.source).values()), {-1001})

    def test_each_request_is_answered_once_and_what_cannot_be_scored_is_a_dead_letter(self):
        self.processor.send(200)
        self.kafka.produce(self.source, [b"no request", self.processor.request(1, image=b"short")])
        done = self.execute()
        self.assertEqual((done["results"], done["dead_letters"], done["complete"]), (200, 2, True))
        self.assert_exactly_once(self.requests(), dead=2)
        self.assertEqual(len(self.kafka.topics()[self.results].partitions), 3)
        # Once more there is nothing to do.
        self.assertEqual(self.plan()["left"], 0)
        self.assertEqual(self.execute()["results"], 0)
        self.assert_exactly_once(self.requests(), dead=2)

    def test_the_end_is_frozen_while_the_source_grows(self):
        self.processor.send(300)
        before = self.requests()
        running = self.start("--rate", 100)
        self.wait_until_begun(running)
        self.processor.send(100, start=300)
        self.assertEqual(running.wait(), 0)
        self.assert_exactly_once(before)

    def test_bounds_by_offset_and_by_time(self):
        self.processor.send(60)
        middle = int(time.time() * 1000) + 1000
        wait_for(lambda: time.time() * 1000 > middle, "the middle")
        self.processor.send(40, start=60)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle // 1000)) + f".{middle % 1000:03d}Z"
        self.assertEqual(self.plan("--to", moment)["left"], 60)
        self.assertEqual(self.plan("--from", moment)["left"], 40)
        done = self.execute("--from", "0:3,2:5", "--to", "2:9,0:6")
        self.assertEqual(done["results"], 7)
        self.assert_exactly_once({(0, 3), (0, 4), (0, 5), (2, 5), (2, 6), (2, 7), (2, 8)})

    def test_killed_and_started_again_by_its_name_it_goes_on(self):
        self.processor.send(3000)
        requests = self.requests()
        for _ in range(3):
            before = self.position()
            running = self.start("--rate", 300, "--from", "beginning")
            wait_for(lambda at=before: self.position() > at, "some progress")
            self.assertTrue(running.running(), running.err)
            running.kill()
        self.processor.send(100, start=3000)
        plan = self.plan()
        self.assertTrue(plan["resumed"])
        self.assertTrue(0 < plan["left"] < 3000, plan)
        self.assertEqual(self.execute()["left"], 0)
        self.assert_exactly_once(requests)

    def test_killed_in_its_first_transaction_it_begins_anew_by_its_name(self):
        self.processor.send(300)
        self.kafka.produce(self.source, [b"no request"])
        killed = self.start(failpoint="offsets:1:kill", **{"transaction.timeout.ms": 5000, "producer.linger.ms": 0})
        self.assertEqual(killed.wait(), -signal.SIGKILL)
        for topic in (self.results, self.dead_letters):  # until the cluster has aborted it
            wait_for(lambda at=topic: self.kafka.settled(at), f"the end of the transaction in {topic}")
            self.assertGreater(sum(self.kafka.end_offsets(topic).values()), 1)
            self.assertEqual(self.kafka.read(topic), [])
        plan = self.plan()
        self.assertEqual((plan["resumed"], plan["results"]["records"], plan["dead_letters"]["records"]), (False, 0, 0))
        self.execute()
        self.assert_exactly_once(self.requests(), dead=1)

    def test_a_stop_ends_it_between_transactions_and_it_goes_on_later(self):
        self.processor.send(1000)
        requests = self.requests()
        running = self.start("--rate", 200)
        self.wait_until_begun(running)
        self.assertEqual(running.stop(signal.SIGTERM), 1)
        self.assertIn("start it again by its name", running.out)
        self.execute()
        self.assert_exactly_once(requests)

    def test_of_two_runs_of_one_name_the_later_fences_the_earlier(self):
        self.processor.send(2000)
        requests = self.requests()
        first = self.start("--rate", 100)
        self.wait_until_begun(first)
        second = self.start()
        self.assertEqual(first.wait(), 3)
        self.assertIn("another run of this replay has taken over", first.err)
        self.assertEqual(second.wait(), 0)
        self.assert_exactly_once(requests)

    def test_the_live_group_is_neither_joined_nor_moved(self):
        instance = self.processor.start(workers=1)
        self.processor.send(100)
        wait_for(lambda: self.processor.answered() == 100, "the live answers")
        assignments = instance.err.count("worker.assigned")
        offsets = self.kafka.committed(self.processor.group, self.source)
        self.execute()
        self.assert_exactly_once(self.requests())
        self.assertEqual(self.kafka.committed(self.processor.group, self.source), offsets)
        self.assertEqual(instance.err.count("worker.assigned"), assignments)
        self.assertEqual(instance.stop(), 0)
        self.processor.assert_exactly_once()

    def test_what_retention_has_deleted_is_said_and_the_rest_is_replayed(self):
        self.processor.send(90)
        self.kafka.admin.delete_records([TopicPartition(self.source, 1, 10)])[TopicPartition(self.source, 1)].result()
        plan = self.plan("--from", "4")
        self.assertEqual([p["deleted"] for p in plan["partitions"]], [0, 6, 0])
        text = self.weft("replay", self.replay, settings=self.settings()).out
        self.assertIn(f"10 offsets are no longer in {self.source} and will not be replayed", text)
        self.execute()
        self.assert_exactly_once(self.requests())

    def test_what_is_deleted_between_two_runs_is_said_and_passed_over(self):
        self.processor.send(600)
        running = self.start("--rate", 50)
        self.wait_until_begun(running)
        running.kill()
        # Its last transaction ends with the next claim, so what was read before the deletion counts.
        at = {p["partition"]: p for p in self.plan()["partitions"]}
        cut = at[0]["position"] + 20
        self.assertLess(cut, at[0]["to"])
        self.kafka.admin.delete_records([TopicPartition(self.source, 0, cut)])[TopicPartition(self.source, 0)].result()
        self.assertEqual(self.plan()["partitions"][0]["deleted"], 20)
        self.execute()
        answers, _ = self.answered()
        self.assertEqual(answers.total(), 580)
        self.assertEqual(set(answers.values()), {1})

    def test_markers_and_aborted_requests_at_the_end_do_not_hold_it_up(self):
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("sender")})
        producer.init_transactions(60)
        for commit in (True, False):
            producer.begin_transaction()
            for partition in range(3):
                producer.produce(self.source, self.processor.request(1), partition=partition)
            producer.flush(60)
            producer.commit_transaction(60) if commit else producer.abort_transaction(60)
        self.assertEqual(self.execute()["results"], 3)
        self.assertEqual(self.plan()["left"], 0)
        self.assert_exactly_once(self.requests())

    def test_the_rate_is_a_limit(self):
        self.processor.send(100)
        done = self.execute("--rate", 40)
        self.assertGreater(done["seconds"], 99 / 40)
        self.assertEqual(done["results"], 100)

    def test_other_terms_than_it_was_begun_with_are_refused(self):
        self.processor.send(10)
        self.execute("--from", "2")
        self.assertIn("begun with the beginning 2, not 3", self.plan("--from", "3", status=1)["message"])
        self.assertIn("begun with the model", self.plan("--model", "builtin:lenet", status=1)["message"])
        self.assertIn("begun with the sink", self.plan("--sink", "another", status=1)["message"])
        self.assertTrue(self.plan("--from", "2")["resumed"])

    def test_topics_of_others_are_not_written_to(self):
        self.processor.send(10)
        error = self.plan("--sink", self.processor.sink, status=2)
        self.assertIn("is a topic of the processor", error["message"])
        other = self.topic("other")
        self.kafka.produce(other, [b"of somebody"])
        for attempt in self.plan, self.execute:
            error = attempt("--sink", other, status=1)
            self.assertIn(f"{other} holds records already", error["message"])
        self.assertEqual(len(self.kafka.read(other)), 1)
        self.assertNotIn(f"{self.source}.replay.{self.replay}.dead", self.kafka.topics())

    def test_offsets_of_somebody_else_are_left_alone(self):
        self.processor.send(10)
        consumer = self.kafka.consumer(**{"group.id": self.group})
        consumer.commit(offsets=[TopicPartition(self.source, 0, 2)], asynchronous=False)
        consumer.close()
        self.assertIn("it is not a replay's", self.execute(status=1)["message"])


class Difference(SharedCluster):
    """Results whose comparison is computed here, too."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(7)

    def answer(self, model, offset, truth, right):
        """A result that is right with this probability."""
        label = truth if self.random.random() < right else self.random.randrange(len(CLASSES))
        weights = [self.random.random() for _ in CLASSES]
        weights[label] += 2
        probabilities = [w / sum(weights) for w in weights]
        expected = truth if offset % 5 else None
        return {"id": f"r{offset}", "label": label, "class": CLASSES[label], "probabilities": probabilities,
                "expected": expected, "model": {"name": model, "version": "1", "sha256": model[0] * 64},
                "source": {"topic": "requests", "partition": offset % 3, "offset": offset, "timestamp": 0},
                "scored_at": 0}

    def write_results(self, topic, results):
        schema_id = self.registry.register(f"{topic}-value", RESULT)
        self.kafka.produce(topic, [self.registry.encode(schema_id, result) for result in results])

    def make(self, count):
        truths = [self.random.randrange(len(CLASSES)) for _ in range(count)]
        return ([self.answer("alpha", i, truths[i], 0.7) for i in range(count)],
                [self.answer("beta", i, truths[i], 0.8) for i in range(count)])

    def assert_known(self, report, first, second, classes=CLASSES):
        """Everything that the report says, against a computation of its own."""
        pairs = list(zip(first, second))
        self.assertEqual(report["compared"], len(pairs))
        self.assertEqual(report["agreed"], sum(a["label"] == b["label"] for a, b in pairs))
        matrix = [[0] * len(classes) for _ in classes]
        for a, b in pairs:
            matrix[a["label"]][b["label"]] += 1
        self.assertEqual(report["labels"], matrix)
        self.assertEqual(report["classes"], classes)
        known = [(a["label"] == a["expected"], b["label"] == b["expected"]) for a, b in pairs
                 if a["expected"] is not None]
        self.assertEqual(report["labelled"], len(known))
        self.assertAlmostEqual(report["first"]["accuracy"], sum(a for a, _ in known) / len(known), 6)
        self.assertAlmostEqual(report["second"]["accuracy"], sum(b for _, b in known) / len(known), 6)
        self.assert_mcnemar(report["mcnemar"], sum(a and not b for a, b in known), sum(b and not a for a, b in known))
        changes = sorted(pairs, key=lambda pair: -abs(self.change(*pair)))[:len(report["changes"])]
        for found, (a, b) in zip(report["changes"], changes):
            self.assertEqual((found["offset"], found["first"], found["second"]),
                             (a["source"]["offset"], a["label"], b["label"]))
            self.assertAlmostEqual(found["after"] - found["before"], self.change(a, b), 5)

    @staticmethod
    def change(a, b):
        return b["probabilities"][a["label"]] - a["probabilities"][a["label"]]

    def assert_mcnemar(self, found, b, c):
        self.assertEqual((found["only_first"], found["only_second"], found["exact"]), (b, c, b + c < 25))
        if b + c < 25:
            p = min(1, 2 * sum(math.comb(b + c, i) for i in range(min(b, c) + 1)) / 2 ** (b + c))
        else:
            p = math.erfc(math.sqrt((abs(b - c) - 1) ** 2 / (b + c) / 2))
        self.assertAlmostEqual(found["p"], p, 7)

    def diff(self, *arguments):
        return json.loads(self.weft("replay diff", *arguments, "--json", "--top", 10).out)

    def test_two_topics_are_compared_as_computed(self):
        first, second = self.make(800)
        topics = self.topic("alpha", 2), self.topic("beta", 3)
        self.write_results(topics[0], first)
        self.write_results(topics[1], self.random.sample(second, len(second)))
        page = self.folder / "diff.html"
        self.assert_known(self.diff(*topics, "--html", page), first, second)
        self.assertIn("alpha 1 against beta 1", page.read_text())

    def test_live_results_are_compared_with_those_of_the_shadow_beside_them(self):
        processor, shadow = Processor(self), self.topic("shadow", 4)
        running = processor.start(shadow_model="builtin:lenet", shadow_results=shadow)
        self.kafka.produce(processor.source, [processor.request(i, image=self.random.randbytes(PIXELS))
                                              for i in range(200)] + [b"no request"])
        wait_for(lambda: processor.answered() == 201, "all answers")
        self.assertEqual(running.stop(), 0)
        first, second = ({(r["source"]["partition"], r["source"]["offset"]): r
                          for r in (self.registry.decode(m.value()) for m in self.kafka.read(topic))}
                         for topic in (processor.sink, shadow))
        self.assertEqual((len(first), first.keys()), (200, second.keys()))
        named = {r["label"]: r["class"] for r in [*first.values(), *second.values()]}
        classes = [named.get(label, str(label)) for label in range(max(named) + 1)]
        report = self.diff(processor.sink, shadow)
        self.assertEqual([report[side]["models"][0]["name"] for side in ("first", "second")], ["trivial", "lenet"])
        self.assertEqual((report["first"]["alone"], report["second"]["alone"], report["strangers"]), (0, 0, 0))
        self.assertLess(report["agreed"], 200)
        self.assert_known(report, list(first.values()), [second[request] for request in first], classes)

    def test_few_differences_are_tested_exactly(self):
        first, second = self.make(40)
        topics = self.topic("alpha"), self.topic("beta")
        self.write_results(topics[0], first)
        self.write_results(topics[1], second)
        self.assert_known(self.diff(*topics), first, second)

    def test_two_models_in_one_topic_are_told_apart(self):
        first, second = self.make(200)
        topic = self.topic("both", 2)
        mixed = [result for pair in zip(first, second) for result in pair]
        self.write_results(topic, mixed + [self.answer("gamma", 3, 1, 1.0)])
        for names in ("alpha,beta", "alpha:1,bbbbbbbb"):
            report = self.diff(topic, "--models", names)
            self.assert_known(report, first, second)
            self.assertEqual(report["first"]["passed_over"], 201)

    def test_what_one_side_alone_has_is_counted_and_what_is_no_result_too(self):
        first, second = self.make(50)
        topics = self.topic("alpha"), self.topic("beta")
        self.write_results(topics[0], first[:40] + first[:3])
        self.write_results(topics[1], second[10:])
        self.kafka.produce(topics[1], [b"no result"])
        report = self.diff(*topics)
        self.assertEqual((report["compared"], report["first"]["alone"], report["second"]["alone"]), (30, 10, 10))
        self.assertEqual((report["first"]["duplicated"], report["second"]["unreadable"]), (3, 1))

    def test_topics_without_a_request_in_common_are_refused(self):
        first, second = self.make(20)
        topics = self.topic("alpha"), self.topic("beta")
        self.write_results(topics[0], first[:10])
        self.write_results(topics[1], second[10:])
        result = self.weft("replay diff", *topics, status=2)
        self.assertIn("have no request in common", result.err)
        self.assertIn("has no results of the model nobody",
                      self.weft("replay diff", *topics, "--models", "alpha,nobody", status=2).err)
