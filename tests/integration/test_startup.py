"""What weft run looks at before it starts, and what `weft run --check` shows of it."""
import json
import signal
import time

from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from support import OwnCluster, SharedCluster, wait_for
from support.processor import PIXELS, REQUEST, Processor
from support.secured import SecuredCluster

NOBODY = "127.0.0.1:1"  # a port at which nothing answers


class CheckTest(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def check(self, status=0, **extra):
        """The outcomes by check, with their texts."""
        named = {name.replace("_", "."): value for name, value in extra.items()}
        result = self.weft("run", "--check", "--json", settings={**self.processor.settings(), **named}, status=status)
        *lines, total = map(json.loads, result.out.splitlines())
        self.assertEqual(total["checks"], len(lines))
        self.assertEqual(total["failed"], sum(line["outcome"] == "failed" for line in lines))
        return {line["check"]: line for line in lines}

    def outcomes(self, checks, outcome):
        return {name for name, line in checks.items() if line["outcome"] == outcome}


class Check(CheckTest):
    def test_where_all_is_well_every_check_passes(self):
        self.processor.send(10)
        checks = self.check()
        self.assertEqual(self.outcomes(checks, "ok"), set(checks), checks)
        self.assertIn("10 of the latest 10 requests", checks["model.input"]["text"])
        text = self.weft("run", "--check", settings=self.processor.settings()).out
        self.assertRegex(text, r"(?m)^ok +right.sink +writing to topic results-.* is allowed$")
        self.assertRegex(text, r"(?m)^\d+ checks: 0 failed, 0 unknown$")

    def test_all_that_is_wrong_is_shown_at_once(self):
        self.registry.register(f"{self.processor.sink}-value", REQUEST)
        wrong = {"model": "nowhere.onnx", "dead_letters": "nowhere"}
        checks = self.check(status=1, **wrong)
        self.assertEqual(self.outcomes(checks, "failed"), {"model", "topic.dead_letters", "schema.sink"})
        self.assertEqual(self.outcomes(checks, "unknown"), {"right", "model.input"})
        named = {name.replace("_", "."): value for name, value in wrong.items()}
        result = self.weft("run", settings={**self.processor.settings(), **named, "log.level": "error"}, status=2)
        for part in ("model: failed", "topic.dead_letters: failed", "schema.sink: failed"):
            self.assertIn(part.replace(": ", " "), result.err)
        self.assertRegex(result.err, r"(?m)^weft: 3 start-up checks have failed, the first: model: .*nowhere.onnx")

    def test_it_writes_nothing_and_leaves_a_running_instance_alone(self):
        run = self.processor.start("same")
        self.processor.send(500)
        for _ in range(3):
            checks = self.check(instance="same")
            self.assertEqual(self.outcomes(checks, "failed"), set())
        self.processor.send(500, start=500)
        wait_for(lambda: self.processor.answered() == 1000, "the answers")
        self.assertEqual(run.stop(), 0)
        self.assertNotIn("fenced", run.err.lower())
        self.assertEqual(len(self.kafka.read(self.processor.sink, "read_uncommitted")), 1000)
        self.assertEqual(self.kafka.read(self.processor.dead_letters, "read_uncommitted"), [])
        self.processor.assert_exactly_once()

    def test_a_group_that_others_use_stops_the_start(self):
        other = self.topic("other")
        consumer = self.kafka.consumer(**{"group.id": self.processor.group})
        self.addCleanup(consumer.close)
        consumer.subscribe([other])
        wait_for(lambda: consumer.poll(0.1) and False or consumer.assignment(), "the other's assignment")
        checks = self.check(status=1)
        self.assertEqual(self.outcomes(checks, "failed"), {"group"})
        self.assertRegex(checks["group"]["text"], f"used by others: .* reads {other} there: choose another")
        result = self.weft("run", settings={**self.processor.settings(), "log.level": "error"}, status=1)
        self.assertRegex(result.err, r"\Aweft: group .* is used by others.*\n\Z")

    def test_a_group_divided_in_another_way_stops_the_start(self):
        consumer = self.kafka.consumer(**{"group.id": self.processor.group,
                                          "partition.assignment.strategy": "roundrobin"})
        self.addCleanup(consumer.close)
        consumer.subscribe([self.processor.source])
        wait_for(lambda: consumer.poll(0.1) and False or consumer.assignment(), "the other's assignment")
        self.assertRegex(self.check(status=1)["group"]["text"], "'roundrobin', this one by 'range'")

    def test_requests_that_no_model_takes_are_said_and_answered_with_dead_letters(self):
        bad = [self.processor.request(i, image=bytes(PIXELS - 1)) for i in range(5)]
        self.kafka.produce(self.processor.source, bad)
        checks = self.check(status=1)
        self.assertEqual(self.outcomes(checks, "failed"), {"model.input"})
        self.assertRegex(checks["model.input"]["text"], "784 bytes .*one has 783")
        self.assertFalse(checks["model.input"]["stops"])
        run = self.processor.start()
        run.wait_for_line("startup.check.*model.input failed")
        wait_for(lambda: self.processor.answered() == 5, "five dead letters")

    def test_a_sink_with_fewer_partitions_is_said_and_does_not_stop(self):
        self.processor.sink = self.topic("narrow", 2)
        checks = self.check(status=1)
        self.assertEqual(self.outcomes(checks, "failed"), {"topic.partitions"})
        self.processor.start().wait_for_line("processor.started")

    def test_without_a_broker_the_rest_is_checked_all_the_same(self):
        checks = self.check(status=1, bootstrap_servers=NOBODY, startup_timeout="1s", model="nowhere.onnx")
        self.assertEqual(self.outcomes(checks, "failed"), {"model", "brokers"})
        self.assertEqual(checks["schema.sink"]["outcome"], "ok")

    def test_without_a_registry_the_start_waits(self):
        checks = self.check(status=1, schema_registry_url=f"http://{NOBODY}")
        self.assertEqual(self.outcomes(checks, "failed"), {"registry"})
        self.assertFalse(checks["registry"]["stops"])


class Waiting(CheckTest):
    def test_what_is_waited_for_is_said_at_once(self):
        for servers, reason in ((NOBODY, "refused"), ("nosuchhost.invalid:9092", "resolve")):
            run = self.start_weft("run", settings={**self.processor.settings(), "bootstrap.servers": servers,
                                                   "startup.timeout": "10m"})
            run.wait_for_line(f"startup.brokers.*waiting for .*{reason}", deadline=20)
            self.assertEqual(run.stop(), 0)


class Rights(SecuredCluster):
    def test_each_right_that_is_missing_is_named_and_nothing_is_written(self):
        p = self.processor

        def allow(kind, name, operation, pattern=ResourcePatternType.LITERAL):
            binding = AclBinding(kind, name, pattern, "User:weft", "*", operation, AclPermissionType.ALLOW)
            for future in self.kafka.admin.create_acls([binding]).values():
                future.result()

        def failed():
            result = self.weft("run", "--check", "--json", settings=self.settings(), status=None)
            lines = [json.loads(line) for line in result.out.splitlines()[:-1]]
            for line in lines:
                if line["outcome"] == "failed":
                    self.assertRegex(line["text"], "(?i)authorization failed.*right")
            return {line["check"] for line in lines if line["outcome"] == "failed"}

        for topic in (p.source, p.sink, p.dead_letters):
            allow(ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
        wait_for(lambda: failed() == {"right.transactions"}, "a refused transaction")
        allow(ResourceType.TRANSACTIONAL_ID, p.group, AclOperation.WRITE, ResourcePatternType.PREFIXED)
        wait_for(lambda: failed() == {"right.group"}, "a refused group")
        allow(ResourceType.GROUP, p.group, AclOperation.READ)
        wait_for(lambda: failed() == {"right.source"}, "a refused source")
        allow(ResourceType.TOPIC, p.source, AclOperation.READ)
        wait_for(lambda: failed() == {"right.sink", "right.dead_letters"}, "two refused topics")
        allow(ResourceType.TOPIC, p.dead_letters, AclOperation.WRITE)
        wait_for(lambda: failed() == {"right.sink"}, "a refused sink")
        allow(ResourceType.TOPIC, p.sink, AclOperation.WRITE)
        wait_for(lambda: failed() == set(), "all rights")
        for topic in (p.sink, p.dead_letters):
            self.assertEqual(self.kafka.read(topic, "read_uncommitted"), [])


class Hangs(OwnCluster):
    def test_a_call_that_hangs_ends_the_process_which_says_what_it_knows(self):
        processor = Processor(self)
        run = processor.start(workers=2, batch_max=10, progress_deadline="3s")
        for worker in range(2):
            wait_for(lambda: f"worker {worker} got 2 partitions" in run.err, "half of the partitions for each worker")
        processor.send(5000)
        wait_for(lambda: processor.answered() > 0, "the first answers")
        self.cluster.pause(1)
        self.assertEqual(run.wait(), 3)
        self.assertRegex(run.err, "run.stuck.*worker [01] hangs in .* for [0-9]+ ms")
        for worker in range(2):
            self.assertRegex(run.err, rf"worker.dump.*predict worker {worker}: .* requests in the batch, 2 partitions")
        self.assertRegex(run.err, "worker.dump.*transaction open")
        self.cluster.resume(1)
        processor.start(workers=2)
        wait_for(lambda: processor.answered() == 5000, "the rest")
        processor.assert_exactly_once()

    def test_a_stop_takes_no_longer_than_ten_seconds_though_no_broker_answers(self):
        processor = Processor(self)
        run = processor.start()
        processor.send(100)
        wait_for(lambda: processor.answered() == 100, "the answers")
        self.cluster.pause(1)
        begun = time.monotonic()
        self.assertIn(run.stop(), (0, 3))
        self.assertLess(time.monotonic() - begun, 12)

    def test_a_stop_takes_no_longer_than_ten_seconds_though_the_registry_says_nothing(self):
        processor = Processor(self)
        run = processor.start()
        run.wait_for_line("worker.assigned")
        self.cluster.registry.process.send(signal.SIGSTOP)
        self.kafka.produce(processor.source, [b"\0" + (999_999_999).to_bytes(4, "big") + b"x"])
        run.wait_for_line("worker.registry")
        begun = time.monotonic()
        self.assertEqual(run.stop(), 0)
        self.assertLess(time.monotonic() - begun, 12)
