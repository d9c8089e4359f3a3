"""The whole way: requests of a client of Pub/Sub through a bridge, the network and another bridge back to it."""
import collections
import os
import threading
from unittest import mock

from google.cloud import pubsub_v1

from support import SharedCluster, wait_for
from support.bridge import PATH, Bridge
from support.processor import Processor
from support.pubsub import PubSub, coordinates
from support.sample import sample_images, sample_labels
from support.weft import SOURCE

LENET = SOURCE / "model" / "zoo" / "lenet.onnx"
REQUESTS = 500
RIGHT_MIN = 450  # of them; it is right in 467


class WholeWay(SharedCluster):
    def setUp(self):
        super().setUp()
        self.pubsub = PubSub(self)
        self.processor = Processor(self)
        self.asked, self.answered = (self.pubsub.topic(self.topic_name(name)) for name in ("asked", "answered"))
        self.subscriptions = [self.pubsub.subscription(topic) for topic in (self.asked, self.answered)]
        with mock.patch.dict(os.environ, PUBSUB_EMULATOR_HOST=self.pubsub.address):
            self.publisher, self.subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
        self.addCleanup(self.subscriber.close)

    def listen(self):
        """Gives what arrives, as it arrives."""
        messages, lock = [], threading.Lock()

        def take(message):
            with lock:
                messages.append(message)
            message.ack()
        future = self.subscriber.subscribe(self.subscriptions[1], callback=take)
        self.addCleanup(future.result, 60)
        self.addCleanup(future.cancel)
        return messages

    def test_every_request_is_answered_once_and_as_the_network_answers(self):
        bridges = Bridge(self, self.pubsub,
                         into={"from": {"pubsub": self.subscriptions[0]}, "to": {"kafka": self.processor.source}},
                         out={"from": {"kafka": self.processor.sink}, "to": {"pubsub": self.answered}}).start()
        processor = self.processor.start(model=LENET)
        messages = self.listen()
        labels = sample_labels(REQUESTS)
        requests = [self.processor.request(i, image=image, label=labels[i])
                    for i, image in enumerate(sample_images(REQUESTS))]
        futures = [self.publisher.publish(self.asked, request, trace=f"t{i}") for i, request in enumerate(requests)]
        for future in futures:
            future.result(60)
        wait_for(lambda: len({coordinates(m) for m in messages}) >= REQUESTS, "an answer to each request")
        found = {}
        for message in messages:  # from the bridge outward there may be repeats, which tell themselves
            self.assertEqual(found.setdefault(coordinates(message), message).data, message.data)
        results = {at: self.registry.decode(message.data) for at, message in found.items()}
        self.assertEqual(collections.Counter(result["id"] for result in results.values()),
                         collections.Counter(f"r{i}" for i in range(REQUESTS)))
        for at, result in results.items():
            number = int(result["id"][1:])
            self.assertEqual(result["expected"], labels[number])
            self.assertEqual(len(result["probabilities"]), 10)
            self.assertEqual(found[at].attributes["trace"], f"t{number}")
            # The answer's way begins at its topic in Kafka: the request's is not its.
            self.assertRegex(found[at].attributes[PATH], f"^kafka:[^,]*/{self.processor.sink}$")
        right = sum(result["label"] == labels[int(result["id"][1:])] for result in results.values())
        self.assertGreaterEqual(right, RIGHT_MIN)
        self.assertEqual([bridges.stop(), processor.stop()], [0, 0])
        self.processor.assert_exactly_once()
