"""Instances that were taken for dead and come back."""
import random
import signal
import time

from stream import FENCED, IMPATIENT, Stream, long
from support import SharedCluster, wait_for
from process import stat  # of tests/cluster, which support knows

OTHER_NAME = "(?i)fenced.*--instance"


class Zombies(SharedCluster):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self)

    def start_and_stop_at(self, point, instance="zombie"):
        """A process that SIGSTOP has hit amid a transaction."""
        process = self.stream.start(instance, failpoint=f"{point}:5:stop", producer_linger_ms=0,
                                    **IMPATIENT)
        wait_for(lambda: not process.running() or stat(process.pid)[0] == "T", f"the stop at {point}")
        self.assertTrue(process.running(), process.err)
        self.stream.did(f"SIGSTOP at {point}")
        return process

    def wake(self, zombie):
        """It must not get through what it had begun."""
        zombie.send(signal.SIGCONT)
        self.assertEqual(zombie.wait(), FENCED)
        self.assertRegex(zombie.err, OTHER_NAME)
        self.stream.did("woken, ended with 3")

    def taken_over(self, point, heir):
        """The heir has to wait for the zombie's transaction, or ends it: in both cases the zombie comes too late."""
        with self.stream.load():
            zombie = self.start_and_stop_at(point)
            self.stream.start(heir, **IMPATIENT)
            self.stream.wait_progress(1000)
            self.stream.did(f"taken over by {'the same' if heir == 'zombie' else 'another'} name")
            self.wake(zombie)
        self.stream.account_for()

    def taken_over_before_the_offsets(self, point):
        """Then the heir waits for nothing, and the zombie is only no longer a member: it takes back what it had begun,
        and joins again."""
        with self.stream.load():
            zombie = self.start_and_stop_at(point)
            self.stream.start("heir", **IMPATIENT)
            self.stream.wait_progress(1000)
            self.stream.did("taken over by another name")
            zombie.send(signal.SIGCONT)
            zombie.wait_for_line("worker.aborted|fenced")
            self.stream.did("woken, took it back")
            self.stream.wait_progress(1000)
        self.stream.account_for()

    def test_stopped_between_offsets_and_commit_and_taken_over_by_another(self):
        self.taken_over("offsets", "heir")

    @long
    def test_stopped_after_begin_and_taken_over_by_another(self):
        self.taken_over_before_the_offsets("begun")

    @long
    def test_stopped_after_the_produce_and_taken_over_by_another(self):
        self.taken_over_before_the_offsets("produced")

    def test_stopped_and_taken_over_by_one_of_the_same_name(self):
        self.taken_over("offsets", "zombie")

    @long
    def test_frozen_for_longer_than_the_transaction_may_last(self):
        with self.stream.load():
            frozen = self.start_and_stop_at("offsets")
            # The broker looks for such transactions every 10 s.
            wait_for(lambda: self.kafka.settled(self.stream.sink), "the end of the transaction")
            self.wake(frozen)
            self.stream.start("zombie")
        self.stream.account_for()

    @long
    def test_frozen_ten_times_at_random(self):
        pause = random.Random(self.unique)
        self.stream.supervise(**IMPATIENT)
        with self.stream.load():
            for _ in range(10):
                self.stream.wait_progress()
                time.sleep(pause.uniform(0, 0.3))
                process = self.stream.instances[-1]
                process.send(signal.SIGSTOP)
                time.sleep(pause.choice([1, 3, 8]))  # within, beyond the session's and the transaction's time-out
                process.send(signal.SIGCONT)
                self.stream.did("frozen for 1, 3 or 8 s")
        self.stream.account_for()
        self.assertLessEqual({process.process.returncode for process in self.stream.instances}, {None, FENCED})

    def test_of_two_instances_with_one_name_the_former_is_fenced_and_says_what_to_do(self):
        with self.stream.load():
            former = self.stream.start("same")
            self.stream.wait_progress()
            self.stream.start("same").wait_for_line("processor.started")
            self.assertEqual(former.wait(), FENCED)
            self.assertRegex(former.err, OTHER_NAME)
            self.stream.did("second instance of one name")
        self.stream.account_for()
