"""kill -9, at random moments and at each step of a transaction."""
import random
import signal
import time

from stream import IMPATIENT, Stream, long
from support import SharedCluster, wait_for


class Kills(SharedCluster):
    def kill_at_random(self, times):
        stream, pause = Stream(self), random.Random(self.unique)
        stream.start("steady", **IMPATIENT)
        with stream.load():
            for turn in range(times):
                victim = stream.start("victim", **IMPATIENT)
                wait_for(lambda process=victim: "worker.assigned" in process.err, f"partitions, turn {turn + 1}")
                stream.wait_progress()
                time.sleep(pause.uniform(0, 0.3))  # any moment of a transaction will do
                self.assertEqual(victim.kill(), -signal.SIGKILL)
                stream.did("kill -9")
        stream.account_for()

    def kill_at(self, point, times=3):
        """Each successor has the name of the killed one, and so ends its transaction at once."""
        stream, passing = Stream(self), random.Random(self.unique)
        member = {"group_instance_id": "victim", "producer_linger_ms": 0}
        with stream.load():
            for _ in range(times):
                victim = stream.start("victim", failpoint=f"{point}:{passing.randint(2, 15)}:kill", **member)
                self.assertEqual(victim.wait(), -signal.SIGKILL)
                stream.did(f"kill -9 at {point}")
        stream.start("victim", **member)
        stream.account_for()

    def test_five_kills_at_random(self):
        self.kill_at_random(5)

    @long
    def test_thirty_kills_at_random(self):
        self.kill_at_random(30)

    def test_killed_after_begin(self):
        self.kill_at("begun")

    def test_killed_after_the_produce(self):
        self.kill_at("produced")

    def test_killed_between_offsets_and_commit(self):
        self.kill_at("offsets")

    def test_killed_after_the_commit(self):
        self.kill_at("committed")

    @long
    def test_killed_with_an_open_transaction_and_not_started_again(self):
        """The other instance waits for the transaction's time-out, then goes on."""
        stream = Stream(self)
        with stream.load():
            victim = stream.start("victim", failpoint="offsets:3:kill", producer_linger_ms=0, **IMPATIENT)
            self.assertEqual(victim.wait(), -signal.SIGKILL)
            stream.did("kill -9 at offsets, taken over")
            stream.start("heir", **IMPATIENT)
            stream.wait_progress()
        stream.account_for()
