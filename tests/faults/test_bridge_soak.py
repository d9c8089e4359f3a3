"""A million messages each way (BRIDGE_MESSAGES), after which a bridge is as large as before them."""
import os

from footprint import Footprint
from stream import long, note
from support import SharedCluster, wait_for
from support.bridge import Mirrored

MESSAGES = int(os.environ.get("BRIDGE_MESSAGES", "1000000"))
PIECE = 1000
AHEAD = 20_000  # messages that may wait, so that the servers do not run out of memory
# A starved machine is no subject here.
PATIENT = {"session_timeout_ms": 60000, "transaction_timeout_ms": 60000, "ack_deadline": "60s"}


class Soak(Mirrored, SharedCluster):
    own_pubsub = True

    def wait_done(self, count, process, done):
        """For as long as there is progress."""
        while (before := done()) < count:
            wait_for(lambda at=before: done() > at or not process.running(), "progress")
            self.assertTrue(process.running(), process.err)

    def go(self, process, send, done):
        """The first tenth warms up."""
        footprint, mark = Footprint(process), None
        for start in range(0, MESSAGES, PIECE):
            self.wait_done(start - AHEAD, process, done)
            if mark is None and start >= MESSAGES // 10:
                mark = footprint.mark()
            send(PIECE, start=start)
        self.wait_done(MESSAGES, process, done)
        footprint.stop()
        self.assertEqual(process.stop(), 0, process.err)
        note(self, {}, {"requests": MESSAGES, "results": done(), **footprint.assert_flat(self, mark)})

    @long
    def test_a_million_messages_outward(self):
        """To a topic without a subscription, which keeps nothing: an offset is committed when it has been published."""
        self.between = self.pubsub.topic(self.topic_name("nobody"))
        bridge = self.outward(order="key")
        self.go(bridge.start(**PATIENT), self.records, lambda: bridge.committed("out", self.source))

    @long
    def test_a_million_messages_inward(self):
        self.go(self.inward().start(**PATIENT), self.messages, self.sunk)
