"""Instances that come and go."""
import time

from stream import Stream, long
from support import SharedCluster, wait_for


class Instances(SharedCluster):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self, partitions=6)

    @long
    def test_ten_rebalances(self):
        """A second instance joins and leaves under load: two rebalances each time."""
        steady = self.stream.start("steady")

        def wait_alone(times):
            wait_for(lambda: steady.err.count("got 6 partitions") >= times, "all partitions for the steady one")
        with self.stream.load():
            wait_alone(1)
            for turn in range(5):
                guest = self.stream.start("guest")
                wait_for(lambda: "worker.assigned" in guest.err, "partitions for the guest")
                self.stream.wait_progress(100)
                self.assertEqual(guest.stop(), 0)
                wait_alone(turn + 2)
        revocations = steady.err.count("worker.revoked")
        self.assertGreaterEqual(revocations, 10)
        self.stream.did("rebalance", revocations)
        self.stream.account_for()

    def test_a_rolling_restart_with_static_membership_rebalances_nothing(self):
        names = ["first", "second", "third"]

        def start(name):
            return self.stream.start(name, group_instance_id=name, session_timeout_ms=30000,
                                     transaction_timeout_ms=30000)
        running = {name: start(name) for name in names}
        for process in running.values():
            wait_for(lambda process=process: "worker.assigned" in process.err, "partitions for all three")
        with self.stream.load():
            wait_for(lambda: all("got 2 partitions" in process.err for process in running.values()), "2 for each")
            revoked = {name: process.err.count("worker.revoked") for name, process in running.items()}
            slowest = 0
            for name in names:
                former, began = running[name], time.monotonic()
                self.assertEqual(former.stop(), 0)
                self.assertEqual(former.err.count("worker.revoked"), revoked[name] + 1)  # its own leave
                self.stream.did("polite restart")
                running[name] = start(name)
                wait_for(lambda: "worker.assigned" in running[name].err, f"partitions for {name}")
                slowest = max(slowest, time.monotonic() - began)
                self.stream.wait_progress(100)
            for process in running.values():
                self.assertNotIn("worker.revoked", process.err)
        self.stream.account_for()
        # A request waits for as long as its instance is away, not for its session to end (30 s) or the group to settle.
        self.assertLess(self.stream.delays()[1], 2 * slowest + 2)

    def test_requests_move_to_another_instance_when_one_leaves(self):
        first = self.stream.start("first")
        with self.stream.load():
            self.stream.wait_progress()
            second = self.stream.start("second")
            wait_for(lambda: "worker.assigned" in second.err, "partitions for the second instance")
            self.assertEqual(first.stop(), 0)
            self.stream.did("leaves")
            self.stream.wait_progress(1000)
        self.stream.account_for()
