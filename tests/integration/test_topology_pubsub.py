"""What a topology declares of Pub/Sub: weft topology, and weft-bridge resources, by which it sees and makes it."""
import json
import os
from concurrent import futures

import grpc
from google.api_core.exceptions import NotFound
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from support import SharedCluster, WeftTest
from support.bridge import BRIDGE
from support.pubsub import PROJECT, PubSub

DAY = 86400
NOBODY = "127.0.0.1:1"


class Resources:
    """Common to tests with and without a cluster."""

    def setUp(self):
        super().setUp()
        self.pubsub = PubSub(self)
        self.first = f"{PROJECT}/topics/{self.topic_name('first')}"
        self.dead = f"{PROJECT}/topics/{self.topic_name('dead')}"
        self.reader = f"{PROJECT}/subscriptions/{self.topic_name('reader')}"

    def environment(self, extra=None):
        path = f"{BRIDGE.parent}:{os.environ['PATH']}"
        return super().environment({"PATH": path, "PUBSUB_EMULATOR_HOST": self.pubsub.address, **(extra or {})})

    def declare(self, topics=None, kafka=None, **subscription):
        """Writes a topology with two topics and a subscription, which the keywords describe; its path."""
        if topics is None:
            topics = [{"name": self.first}, {"name": self.dead}]
        declared = {"topology": "test",
                    "pubsub": {"topics": topics,
                               "subscriptions": [{"name": self.reader, "topic": self.first, **subscription}]}}
        if kafka:
            declared["topics"] = kafka
        self.write("test.yaml", json.dumps(declared, indent=2))  # JSON is YAML
        return "test.yaml"

    def full(self, **other):
        """Everything that can be said of a subscription."""
        return {"ack_deadline": "60s", "ordering": True, "exactly_once": True, "retention": "3d",
                "dead_letters": {"topic": self.dead, "max_attempts": 7}, **other}

    def make(self, **subscription):
        self.pubsub.publisher.create_topic(name=self.first)
        self.pubsub.publisher.create_topic(name=self.dead)
        self.pubsub.subscriber.create_subscription(
            request={"name": self.reader, "topic": self.first, **subscription})

    def found(self):
        return self.pubsub.subscriber.get_subscription(subscription=self.reader)

    def assert_nothing_is_made(self):
        for topic in (self.first, self.dead):
            with self.assertRaises(NotFound):
                self.pubsub.publisher.get_topic(topic=topic)
        with self.assertRaises(NotFound):
            self.found()


class Alone(Resources, WeftTest):
    def test_a_plan_shows_what_is_missing_and_makes_nothing(self):
        path = self.declare([{"name": self.first, "retention": "36h"}, {"name": self.dead}], **self.full())
        self.assertEqual(
            self.weft("topology plan", path, status=4).out,
            f"+ create Pub/Sub topic {self.first} (retention 36h)\n"
            f"+ create Pub/Sub topic {self.dead}\n"
            f"+ create subscription {self.reader} (topic {self.first}, ack_deadline 1m, retention 3d, ordering true, "
            f"exactly_once true, dead_letters {self.dead} after 7 attempts)\n"
            "topology test: 3 changes, 0 unchanged\n"
            "`weft topology apply test.yaml` makes them\n")
        self.assert_nothing_is_made()

    def test_what_is_declared_is_made_and_then_there_is_nothing_to_do(self):
        path = self.declare([{"name": self.first, "retention": "36h"}, {"name": self.dead}], **self.full())
        self.weft("topology apply", path)
        topic = self.pubsub.publisher.get_topic(topic=self.first)
        self.assertEqual(topic.message_retention_duration.total_seconds(), 1.5 * DAY)
        found = self.found()
        self.assertEqual((found.topic, found.ack_deadline_seconds, found.enable_message_ordering,
                          found.enable_exactly_once_delivery, found.message_retention_duration.total_seconds()),
                         (self.first, 60, True, True, 3 * DAY))
        self.assertEqual((found.dead_letter_policy.dead_letter_topic, found.dead_letter_policy.max_delivery_attempts),
                         (self.dead, 7))
        self.assertFalse(found.expiration_policy.ttl)
        shown = self.weft("topology plan", path)
        self.assertIn("topology test: 0 changes, 3 unchanged\n", shown.out)
        self.assertEqual(self.weft("topology apply", path).out, shown.out)

    def test_where_little_is_said_the_service_decides(self):
        path = self.declare()
        self.weft("topology apply", path)
        found = self.found()
        self.assertFalse(found.enable_message_ordering or found.enable_exactly_once_delivery)
        self.assertEqual(found.message_retention_duration.total_seconds(), 7 * DAY)
        self.weft("topology plan", path)

    def test_settings_are_changed_alone(self):
        self.make(ack_deadline_seconds=20, enable_message_ordering=True)
        path = self.declare(ack_deadline="90s", exactly_once=True, dead_letters={"topic": self.dead})
        self.assertIn(f"set ack_deadline of subscription {self.reader}: 20s -> 90s\n"
                      f"set exactly_once of subscription {self.reader}: false -> true\n"
                      f"set dead_letters of subscription {self.reader}: {self.dead} after 5 attempts\n",
                      self.weft("topology apply", path).out)
        found = self.found()
        self.assertEqual((found.ack_deadline_seconds, found.enable_exactly_once_delivery,
                          found.enable_message_ordering, found.dead_letter_policy.max_delivery_attempts),
                         (90, True, True, 5))

    def test_what_is_set_there_and_not_declared_stays(self):
        self.make(ack_deadline_seconds=20, enable_message_ordering=True, filter='attributes.kind = "a"',
                  expiration_policy={"ttl": Duration(seconds=31 * DAY)})
        self.assertEqual(self.weft("topology plan", self.declare()).out,
                         f"= Pub/Sub topic {self.first}\n"
                         f"= Pub/Sub topic {self.dead}\n"
                         f"? ack_deadline of subscription {self.reader}: 20s (set there and not declared)\n"
                         f"? ordering of subscription {self.reader}: true (set there and not declared)\n"
                         f"? filter of subscription {self.reader}: attributes.kind = \"a\" (set there: what it leaves "
                         "out never comes)\n"
                         f"? expiration of subscription {self.reader}: 31d (without a reader for so long it is "
                         "deleted)\n"
                         "topology test: 0 changes, 2 unchanged, 4 drifted\n")

    def test_ordering_and_topic_cannot_be_changed(self):
        self.make()
        path = self.declare(ordering=True, ack_deadline="60s")
        refused = self.weft("topology apply", path, status=1)
        self.assertIn(f"! ordering of subscription {self.reader}: false -> true (it is decided once, when a "
                      "subscription is made: declare another subscription, or delete this one", refused.out)
        self.assertEqual(refused.err, "weft: 1 step is refused: nothing was changed\n")
        path = self.declare(topic=self.dead, ack_deadline="60s")
        self.assertIn(f"! topic of subscription {self.reader}: {self.first} -> {self.dead} (a subscription keeps its "
                      "topic: ", self.weft("topology apply", path, status=1).out)
        self.assertIn(self.found().ack_deadline_seconds, (0, 10))  # both are the default

    def test_a_subscription_whose_topic_was_deleted_is_not_mended_in_silence(self):
        self.make()
        self.pubsub.publisher.delete_topic(topic=self.first)
        refused = self.weft("topology apply", self.declare(), status=1)
        self.assertIn(f"! topic of subscription {self.reader}: _deleted-topic_ -> {self.first} (its topic has been "
                      "deleted: ", refused.out)
        with self.assertRaises(NotFound):
            self.pubsub.publisher.get_topic(topic=self.first)

    def test_messages_are_given_up_only_when_that_is_allowed(self):
        self.make()
        path = self.declare([{"name": self.first}, {"name": self.dead, "retention": "1d"}], retention="1d")
        self.pubsub.publisher.update_topic(
            request={"topic": {"name": self.dead, "message_retention_duration": Duration(seconds=2 * DAY)},
                     "update_mask": FieldMask(paths=["message_retention_duration"])})
        refused = self.weft("topology apply", path, status=1).out
        self.assertIn(f"! retention of Pub/Sub topic {self.dead}: 2d -> 1d (messages that are kept now would be "
                      f"deleted; --allow shrink-retention:{self.dead} does it)", refused)
        self.assertIn(f"! retention of subscription {self.reader}: 7d -> 1d (messages that are kept now would be "
                      f"deleted; --allow shrink-retention:{self.reader} does it)", refused)
        allowed = [word for name in (self.dead, self.reader) for word in ("--allow", f"shrink-retention:{name}")]
        self.weft("topology apply", path, *allowed[:2], status=1)
        self.assertEqual(self.found().message_retention_duration.total_seconds(), 7 * DAY)
        self.weft("topology apply", path, *allowed)
        self.assertEqual(self.found().message_retention_duration.total_seconds(), DAY)
        self.assertEqual(self.pubsub.publisher.get_topic(topic=self.dead).message_retention_duration.total_seconds(),
                         DAY)

    def test_longer_retention_needs_nobodys_leave(self):
        self.make(message_retention_duration=Duration(seconds=DAY))
        self.weft("topology apply", self.declare([{"name": self.first, "retention": "1d"}, {"name": self.dead}],
                                                 retention="2d"))
        self.assertEqual(self.found().message_retention_duration.total_seconds(), 2 * DAY)

    def test_a_topic_that_nobody_declares_must_be_there(self):
        path = self.declare(topics=[], dead_letters={"topic": self.dead})
        self.assertIn(f"! subscription {self.reader} (there is no topic {self.first}: declare it, or make it)",
                      self.weft("topology apply", path, status=1).out)
        self.pubsub.publisher.create_topic(name=self.first)
        self.assertIn(f"! subscription {self.reader} (there is no topic {self.dead}: declare it, or make it)",
                      self.weft("topology apply", path, status=1).out)
        self.pubsub.publisher.create_topic(name=self.dead)
        self.weft("topology apply", path)
        self.assertEqual(self.found().topic, self.first)

    def test_what_is_taken_out_of_the_file_stays(self):
        self.weft("topology apply", self.declare())
        kept = self.declare([{"name": self.first}])
        self.assertNotIn(self.dead, self.weft("topology apply", kept).out)
        self.pubsub.publisher.get_topic(topic=self.dead)

    def test_json_has_a_line_for_each_step(self):
        self.make()
        path = self.declare(ack_deadline="60s", dead_letters={"topic": self.dead})
        lines = [json.loads(line) for line in self.weft("topology apply", path, "--json").out.splitlines()]
        steps = [(line["step"], line["name"], line.get("setting"), line["verdict"])
                 for line in lines if "step" in line]
        change = [("subscription_setting", self.reader, setting) for setting in ("ack_deadline", "dead_letters")]
        self.assertEqual(steps, [("pubsub_topic", self.first, None, "unchanged"),
                                 ("pubsub_topic", self.dead, None, "unchanged"),
                                 *[(*step, "change") for step in change], *[(*step, "done") for step in change]])
        summary = next(line for line in lines if "topology" in line)
        self.assertEqual((summary["unchanged"], summary["change"]), (2, 2))

    def test_weft_bridge_shows_and_does_the_same_alone(self):
        path = self.declare()
        bridge = self.start_weft("resources plan", path, program=BRIDGE)
        self.assertEqual(bridge.wait(), 4)
        self.assertEqual(bridge.out, self.weft("topology plan", path, status=4).out
                         .replace("`weft topology apply", "`weft-bridge resources apply"))
        self.assertEqual(self.start_weft("resources apply", path, program=BRIDGE).wait(), 0)
        self.weft("topology plan", path)

    def test_without_weft_bridge_nobody_is_asked(self):
        for command in ("topology plan", "topology apply"):
            failed = self.weft(command, self.declare(), environment={"PATH": "/nowhere"}, status=2)
            self.assertEqual(failed.out, "")
            self.assertEqual(failed.err, "weft: test.yaml declares what is to be at Pub/Sub, and weft-bridge, which "
                                         "speaks to it, is not there: install it beside weft or put its folder on "
                                         "PATH\n")

    def test_a_service_that_is_away_is_waited_for_and_named(self):
        failed = self.weft("topology plan", self.declare(), "--json", settings={"startup.timeout": "1s"},
                           environment={"PUBSUB_EMULATOR_HOST": NOBODY}, status=1)
        error = json.loads(failed.out)["error"]
        self.assertEqual(error["class"], "unavailable")
        self.assertRegex(error["message"], f"^Pub/Sub at {NOBODY}: {self.first}: ")

    def test_a_service_that_comes_later_is_found(self):
        self.pubsub = PubSub(self, own=True)
        self.pubsub.server.kill()
        planning = self.start_weft("resources plan", self.declare(), program=BRIDGE,
                                   settings={"startup.timeout": "100s"})
        address = self.pubsub.address
        self.pubsub.restart()
        self.assertEqual(self.pubsub.address, address)
        self.assertEqual(planning.wait(), 4, planning.err)

    def test_without_the_right_the_name_is_said(self):
        def refuse(_, context):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")

        server = grpc.server(futures.ThreadPoolExecutor(1))
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Publisher", {"GetTopic": grpc.unary_unary_rpc_method_handler(refuse)})])
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.addCleanup(server.stop, None)
        failed = self.weft("topology apply", self.declare(), environment={"PUBSUB_EMULATOR_HOST": address}, status=1)
        self.assertEqual(failed.err, f"weft: {self.first}: not permitted (User not authorized to perform this "
                                     "action.): docs/bridge.md lists the roles needed\n")


class Between(Resources, WeftTest):
    """weft and weft-bridge: a script stands for the latter."""

    def with_bridge(self, script):
        program = self.write("bin/weft-bridge", f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    def write(self, name, content):
        (self.folder / name).parent.mkdir(exist_ok=True)
        return super().write(name, content)

    def test_settings_go_into_the_environment_and_not_onto_the_command_line(self):
        path = self.declare()
        environment = self.with_bridge("echo \"$@\" > args; env > env")
        self.write("own.properties", "pubsub.credentials.file=key.json\nstartup.timeout=7s\n")
        self.weft("topology plan", path, "-F", "own.properties", "--allow", f"shrink-retention:{self.first}",
                  settings={"pubsub.endpoint": "here:443", "startup.timeout": "9s"},
                  environment={**environment, "WEFT_PUBSUB_ENDPOINT": "there:443", "WEFT_SASL_PASSWORD": "secret"})
        self.assertEqual((self.folder / "args").read_text(),
                         f"resources plan --json --allow shrink-retention:{self.first} test.yaml\n")
        got = (self.folder / "env").read_text().splitlines()
        for line in ("WEFT_PUBSUB_ENDPOINT=here:443", "WEFT_PUBSUB_CREDENTIALS_FILE=key.json",
                     "WEFT_STARTUP_TIMEOUT=9s", f"PUBSUB_EMULATOR_HOST={self.pubsub.address}"):
            self.assertIn(line, got)
        self.assertNotIn("WEFT_PUBSUB_ENDPOINT=there:443", got)

    def test_an_error_is_passed_on_with_its_class(self):
        error = {"error": {"class": "refused", "message": "the credentials were refused"}}
        failed = self.weft("topology plan", self.declare(), "--json", status=1,
                           environment=self.with_bridge(f"echo '{json.dumps(error)}'; exit 1"))
        self.assertEqual(json.loads(failed.out), error)

    def test_an_end_without_a_word_is_an_error(self):
        for script, status in (("exit 3", 3), ("kill -KILL $$", 137)):
            failed = self.weft("topology plan", self.declare(), status=1, environment=self.with_bridge(script))
            self.assertEqual(failed.err, f"weft: weft-bridge ended with status {status}\n")

    def test_words_that_are_not_understood_are_an_error(self):
        steps = [{"step": "queue", "name": self.first, "verdict": "create"},
                 {"step": "pubsub_topic", "name": "another", "verdict": "create"},
                 {"step": "pubsub_topic", "name": self.first, "verdict": "perhaps"},
                 {"step": "pubsub_topic", "name": self.first, "verdict": "done"},
                 {"step": "subscription_setting", "name": self.reader, "verdict": "create"}]
        for line in ["words", "[]", "{}", '{"error": 1}', *map(json.dumps, steps)]:
            failed = self.weft("topology plan", self.declare(), status=1,
                               environment=self.with_bridge(f"echo '{line}'"))
            self.assertRegex(failed.err, "^weft: weft-bridge said '.*': is it of the same version as weft")


class WithKafka(Resources, SharedCluster):
    def test_all_stands_in_one_list_and_is_made(self):
        requests = self.topic_name("requests")
        path = self.declare(kafka=[{"name": requests, "partitions": 2}])
        self.assertEqual(self.weft("topology apply", path).out.splitlines(),
                         [f"+ create topic {requests} (2 partitions)",
                          f"+ create Pub/Sub topic {self.first}",
                          f"+ create Pub/Sub topic {self.dead}",
                          f"+ create subscription {self.reader} (topic {self.first})",
                          "topology test: 4 changes, 0 unchanged",
                          f"created topic {requests} (2 partitions)",
                          f"created Pub/Sub topic {self.first}",
                          f"created Pub/Sub topic {self.dead}",
                          f"created subscription {self.reader} (topic {self.first})"])
        self.assertIn("0 changes, 4 unchanged", self.weft("topology plan", path).out)

    def test_what_pubsub_refuses_keeps_kafka_as_it_is(self):
        self.make()
        requests = self.topic_name("requests")
        self.weft("topology apply", self.declare(kafka=[{"name": requests, "partitions": 2}], ordering=True), status=1)
        self.assertNotIn(requests, self.kafka.topics())

    def test_what_kafka_refuses_keeps_pubsub_as_it_is(self):
        requests = self.topic("requests", 4)
        self.weft("topology apply", self.declare(kafka=[{"name": requests, "partitions": 2}]), status=1)
        self.assert_nothing_is_made()
