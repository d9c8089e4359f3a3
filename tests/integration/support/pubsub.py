"""An independent client of Pub/Sub, and the servers that it and the bridge under test talk to."""
import collections

import grpc
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from support.wait import wait_for
from support.weft import BUILD
from server import Server

PROJECT = "projects/test"
AT_ONCE = 1000  # messages of a call
RECEIVE_MAX = 32 << 20  # bytes of a reply
Coordinates = collections.namedtuple("Coordinates", "topic partition offset")


class PubSub:
    """A client of the server that ctest starts before the first test that needs one, or, for tests that stop it, of
    one of the test's own, which is of the same kind."""

    def __init__(self, test, own=False):
        self.server = Server(BUILD / "tests" / "pubsub")
        if own:
            self.server = Server(test.folder / "pubsub", self.server.kind, tied=True)
            test.addCleanup(self.server.kill)
            self.server.start()
        elif not self.server.running():
            test.fail(f"no Pub/Sub server runs in {self.server.folder}: start this test through ctest")
        self.connect()

    @property
    def address(self):
        return self.server.address

    @property
    def environment(self):
        """In which a program finds it."""
        return {"PUBSUB_EMULATOR_HOST": self.address}

    def connect(self):
        options = [("grpc.max_receive_message_length", RECEIVE_MAX)]
        self.publisher = PublisherClient(
            transport=PublisherGrpcTransport(channel=grpc.insecure_channel(self.address, options)))
        self.subscriber = SubscriberClient(
            transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(self.address, options)))

    def restart(self):
        """It has forgotten everything."""
        self.server.start()
        self.connect()

    def topic(self, name):
        path = f"{PROJECT}/topics/{name}"
        self.publisher.create_topic(name=path)
        return path

    def subscription(self, topic, name=None, **options):
        """options as of the service: enable_message_ordering, enable_exactly_once_delivery, ..."""
        path = f"{PROJECT}/subscriptions/{name or topic.rpartition('/')[2]}"
        self.subscriber.create_subscription(
            request={"name": path, "topic": topic, "ack_deadline_seconds": 10, **options})
        return path

    def publish(self, topic, messages):
        """Messages, each its data or a dict of a message's fields; gives their ids."""
        ids, messages = [], [PubsubMessage(m if isinstance(m, dict) else {"data": m}) for m in messages]
        for at in range(0, len(messages), AT_ONCE):
            ids += self.publisher.publish(topic=topic, messages=messages[at:at + AT_ONCE]).message_ids
        return ids

    def receive(self, subscription):
        """What can be had now, at most AT_ONCE, with the ids to acknowledge or give it back by."""
        return self.subscriber.pull(subscription=subscription, return_immediately=True,
                                    max_messages=AT_ONCE).received_messages

    def pull(self, subscription):
        """The same messages, acknowledged."""
        received = self.receive(subscription)
        if received:
            self.subscriber.acknowledge(subscription=subscription, ack_ids=[one.ack_id for one in received])
        return [one.message for one in received]

    def give_back(self, subscription, received):
        self.subscriber.modify_ack_deadline(subscription=subscription, ack_deadline_seconds=0,
                                            ack_ids=[one.ack_id for one in received])

    def pull_until(self, subscription, enough, what):
        """Pulls until enough(messages); gives all of them in the order of delivery."""
        messages = []

        def more():
            messages.extend(self.pull(subscription))
            return enough(messages)
        wait_for(more, what)
        return messages

    def pull_at_least(self, subscription, count):
        return self.pull_until(subscription, lambda messages: len(messages) >= count, f"{count} messages")


def coordinates(message):
    """Where the record lies that the message was, which tells a repeat."""
    attributes = message.attributes
    return Coordinates(attributes["kafka.topic"], int(attributes["kafka.partition"]), int(attributes["kafka.offset"]))
