"""A schema registry that is away: requests wait, and none becomes a dead letter for that."""
from stream import Stream
from support import OwnCluster

NEWER = {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": [
    {"name": "image", "type": "bytes"}, {"name": "id", "type": "string"}]}


class RegistryAway(OwnCluster):
    def test_away_at_the_start(self):
        stream = Stream(self)
        with stream.load():
            self.cluster.registry.process.stop()
            process = stream.start()
            process.wait_for_line("waiting for the schema registry")
            self.assertEqual(stream.answered(), 0)
            stream.did("registry away at the start")
            self.cluster.start_registry()
            stream.wait_progress(1000)
        stream.account_for()

    def test_away_when_a_new_schema_comes(self):
        stream = Stream(self, partitions=1)
        process = stream.start()
        with stream.load():
            stream.wait_progress(100)
            newer = self.registry.register(f"{stream.source}-value-newer", NEWER)
            value = self.registry.encode(newer, {"image": bytes(784), "id": "newer"})
            self.cluster.registry.process.stop()
            stream.send_values([value])
            process.wait_for_line("worker.registry")
            stream.did("registry away when a new schema came")
            self.cluster.start_registry()
            stream.wait_progress(1000)
        stream.account_for()
