"""Bridges under test, and the topics at their ends."""
import collections
import json
import signal
import time

from confluent_kafka import TopicPartition

from support.pubsub import PubSub, coordinates
from support.wait import wait_for
from support.weft import BUILD

BRIDGE = BUILD / "pubsub-bridge" / "weft-bridge"
PATH = "weft.path"
PARTITIONS = 4


def content(message):
    """All of a Kafka message that a bridge is to keep."""
    headers = [header for header in message.headers() or [] if header[0] != PATH]
    return message.key(), message.value(), headers, message.timestamp()[1]


class Bridge:
    """Bridges of one topology file, with the topics in Kafka that they need; start() as many instances as wanted."""

    def __init__(self, test, pubsub, **bridges):
        """bridges: by name, what is declared of them beside the name."""
        self.test, self.pubsub = test, pubsub
        self.names = {name: test.topic_name(name) for name in bridges}
        for name in self.names.values():
            test.kafka.create_topic(self.group(name), 1, cleanup_policy="compact")
            test.kafka.create_topic(self.letters(name), 1)
        declared = [{"name": self.names[name], **declaration} for name, declaration in bridges.items()]
        self.file = test.write(f"{'-'.join(self.names.values())}.yaml",
                               json.dumps({"topology": "test", "bridges": declared}))  # JSON is YAML

    @staticmethod
    def group(name):
        return f"weft-bridge-{name}"

    @staticmethod
    def letters(name):
        return f"weft-bridge-{name}.dead"

    def dead_letters(self, name):
        return self.test.kafka.read(self.letters(self.names[name]))

    def committed(self, name, topic):
        """How many records lie before the offsets that an outward bridge has committed."""
        return sum(max(offset, 0) for offset in
                   self.test.kafka.committed(self.group(self.names[name]), topic).values())

    def start(self, *, program=BRIDGE, failpoint=None, environment=None, **settings):
        """environment: beside that of the server. failpoint: NAME:N:kill or NAME:N:stop, as in streams/failpoint.h, for a program that has them."""
        named = {"session.timeout.ms": 6000, "ack.deadline": "10s",  # a test need not wait for long
                 **{name.replace("_", "."): value for name, value in settings.items()}}
        environment = {**self.pubsub.environment, **(environment or {})}
        if failpoint:
            environment["FAILPOINT"] = failpoint
        return self.test.start_weft("run", self.file, settings=named, program=program, environment=environment)


class Mirrored:
    """Common to tests on both kinds of cluster: a source topic in Kafka, a topic of Pub/Sub between, and a sink in
    Kafka."""

    own_pubsub = False  # for tests that stop the server

    def make_pubsub(self):
        return PubSub(self, self.own_pubsub)

    def setUp(self):
        super().setUp()
        self.watcher, self.found = None, 0
        self.pubsub = self.make_pubsub()
        # Records keep their timestamps, however old.
        self.source, self.sink = (self.topic(name, PARTITIONS, retention_ms=-1) for name in ("source", "sink"))
        self.between = self.pubsub.topic(self.topic_name("between"))
        self.subscription = self.pubsub.subscription(self.between, enable_message_ordering=True)

    def outward(self, **more):
        return Bridge(self, self.pubsub, out={"from": {"kafka": self.source}, "to": {"pubsub": self.between}, **more})

    def inward(self, **more):
        return Bridge(self, self.pubsub,
                      into={"from": {"pubsub": self.subscription}, "to": {"kafka": self.sink}, **more})

    def both(self, **more):
        """more: of the one outward."""
        return Bridge(self, self.pubsub,
                      out={"from": {"kafka": self.source}, "to": {"pubsub": self.between}, **more},
                      into={"from": {"pubsub": self.subscription}, "to": {"kafka": self.sink}})

    def records(self, count, keys=20, start=0):
        self.kafka.produce(self.source, ({"value": b"%d" % i, "key": b"k%d" % (i % keys)}
                                         for i in range(start, start + count)))

    def messages(self, count, start=0):
        self.pubsub.publish(self.between, [b"%d" % i for i in range(start, start + count)])

    def sunk(self):
        """How many messages have been found in the sink by now."""
        if not self.watcher:
            self.watcher = self.kafka.consumer(**{"isolation.level": "read_committed"})
            self.addCleanup(self.watcher.close)
            self.watcher.assign([TopicPartition(self.sink, p, 0) for p in range(PARTITIONS)])
        self.found += sum(not message.error() for message in self.watcher.consume(1000, timeout=0.1))
        return self.found

    def wait_sunk(self, count):
        wait_for(lambda: self.sunk() >= count, f"{count} messages in the sink, not {self.found}")

    def assert_nothing_comes(self, seconds):
        """Whatever the bridge holds is not given to another for so long: more than a lease lasts. What it has not taken
        yet is left to it."""
        empty = 0
        while empty < 5:  # in a row: then the bridge has taken all
            received = self.pubsub.receive(self.subscription)
            if received:
                self.pubsub.give_back(self.subscription, received)
            empty = 0 if received else empty + 1
            time.sleep(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertEqual([one.message.data for one in self.pubsub.receive(self.subscription)], [])
            time.sleep(0.1)

    def assert_once(self, count):
        """Each of so many numbered messages is in the sink, and none of them twice."""
        values = collections.Counter(int(m.value()) for m in self.kafka.read(self.sink))
        self.assertEqual(values, collections.Counter(range(count)))

    def assert_all_published(self, count, messages):
        """Each record of the source is among the messages, and those that are there again are the same."""
        found = {}
        for message in messages:
            first = found.setdefault(coordinates(message), message)
            self.assertEqual((first.data, first.ordering_key, dict(first.attributes)),
                             (message.data, message.ordering_key, dict(message.attributes)))
        records = {(m.partition(), m.offset()): m for m in self.kafka.read(self.source)}
        self.assertEqual(len(records), count)
        self.assertEqual({(at.partition, at.offset) for at in found}, set(records))
        for at, message in found.items():
            self.assertEqual(message.data, records[at.partition, at.offset].value())

    def bring_pubsub_back(self, process=None):
        """The server keeps nothing. A bridge that found no topic would end, so it sees the server only with it."""
        if process:
            process.send(signal.SIGSTOP)
        self.pubsub.restart()
        self.pubsub.topic(self.between.rpartition("/")[2])
        self.pubsub.subscription(self.between, enable_message_ordering=True)
        if process:
            process.send(signal.SIGCONT)

    def pull_all_committed(self, count, bridge):
        """Pulls until the bridge has committed so many records and nothing more comes."""
        messages = []

        def done():
            committed = bridge.committed("out", self.source) == count  # asked first: what it covers can be pulled
            more = self.pubsub.pull(self.subscription)
            messages.extend(more)
            return committed and not more
        wait_for(done, f"{count} records to be committed")
        return messages
