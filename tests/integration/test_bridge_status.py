"""What an operator sees of weft-bridge: its status endpoint, and the checks before its start."""
import json
import socket
import time

from support import OwnCluster, SharedCluster, wait_for
from support.bridge import BRIDGE, Bridge, Mirrored
from support.dashboard import assert_exported, queries
from support.endpoint import Endpoint
from support.scripted_pubsub import ScriptedPubSub

UNMAPPABLE = {"value": b"bad", "headers": [("h", b"x" * 300_000)]}
LOOKS_LIKE_OURS = {"data": b"bad", "attributes": {"kafka.topic": "t"}}


def start(bridge, **settings):
    running = bridge.start(status_listen="0", **settings)
    return running, Endpoint(running)


def wait_for_reason(endpoint, ready, beginning):
    wait_for(lambda: endpoint.ready()[0] == ready and f": {beginning}" in endpoint.ready()[1],
             f"/readyz saying {beginning!r}")


def nobody(test):
    """An address where nobody listens."""
    taken = socket.socket()
    test.addCleanup(taken.close)
    taken.bind(("127.0.0.1", 0))
    return f"127.0.0.1:{taken.getsockname()[1]}"


def check(test, file, *arguments, status=0, **settings):
    """The checks of --check, by bridge (None: of all) and name."""
    done = test.start_weft("run", file, "--check", "--json", *arguments, program=BRIDGE,
                           settings={name.replace("_", "."): value for name, value in settings.items()},
                           environment={"PUBSUB_EMULATOR_HOST": test.pubsub.address})
    test.assertEqual(done.wait(), status, done.out + done.err)
    lines = [json.loads(line) for line in done.out.splitlines()]
    test.assertEqual(lines[-1]["failed"], sum(line.get("outcome") == "failed" for line in lines))
    return {(line["bridge"], line["check"]): line for line in lines[:-1]}


class Metrics(Mirrored, SharedCluster):
    def wait_for_counts(self, endpoint, **counts):
        """Each by its name between weft_bridge_ and _total."""
        def counted():
            return {name: endpoint.total(f"weft_bridge_{name}_total") for name in counts} == counts
        wait_for(counted, f"{counts}")

    def test_outward_counts_equal_what_was_sent(self):
        self.records(200)
        self.kafka.produce(self.source, [UNMAPPABLE])
        bridge = self.outward(order="key")
        _, endpoint = start(bridge)
        self.pubsub.pull_at_least(self.subscription, 200)
        self.wait_for_counts(endpoint, received=201, sent=200, dead_letters=1, acknowledged=201, repeats=0, loops=0)
        wait_for(lambda: endpoint.total("weft_bridge_outstanding_messages") == 0, "nothing under way")
        self.assertEqual(endpoint.total("weft_bridge_oldest_unacknowledged_seconds"), 0)
        self.assertEqual(endpoint.total("weft_bridge_latency_seconds_count"), 200)
        self.assertEqual(endpoint.total("weft_bridge_dead_letters_total", **{"class": "corrupt"}), 1)
        self.assertEqual(endpoint.total("weft_bridge_state", state="working"), 1)
        self.assertEqual(endpoint.total("weft_bridge_state"), 1)
        sample, = endpoint.samples()["weft_bridge_sent_total"]
        self.assertEqual(sample.labels, {"bridge": bridge.names["out"], "direction": "kafka_to_pubsub"})

        def lags():
            return {int(s.labels["partition"]): s.value for s in endpoint.samples().get("weft_bridge_lag_records", [])}
        wait_for(lambda: lags() == {0: 0, 1: 0, 2: 0, 3: 0}, "no lag in any partition")

    def test_inward_counts_equal_what_was_sent_and_repeats_are_counted(self):
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("kept"), retain_acked_messages=True)
        begun = time.time()
        self.messages(200)
        self.pubsub.publish(self.between, [LOOKS_LIKE_OURS])
        _, endpoint = start(self.inward())
        self.wait_for_counts(endpoint, received=201, sent=200, dead_letters=1, acknowledged=201, repeats=0, loops=0)
        self.assertEqual(endpoint.total("weft_bridge_latency_seconds_count"), 201)
        self.pubsub.subscriber.seek(request={"subscription": self.subscription,
                                             "time": {"seconds": int(begun) - 60}})
        self.wait_for_counts(endpoint, received=402, sent=200, dead_letters=1, acknowledged=402, repeats=201)
        self.assert_once(200)
        wait_for(lambda: endpoint.total("weft_bridge_outstanding_messages") == 0, "nothing under way")

    def test_what_goes_in_a_circle_is_counted_where_it_ends(self):
        _, endpoint = start(Bridge(self, self.pubsub,
                                   out={"from": {"kafka": self.source}, "to": {"pubsub": self.between}},
                                   into={"from": {"pubsub": self.subscription}, "to": {"kafka": self.source}}))
        self.records(100)
        self.wait_for_counts(endpoint, loops=100, received=200, sent=100)
        self.assertEqual(endpoint.total("weft_bridge_loops_total", direction="pubsub_to_kafka"), 100)

    def test_dashboard_and_alerts_use_only_names_that_are_exported(self):
        _, endpoint = start(self.both())

        def all_are_there():
            self.records(10)  # round trips are those of the last second
            return {"weft_kafka_round_trip_average_seconds", "weft_bridge_lag_records"} <= endpoint.samples().keys()
        wait_for(all_are_there, "all of the metrics")
        self.assertGreater(len(assert_exported(self, queries(of_bridges=True), endpoint)), 10)

    def test_clients_with_nothing_to_do_say_how_they_are(self):
        for bridge in self.outward(), self.inward():
            _, endpoint = start(bridge)
            for client in "consumer", "producer":
                wait_for(lambda: endpoint.total("weft_kafka_received_bytes_total", client=client) > 0,
                         f"what the {client} has received")

    def test_there_is_none_unless_an_address_is_given(self):
        running = self.outward().start()
        running.wait_for_line("bridge.assigned")
        self.assertNotIn("status.listening", running.err)


class Ready(Mirrored, SharedCluster):
    own_pubsub = True

    def test_pubsub_away_at_the_start_and_later(self):
        self.pubsub.server.kill()
        running, endpoint = start(self.inward())
        wait_for_reason(endpoint, False, "starting: Pub/Sub has not answered yet")
        self.bring_pubsub_back(running)
        wait_for(lambda: endpoint.ready() == (True, "ok"), "a bridge at work")
        self.pubsub.server.kill()
        wait_for_reason(endpoint, False, "Pub/Sub away")
        self.assertEqual(endpoint.total("weft_bridge_state", state="pubsub_away"), 1)
        self.assertEqual(endpoint.get("/healthz"), (200, "ok\n"))
        self.bring_pubsub_back(running)
        wait_for(lambda: endpoint.ready() == (True, "ok"), "a bridge at work again")

    def test_pubsub_that_does_not_take_what_is_published_is_away(self):
        _, endpoint = start(self.outward())
        wait_for(lambda: endpoint.ready() == (True, "ok"), "a bridge at work")
        self.pubsub.server.kill()
        self.records(10)
        wait_for_reason(endpoint, False, "Pub/Sub away")
        self.assertEqual(endpoint.total("weft_bridge_outstanding_messages"), 10)
        self.assertGreater(endpoint.total("weft_bridge_oldest_unacknowledged_seconds"), 1)

    def test_a_broker_away_at_the_start(self):
        _, endpoint = start(self.outward(), bootstrap_servers=nobody(self))
        wait_for_reason(endpoint, False, "starting: no broker has answered yet")

    def test_who_stands_by_is_ready_and_says_so(self):
        bridge = self.inward()
        endpoints = [start(bridge)[1] for _ in range(2)]

        def settled():
            return sorted(endpoint.ready() for endpoint in endpoints)
        standby = f"ok, bridge {bridge.names['into']}: standby: another instance is at work"
        wait_for(lambda: settled() == [(True, "ok"), (True, standby)], "one at work and one that stands by")
        self.assertEqual(sorted(endpoint.info()["bridges"][0]["state"] for endpoint in endpoints),
                         ["standby", "working"])


class KafkaAway(Mirrored, OwnCluster):
    def test_a_broker_away_later_is_said_of_both_directions(self):
        self.kafka.settings["log_level"] = 0  # lost connections are no news here
        endpoints = [start(bridge)[1] for bridge in (self.outward(), self.inward())]
        for endpoint in endpoints:
            wait_for(lambda: endpoint.ready() == (True, "ok"), "a bridge at work")
        self.cluster.kill(1)
        for endpoint in endpoints:
            wait_for_reason(endpoint, False, "broker away: it has no connection to any")
            self.assertRegex(endpoint.process.err, "event=kafka.error")
        self.cluster.start_node(1)
        for endpoint in endpoints:
            wait_for(lambda: endpoint.ready() == (True, "ok"), "a bridge at work again")


class Checks(Mirrored, SharedCluster):
    def test_all_is_well(self):
        bridge = self.both(order="key")
        found = check(self, bridge.file)
        self.assertEqual({line["outcome"] for line in found.values()}, {"ok"})
        out, into = bridge.names["out"], bridge.names["into"]
        self.assertLessEqual({(None, "brokers"), (None, "pubsub"), (out, "topic.source"), (out, "topic.pubsub"),
                              (into, "subscription"), (into, "topic.sink"), (into, "ledger.cleanup"),
                              (into, "topic.dead_letters")}, set(found))
        self.assertEqual({name for name, _ in check(self, bridge.file, "--only", out)}, {None, out})

    def faulty(self):
        """A topology with nearly all wrong that can be."""
        name = self.topic_name("bad")
        self.kafka.create_topic(Bridge.group(name), 2)  # not compacted, and too many partitions
        return name, self.write("bad.yaml", json.dumps({"topology": "test", "bridges": [
            {"name": name, "from": {"pubsub": self.subscription + "x"}, "to": {"kafka": self.sink + "x"}},
            {"name": name + "2", "from": {"kafka": self.source + "x"}, "to": {"pubsub": self.between + "x"}}]}))

    def test_all_faults_are_said_together(self):
        name, file = self.faulty()
        found = check(self, file, status=1)
        failed = {about for about, line in found.items() if line["outcome"] == "failed"}
        self.assertEqual(failed, {(name, "subscription"), (name, "topic.sink"), (name, "ledger.partitions"),
                                  (name, "ledger.cleanup"), (name, "topic.dead_letters"),
                                  (name + "2", "topic.pubsub"), (name + "2", "topic.source"),
                                  (name + "2", "topic.dead_letters")})
        self.assertTrue(all(found[about]["stops"] for about in failed))

    def test_a_start_says_the_same_and_ends(self):
        name, file = self.faulty()
        process = self.start_weft("run", file, program=BRIDGE, environment={"PUBSUB_EMULATOR_HOST": self.pubsub.address})
        self.assertEqual(process.wait(), 2, process.err)
        for check in ("subscription", "topic.sink", "ledger.cleanup", "topic.dead_letters"):
            self.assertRegex(process.err, rf"event=startup.check msg=\"bridge {name}: {check} failed: ")
        self.assertRegex(process.err, "8 start-up checks have failed")

    def test_order_that_would_be_lost_is_a_warning(self):
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("unordered"))
        bridge = self.both(order="key")
        warned = check(self, bridge.file, status=1)[bridge.names["into"], "subscription.order"]
        self.assertEqual((warned["outcome"], warned["stops"]), ("failed", False))
        running = bridge.start()
        running.wait_for_line("bridge.assigned")
        self.assertIn("publishes in order to", running.err)

    def test_who_is_away_is_named(self):
        bridge = self.both()
        found = check(self, bridge.file, status=1, bootstrap_servers=nobody(self), startup_timeout="1s")
        self.assertEqual((found[None, "brokers"]["outcome"], found[None, "brokers"]["class"],
                          found[None, "brokers"]["stops"]), ("failed", "unavailable", False))
        self.assertEqual(found[bridge.names["into"], "topics"]["outcome"], "unknown")
        self.assertEqual(found[bridge.names["into"], "subscription"]["outcome"], "ok")


class Rights(Mirrored, SharedCluster):
    """Of which an emulator knows nothing."""

    def make_pubsub(self):
        return ScriptedPubSub(self)

    def test_rights_that_are_missing_are_said(self):
        bridge = self.both()
        self.pubsub.granted = {"pubsub.topics.publish"}
        found = check(self, bridge.file, status=1)
        self.assertEqual(found[bridge.names["out"], "right.pubsub"]["outcome"], "ok")
        refused = found[bridge.names["into"], "right.pubsub"]
        self.assertEqual((refused["outcome"], refused["class"], refused["stops"]), ("failed", "refused", True))
        self.assertIn("roles/pubsub.subscriber", refused["text"])

    def test_where_nobody_knows_of_rights_nothing_is_said_of_them(self):
        found = check(self, self.both().file)
        self.assertNotIn("right.pubsub", {name for _, name in found})
