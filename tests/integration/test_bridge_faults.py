"""weft-bridge while Pub/Sub or Kafka is away or slow."""
import signal
import time

from support import OwnCluster, SharedCluster, wait_for
from support.bridge import Mirrored
from support.pubsub import coordinates
from process import memory_kb  # of tests/cluster, which support knows

STOPPED_WITHIN = 12  # seconds: ten, and what the machine is late
LEASE_S = 10  # what Bridge asks for
POLL_S = 7  # more than the session time-out, as Kafka wants
LARGE, MANY = 10_000, 10_000  # bytes of a message, messages: 100 MB
TIGHT = {"outstanding_bytes": 1 << 20, "queued_max_messages_kbytes": 1024}
GROWTH_MAX_KB = 64 << 10  # of what there is; copies in calls and gRPC's windows, which it chooses, take some MB


class NotThere(Mirrored, SharedCluster):
    def test_a_topic_that_is_not_there_is_said(self):
        self.between = self.between + "x"
        self.records(1)
        process = self.outward().start()
        self.assertIn(process.wait(), (1, 2))
        self.assertRegex(process.err, f"{self.between}: there is none")

    def test_a_subscription_that_is_not_there_is_said(self):
        self.subscription = self.subscription + "x"
        process = self.inward().start()
        self.assertIn(process.wait(), (1, 2))
        self.assertRegex(process.err, f"{self.subscription}: there is none")


class PubSubAway(Mirrored, SharedCluster):
    own_pubsub = True

    def test_records_wait_until_it_is_back(self):
        bridge = self.outward(order="key")
        process = bridge.start()
        self.records(500)
        self.assert_all_published(500, self.pull_all_committed(500, bridge))
        self.pubsub.server.kill()
        self.records(500, start=500)
        process.wait_for_line("bridge.publish.*sent again")
        self.bring_pubsub_back(process)
        messages = self.pubsub.pull_until(self.subscription, lambda messages: len({m.data for m in messages}) >= 500,
                                          "what has waited")
        self.assertEqual({int(m.data) for m in messages}, set(range(500, 1000)))
        self.assertEqual(process.stop(), 0)

    def test_however_long_that_takes_the_group_is_kept(self):
        bridge = self.outward(order="key")
        process = bridge.start(outstanding_messages=10, max_poll_interval_ms=1000 * POLL_S)
        process.wait_for_line("bridge.assigned")
        self.pubsub.server.kill()
        self.records(500)
        time.sleep(2 * POLL_S)  # Kafka waits half as long for one that does not poll
        self.assertNotIn("bridge.revoked", process.err)
        self.bring_pubsub_back(process)
        self.assert_all_published(500, self.pull_all_committed(500, bridge))
        self.assertEqual(process.stop(), 0)

    def test_at_the_start_it_is_waited_for(self):
        self.pubsub.server.kill()
        bridge = self.inward()
        process = bridge.start()
        time.sleep(1)
        self.bring_pubsub_back(process)
        self.messages(100)
        self.wait_sunk(100)
        self.assert_once(100)
        self.assertEqual(process.stop(), 0)

    def test_new_messages_of_a_server_that_has_forgotten_all_are_no_repeats(self):
        bridge = self.inward()
        process = bridge.start()
        self.messages(100)
        self.wait_sunk(100)
        process.stop()
        self.pubsub.server.kill()
        self.bring_pubsub_back()
        bridge.start()
        self.messages(100, start=100)
        self.wait_sunk(200)
        self.assert_once(200)

    def stop_in_time(self, process):
        begun = time.monotonic()
        self.assertEqual(process.stop(), 0)
        self.assertLess(time.monotonic() - begun, STOPPED_WITHIN)

    def test_a_stop_outward_does_not_wait_for_it(self):
        bridge = self.outward(order="key")
        process = bridge.start()
        self.records(1)
        self.pull_all_committed(1, bridge)
        self.pubsub.server.process.send(signal.SIGSTOP)
        self.records(5000, start=1)
        self.kafka.read_at_least(self.source, 5001)
        time.sleep(1)  # until calls are under way
        self.stop_in_time(process)
        self.pubsub.server.process.send(signal.SIGCONT)
        bridge.start()
        self.assertLessEqual({coordinates(m)[1:] for m in self.pull_all_committed(5001, bridge)},
                             {(m.partition(), m.offset()) for m in self.kafka.read(self.source)})

    def test_a_stop_inward_does_not_wait_for_it(self):
        process = self.inward().start()
        self.messages(100)
        self.wait_sunk(100)
        self.pubsub.server.process.send(signal.SIGSTOP)
        self.stop_in_time(process)

    def test_a_stop_at_the_start_does_not_wait_for_it(self):
        self.pubsub.server.process.send(signal.SIGSTOP)
        process = self.inward().start()
        time.sleep(1)
        self.stop_in_time(process)


def large(number):
    return (b"%d" % number).ljust(LARGE)


def resident_kb(process):
    return memory_kb(process.pid, "VmRSS")


class SlowPubSub(Mirrored, SharedCluster):
    own_pubsub = True

    def test_records_wait_in_kafka_and_not_in_memory(self):
        bridge = self.outward()
        process = bridge.start(**TIGHT)
        self.records(1)
        messages = self.pull_all_committed(1, bridge)
        before = resident_kb(process)
        self.pubsub.server.process.send(signal.SIGSTOP)
        self.kafka.produce(self.source, map(large, range(MANY)))
        largest, end = 0, time.monotonic() + 5  # in which it would read all of it
        while time.monotonic() < end:
            largest = max(largest, resident_kb(process))
            time.sleep(0.05)
        self.pubsub.server.process.send(signal.SIGCONT)
        self.assertLess(largest - before, GROWTH_MAX_KB)
        messages += self.pull_all_committed(MANY + 1, bridge)
        self.assert_all_published(MANY + 1, messages)
        self.assertEqual(process.stop(), 0)


class KafkaAway(Mirrored, OwnCluster):
    own_pubsub = True

    def setUp(self):
        super().setUp()
        self.kafka.settings["log_level"] = 0  # lost connections are no news here

    def test_a_broker_that_is_restarted_costs_nothing(self):
        bridge = self.both(order="key")
        process = bridge.start()
        for at in range(3):
            self.records(2000, start=at * 2000)
            self.cluster.restart(1, signal.SIGKILL)
        self.wait_sunk(6000)
        self.assertTrue(process.running(), process.err)
        # Outward there may be repeats, which the round trip keeps; what is written is there for good.
        self.assertEqual({int(m.value()) for m in self.kafka.read(self.sink)}, set(range(6000)))
        self.assertEqual(process.stop(), 0)

    def test_a_broker_that_is_killed_makes_nothing_inward_come_twice(self):
        bridge = self.inward()
        process = bridge.start(outstanding_messages=100)  # so that it writes many transactions
        for at in range(0, 6000, 2000):
            self.messages(1000, start=at)
            self.wait_sunk(at + 1)
            self.cluster.kill(1)
            self.messages(1000, start=at + 1000)
            self.cluster.start_node(1)
        self.wait_sunk(6000)
        self.assertEqual(process.stop(), 0)
        self.assert_once(6000)

    def test_both_are_waited_for_at_the_start(self):
        bridge = self.both(order="key")
        self.records(100)
        self.pubsub.server.kill()
        self.cluster.kill(1)
        process = bridge.start()
        time.sleep(2)
        self.assertTrue(process.running(), process.err)
        self.bring_pubsub_back(process)
        self.cluster.start_node(1)
        wait_for(lambda: self.sunk() >= 100 or not process.running(), "all of them")
        self.assertTrue(process.running(), process.err)
        self.assertEqual(process.stop(), 0)

    def stop_in_time(self, bridge, progress):
        process = bridge.start()
        process.wait_for_line("event=bridge.(assigned|owner)")
        self.records(1000)
        self.messages(1000)
        wait_for(progress, "progress")
        self.cluster.pause(1)
        begun = time.monotonic()
        self.assertIn(process.stop(), (0, 3))
        self.assertLess(time.monotonic() - begun, STOPPED_WITHIN)
        self.cluster.resume(1)

    def test_a_stop_does_not_wait_for_a_broker(self):
        watching = self.pubsub.subscription(self.between, self.topic_name("watching"))
        outward, inward = self.outward(), self.inward()  # with their topics, which a broker just back would not make
        self.stop_in_time(outward, lambda: self.pubsub.pull(watching))
        self.stop_in_time(inward, self.sunk)


class SlowKafka(Mirrored, OwnCluster):
    def setUp(self):
        super().setUp()
        self.kafka.settings["log_level"] = 0
        self.bridge = self.inward()

    def start(self, **settings):
        """Neither its session nor a transaction ends while the broker is stopped."""
        process = self.bridge.start(session_timeout_ms=60000, transaction_timeout_ms=60000, **settings)
        self.messages(1)
        self.wait_sunk(1)
        return process

    def test_leases_are_extended_meanwhile(self):
        process = self.start()
        self.cluster.pause(1)
        self.messages(500, start=1)
        self.assert_nothing_comes(LEASE_S + 4)
        self.cluster.resume(1)
        self.wait_sunk(501)
        self.assertEqual(process.err.count("takes over"), 1)
        self.assertEqual(process.stop(), 0)
        self.assert_once(501)

    def test_messages_wait_in_pubsub_and_not_in_memory(self):
        process = self.start(**TIGHT)
        before = resident_kb(process)
        self.cluster.pause(1)
        largest = 0
        for start in range(1, MANY, 100):
            self.pubsub.publish(self.between, [large(i) for i in range(start, start + 100)])
            largest = max(largest, resident_kb(process))
        end = time.monotonic() + 3  # in which it would pull all of it
        while time.monotonic() < end:
            largest = max(largest, resident_kb(process))
            time.sleep(0.05)
        self.cluster.resume(1)
        self.assertLess(largest - before, GROWTH_MAX_KB)
        self.wait_sunk(MANY + 1)
        self.assertEqual(process.stop(), 0)
        self.assert_once(MANY + 1)
