"""SIGTERM and SIGINT: a clean leave, whenever they come."""
import random
import signal
import time

from stream import Stream, long
from support import SharedCluster

LEAVE_S = 10


class Signals(SharedCluster):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self)

    def stop_at_random(self, times):
        """Also while it is still starting."""
        pause = random.Random(self.unique)
        with self.stream.load():
            for turn in range(times):
                process = self.stream.start()
                time.sleep(pause.uniform(0, 3))
                number = pause.choice([signal.SIGTERM, signal.SIGINT])
                began, untouched = time.monotonic(), process.err == ""
                status = process.stop(number)
                self.assertLess(time.monotonic() - began, LEAVE_S)
                # Before its first word nothing has been begun, and the signal may end it by itself.
                self.assertIn(status, [0, -number] if untouched else [0], process.err)
                self.stream.did(number.name)
        self.stream.start()
        self.stream.account_for()

    def test_five_stops_at_random(self):
        self.stop_at_random(5)

    @long
    def test_forty_stops_at_random(self):
        self.stop_at_random(40)

    def test_a_second_signal_aborts_the_transaction_and_loses_nothing(self):
        with self.stream.load():
            process = self.stream.start()
            self.stream.wait_progress()
            process.send(signal.SIGINT)
            process.send(signal.SIGTERM)
            self.assertEqual(process.wait(), 0)
            self.stream.did("SIGINT and SIGTERM")
        self.stream.start()
        self.stream.account_for()
