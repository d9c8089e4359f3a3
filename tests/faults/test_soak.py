"""An hour in minutes: faults of all kinds, one after the other, until SOAK_REQUESTS (a million) have been sent."""
import os
import random
import signal
import time

from bad_messages import bad_messages
from footprint import Footprint
from stream import FENCED, IMPATIENT, Stream, long
from support import OwnCluster, wait_for
from support.processor import PIXELS
from test_registry import NEWER

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "1000000"))
PER_SECOND = 4000
BAD_AT_ONCE = 5


class Soak(OwnCluster):
    def setUp(self):
        super().setUp()
        self.stream, self.chance = Stream(self, partitions=6), random.Random(self.unique)
        self.bad, self.dead, self.schemas = bad_messages(self.stream), 0, 0

    def start_victim(self):
        victim = self.stream.supervise("victim", group_instance_id="victim", **IMPATIENT)
        wait_for(lambda: "worker.assigned" in victim.err or not victim.running(), "partitions")

    @property
    def victim(self):
        return self.stream.latest["victim"]

    def kill(self):
        self.victim.kill()
        self.stream.did("kill -9")
        self.start_victim()

    def freeze(self):
        """Within and beyond the session's and the transaction's time-outs."""
        seconds = self.chance.choice([0.5, 2, 9])
        self.victim.send(signal.SIGSTOP)
        time.sleep(seconds)
        self.victim.send(signal.SIGCONT)
        self.stream.did(f"SIGSTOP for {seconds} s")

    def restart_politely(self):
        # 3 where a broker's restart has ended it before.
        self.assertIn(self.victim.stop(), (0, FENCED), self.victim.err)
        self.stream.did("SIGTERM")
        self.start_victim()

    def rebalance(self):
        guest = self.stream.start("guest", **IMPATIENT)
        wait_for(lambda: "worker.assigned" in guest.err, "partitions for the guest")
        self.stream.wait_progress(1000)
        self.assertIn(guest.stop(), (0, FENCED), guest.err)
        self.stream.did("instance joins and leaves")

    def restart_broker(self):
        number = self.chance.choice([signal.SIGTERM, signal.SIGKILL])
        self.cluster.restart(1, number)
        self.stream.did(f"broker restarted by {number.name}")

    def take_the_registry_away(self):
        """And send a request whose schema nobody knows yet."""
        self.schemas += 1
        newer = {**NEWER, "doc": f"number {self.schemas}"}
        schema_id = self.registry.register(f"{self.stream.source}-value-newer", newer)
        value = self.registry.encode(schema_id, {"image": bytes(PIXELS), "id": "newer"})
        self.cluster.registry.process.stop()
        self.stream.send_values([value])
        time.sleep(2)
        self.cluster.start_registry()
        self.stream.did("registry away when a new schema came")

    def send_bad_messages(self):
        chosen = self.chance.sample(self.bad, BAD_AT_ONCE)
        self.stream.send_messages(message.arguments() for message in chosen)
        self.dead += len(chosen)
        self.stream.did("bad message", len(chosen))

    @long
    def test_a_million_requests_with_faults_of_all_kinds(self):
        """Two instances: all is done to the victim, to the cluster and to the messages. Only a broker's restart may end
        the other one, where the library takes what it is told then for fatal; what lived longest is to stay as large."""
        faults = [self.kill, self.freeze, self.restart_politely, self.rebalance, self.restart_broker,
                  self.take_the_registry_away, self.send_bad_messages]
        footprints = [Footprint(self.stream.supervise("steady", **IMPATIENT))]
        self.start_victim()
        with self.stream.load(per_second=PER_SECOND, at_least=0):
            while self.stream.sent < REQUESTS:
                self.chance.shuffle(faults)
                for fault in faults:
                    fault()
                    self.stream.wait_progress(1000)
                    if footprints[-1].process is not self.stream.latest["steady"]:
                        footprints.append(Footprint(self.stream.latest["steady"]))
        self.stream.wait_answered()
        for footprint in footprints:
            footprint.stop()
        oldest = max(footprints, key=Footprint.mark)
        self.stream.account_for(dead=self.dead, **oldest.assert_flat(self, oldest.mark() // 2))
