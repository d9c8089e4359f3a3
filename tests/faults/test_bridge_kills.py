"""weft-bridge killed or stopped under load, at random moments and at each step: nothing lost, into Kafka nothing twice,
and out of it each repeat with the coordinates of the first."""
import collections
import contextlib
import random
import signal
import threading
import time

from stream import FENCED, long, note
from support import SharedCluster, wait_for
from support.bridge import BRIDGE, BUILD, Mirrored
from support.scripted_pubsub import ScriptedPubSub
from process import stat  # of tests/cluster, which support knows

WITH_FAILPOINTS = BUILD / "tests" / "faults" / "weft_bridge_failpoints"
LEASE_S = 10  # what Bridge asks for
QUICK, ALL = 3, 20  # times


class Loaded(Mirrored, SharedCluster):
    def setUp(self):
        super().setUp()
        # With order, a server would hold back a key's messages until those before are acknowledged.
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("unordered"))
        self.chance = random.Random(self.unique)
        self.sent, self.deeds = 0, collections.Counter()

    @contextlib.contextmanager
    def load(self, send, at_once=100, pause_s=0.1):
        """Sends numbered records or messages meanwhile."""
        enough, failures = threading.Event(), []

        def work():
            try:
                while not enough.wait(pause_s):
                    send(at_once, start=self.sent)
                    self.sent += at_once
            except Exception as failure:  # pylint: disable=broad-except  # told below
                failures.append(failure)
        sender = threading.Thread(target=work)
        sender.start()
        try:
            yield
        finally:
            enough.set()
            sender.join()
        self.assertEqual(failures, [])

    def start(self, bridge, failpoint=None, name="victim", **settings):
        """As a static member of its group: a successor of that name need not wait for the end of its session."""
        return bridge.start(program=WITH_FAILPOINTS if failpoint else BRIDGE, failpoint=failpoint,
                            **{"group_instance_id": name, "producer_linger_ms": 0, **settings})

    def kill_at(self, bridge, point, times, passings):
        for _ in range(times):
            process = self.start(bridge, f"{point}:{self.chance.randint(1, passings)}:kill")
            self.assertEqual(process.wait(), -signal.SIGKILL, process.err)
            self.deeds[f"kill -9 at {point}"] += 1

    def kill_at_random(self, bridge, times):
        for _ in range(times):
            process = self.start(bridge)
            process.wait_for_line("bridge.(assigned|owner)")
            time.sleep(self.chance.random())  # any moment is as good
            self.assertEqual(process.kill(), -signal.SIGKILL, process.err)
            self.deeds["kill -9"] += 1

    def account_inward(self, process):
        self.wait_sunk(self.sent)
        self.assertEqual(process.stop(), 0)
        self.assert_once(self.sent)
        note(self, self.deeds, {"requests": self.sent, "results": self.sent})

    def account_outward(self, bridge, process):
        messages = self.pull_all_committed(self.sent, bridge)
        self.assertEqual(process.stop(), 0)
        messages += self.pubsub.pull(self.subscription)
        self.assert_all_published(self.sent, messages)
        note(self, self.deeds, {"requests": self.sent, "results": len(messages)})


class Inward(Loaded):
    def killed(self, times, point=None):
        bridge = self.inward()
        with self.load(self.messages):
            if point:
                self.kill_at(bridge, point, times, passings=10)
            else:
                self.kill_at_random(bridge, times)
        self.account_inward(self.start(bridge))

    def test_killed_inward_at_random(self):
        self.killed(QUICK)

    def test_killed_after_begin(self):
        self.killed(QUICK, "begun")

    def test_killed_after_the_produce(self):
        self.killed(QUICK, "produced")

    def test_killed_before_the_commit(self):
        self.killed(QUICK, "entered")

    def test_killed_between_commit_and_acknowledgement(self):
        self.killed(QUICK, "committed")

    @long
    def test_killed_inward_at_random_twenty_times(self):
        self.killed(ALL)

    @long
    def test_killed_after_begin_twenty_times(self):
        self.killed(ALL, "begun")

    @long
    def test_killed_after_the_produce_twenty_times(self):
        self.killed(ALL, "produced")

    @long
    def test_killed_before_the_commit_twenty_times(self):
        self.killed(ALL, "entered")

    @long
    def test_killed_between_commit_and_acknowledgement_twenty_times(self):
        self.killed(ALL, "committed")


class ExactlyOnceDelivery(Loaded):
    """A subscription that answers for each acknowledgement, and gives nothing out again that it has confirmed."""

    def setUp(self):
        super().setUp()
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("exactly-once"),
                                                     enable_exactly_once_delivery=True)

    def test_killed_before_acknowledgements_that_are_answered_for(self):
        bridge = self.inward()
        with self.load(self.messages):
            self.kill_at(bridge, "committed", QUICK, passings=10)
        process = self.start(bridge)
        self.wait_sunk(self.sent)
        self.assert_nothing_comes(LEASE_S + 2)
        self.account_inward(process)
        self.assertEqual(self.pubsub.pull(self.subscription), [])  # not even what a stop gives back


class Outward(Loaded):
    def killed(self, times, point=None):
        bridge = self.outward(order="key")
        with self.load(self.records):
            if point:
                self.kill_at(bridge, point, times, passings=3)  # it commits once a second
            else:
                self.kill_at_random(bridge, times)
        self.account_outward(bridge, self.start(bridge))

    def test_killed_outward_at_random(self):
        self.killed(QUICK)

    def test_killed_between_publishing_and_the_commit_of_offsets(self):
        self.killed(QUICK, "published")

    @long
    def test_killed_outward_at_random_twenty_times(self):
        self.killed(ALL)

    @long
    def test_killed_between_publishing_and_the_commit_of_offsets_twenty_times(self):
        self.killed(ALL, "published")


class Leases(Loaded):
    """Leases that run out while the bridge that holds them is stopped."""

    def wait_stopped(self, process, point):
        wait_for(lambda: not process.running() or stat(process.pid)[0] == "T", f"the stop at {point}")
        self.assertTrue(process.running(), process.err)
        self.deeds[f"SIGSTOP at {point}"] += 1

    def taken_over_at(self, point):
        """The messages of its last batch, written or not, come to the other instance when their leases end. Gives both,
        the first awake again and aware of what has happened."""
        bridge = self.inward()
        first = self.start(bridge, f"{point}:2:stop", "first", pull_streams=1)
        first.wait_for_line("this instance takes over")
        # The server goes on sending to the one that is stopped: few of what it sends, each time a lease ends.
        second = self.start(bridge, name="second", pull_streams=16)
        with self.load(self.messages):
            self.wait_stopped(first, point)
            second.wait_for_line("this instance takes over")
        self.wait_sunk(self.sent)
        self.assert_nothing_comes(LEASE_S + 2)  # the other instance has acknowledged all, and nobody else is left
        self.assert_once(self.sent)
        with self.load(self.messages):
            first.send(signal.SIGCONT)
            wait_for(lambda: not first.running() or first.err.count("event=bridge.owner") > 1, "its end as owner")
        self.deeds["taken over, woken"] += 1
        return first, second

    def test_stopped_before_the_commit_and_taken_over(self):
        """Its commit is refused."""
        first, second = self.taken_over_at("entered")
        self.assertEqual(first.wait(), FENCED, first.err)
        self.account_inward(second)

    def test_stopped_before_the_acknowledgement_and_taken_over(self):
        """It joins again, and either may be the owner then; or it writes what it has pulled before it hears that it is
        no longer the owner, and is fenced."""
        first, second = self.taken_over_at("committed")
        self.wait_sunk(self.sent)
        if first.running():
            self.assertEqual(first.stop(), 0)
        else:
            self.assertEqual(first.wait(), FENCED, first.err)
        self.account_inward(second)

    def test_stopped_for_longer_than_its_leases_it_goes_on(self):
        """It is still the owner, and is given again what it holds already."""
        bridge = self.inward()
        process = self.start(bridge, session_timeout_ms=40000)
        with self.load(self.messages):
            self.wait_sunk(1000)
            process.send(signal.SIGSTOP)
            time.sleep(LEASE_S + 3)
            process.send(signal.SIGCONT)
            self.deeds[f"SIGSTOP for {LEASE_S + 3} s"] += 1
        self.account_inward(process)


class Order(Mirrored, SharedCluster):
    def make_pubsub(self):
        return ScriptedPubSub(self)

    def test_nothing_is_acknowledged_before_kafka_has_it(self):
        bridge = self.inward()
        for number, point in enumerate(("begun", "produced", "entered", "committed")):
            self.pubsub.deliver([(point, point, b"%d" % number)])
            process = bridge.start(program=WITH_FAILPOINTS, failpoint=f"{point}:1:stop", group_instance_id="one")
            wait_for(lambda running=process: stat(running.pid)[0] == "T", f"the stop at {point}")
            self.assertEqual(len(self.pubsub.acknowledged), number)
            process.send(signal.SIGCONT)
            wait_for(lambda wanted=point: wanted in self.pubsub.acknowledged, f"the acknowledgement of {point}")
            self.assertEqual(process.stop(), 0)
        self.assert_once(4)
