"""A wall clock that is set forth and back."""
from stream import LEAPING_CLOCK, Stream
from support import SharedCluster


class Clock(SharedCluster):
    def test_a_wall_clock_that_leaps_by_an_hour_every_second_changes_nothing(self):
        stream = Stream(self)
        process = stream.start(preload=LEAPING_CLOCK, session_timeout_ms=30000, transaction_timeout_ms=30000)
        with stream.load():
            for _ in range(10):
                stream.wait_progress(500)
                stream.did("progress of 500 answers")
        self.assertNotIn("worker.revoked", process.err)
        self.assertNotIn("worker.aborted", process.err)
        stream.account_for(timed=False)  # the answers' timestamps leap as well
