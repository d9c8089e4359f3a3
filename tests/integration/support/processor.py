"""A processor under test: its topics, its requests, and the independent account of its answers."""
import collections
import json

from support.wait import wait_for
from support.weft import SOURCE

REQUEST = json.loads((SOURCE / "schemas" / "predict_request.avsc").read_text())
MODEL = SOURCE / "tests" / "data" / "models" / "trivial.onnx"
PIXELS = 28 * 28


class Processor:
    """Topics of its own on the test's cluster; start() as many instances as wanted."""

    def __init__(self, test, partitions=4, name="", **config):
        self.test, self.kafka, self.registry = test, test.kafka, test.registry
        self.source = test.topic(f"{name}requests", partitions, **config)
        self.sink = test.topic(f"{name}results", partitions)
        self.dead_letters = test.topic(f"{name}dead")
        self.group = test.topic_name(f"{name}group")
        self.schema_id = self.registry.register(f"{self.source}-value", REQUEST) if self.registry else None

    def settings(self, **extra):
        named = {name.replace("_", "."): value for name, value in extra.items()}
        return {"source": self.source, "sink": self.sink, "dead.letters": self.dead_letters, "group.id": self.group,
                "model": MODEL, "session.timeout.ms": 6000, **named}

    def start(self, instance="a", workers=2, **extra):
        return self.test.start_weft("run", settings=self.settings(instance=instance, workers=workers, **extra))

    def request(self, index, **fields):
        """The bytes of a request."""
        record = {"id": f"r{index}", "image": bytes([index % 251]) * PIXELS, "label": index % 10, "attributes": {}}
        return self.registry.encode(self.schema_id, {**record, **fields})

    def send(self, count, start=0):
        """Keyed by their ids, so that they spread over the partitions."""
        self.kafka.produce(self.source, ({"value": self.request(i), "key": f"r{i}".encode()}
                                         for i in range(start, start + count)))

    def answered(self):
        """How many requests lie before the group's committed offsets."""
        return sum(max(offset, 0) for offset in self.kafka.committed(self.group, self.source).values())

    def verify(self, status=0):
        """What weft itself says."""
        result = self.test.weft("verify", settings=self.settings(), environment={}, status=status).out
        return result

    def account(self):
        """The coordinates of the requests, and how often each was answered by a result and by a dead letter, as the
        independent client sees it. Offsets and results of a transaction become visible one after the other, and an
        instance that was killed leaves one open: both are waited for."""
        for topic in (self.sink, self.dead_letters):
            wait_for(lambda topic=topic: self.kafka.settled(topic), f"the end of all transactions in {topic}")
        requests = {(m.partition(), m.offset()) for m in self.kafka.each(self.source)}
        results, dead = collections.Counter(), collections.Counter()
        for message in self.kafka.each(self.sink):
            source = self.registry.decode(message.value())["source"]
            self.test.assertEqual(source["topic"], self.source)
            results[source["partition"], source["offset"]] += 1
        for message in self.kafka.each(self.dead_letters):
            headers = dict(message.headers())
            dead[int(headers["weft.source.partition"]), int(headers["weft.source.offset"])] += 1
        return requests, results, dead

    def assert_exactly_once(self, dead=0):
        """One answer to each request, `dead` of them dead letters, for weft and for the independent client."""
        requests, results, letters = self.account()
        self.test.assertEqual(results + letters, collections.Counter(requests))
        self.test.assertEqual(letters.total(), dead)
        self.test.assertIn("exactly once", self.verify())
