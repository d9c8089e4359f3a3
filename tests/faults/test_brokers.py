"""Brokers that die, leave and come back. A single broker is leader of everything and all coordinators."""
import signal
import time

from stream import Stream, long
from support import OwnCluster


class Broker(OwnCluster):
    def test_killed_and_restarted_politely(self):
        stream = Stream(self)
        stream.supervise(workers=2)
        with stream.load():
            for number in (signal.SIGKILL, signal.SIGTERM):
                stream.wait_progress(500)
                self.cluster.restart(1, number)
                stream.did(f"broker restarted by {number.name}")
                stream.wait_progress(500)
        stream.account_for()

    @long
    def test_away_for_a_minute(self):
        stream = Stream(self)
        stream.supervise(workers=2)
        with stream.load():
            stream.wait_progress(500)
            self.cluster.kill(1)
            time.sleep(60)
            self.cluster.start_node(1)
            stream.did("broker away for 60 s")
            stream.wait_progress(500)
        stream.account_for()


class Brokers(OwnCluster):
    nodes = 3

    @long
    def test_each_of_three_is_killed_and_comes_back(self):
        """One after the other: each leads some partitions and coordinates some group or transaction."""
        stream = Stream(self, partitions=6)
        stream.supervise(workers=2)
        with stream.load():
            for node in self.cluster.nodes:
                stream.wait_progress(500)
                self.cluster.kill(node)
                stream.did("one of three brokers killed")
                stream.wait_progress(2000)
                self.cluster.start_node(node)
        stream.account_for()

    @long
    def test_each_of_three_is_restarted_politely(self):
        stream = Stream(self, partitions=6)
        stream.supervise(workers=2)
        with stream.load():
            for node in self.cluster.nodes:
                stream.wait_progress(500)
                self.cluster.restart(node, signal.SIGTERM)
                stream.did("one of three brokers restarted")
                stream.wait_progress(500)
        stream.account_for()
