"""weft-bridge and Pub/Sub, call by call: a server that does what the test says, and a real broker."""
import collections
import threading

import grpc
from google.pubsub_v1 import types

from support import SharedCluster, wait_for
from support.bridge import Mirrored
from support.endpoint import Endpoint
from support.scripted_pubsub import ScriptedPubSub

PUBLISH_MAX = 1000, 10_000_000  # messages, bytes: https://cloud.google.com/pubsub/quotas#resource_limits


class Scripted(Mirrored, SharedCluster):
    def make_pubsub(self):
        return ScriptedPubSub(self)

    def wait_acknowledged(self, count):
        wait_for(lambda: len(self.pubsub.acknowledged) >= count,
                 f"{count} acknowledgements, not {len(self.pubsub.acknowledged)}")

    def test_a_repeat_within_one_batch_is_written_once_and_acknowledged_with_it(self):
        self.pubsub.deliver([("a", "same", b"0"), ("b", "other", b"1"), ("c", "same", b"0"), ("d", "same", b"0")])
        process = self.inward().start()
        self.wait_acknowledged(4)
        self.assert_once(2)
        self.assertEqual(sorted(self.pubsub.acknowledged), ["a", "b", "c", "d"])
        self.assertEqual(process.stop(), 0)

    def test_a_repeat_of_what_was_written_is_only_acknowledged(self):
        self.pubsub.deliver([("a", "same", b"0")])
        process = self.inward().start()
        self.wait_acknowledged(1)
        self.pubsub.deliver([("b", "same", b"0"), ("c", "other", b"1")])
        self.wait_acknowledged(3)
        self.assert_once(2)
        self.assertEqual(process.stop(), 0)

    def test_acknowledgements_are_no_more_than_a_request_may_hold(self):
        """Or they would be refused, and their messages come again for ever."""
        count = 5000
        names = [f"{i:0250d}" for i in range(count)]
        self.pubsub.deliver([(name, name, b"%d" % i) for i, name in enumerate(names)])
        process = self.inward().start()
        self.wait_acknowledged(count)
        self.assertEqual(sorted(self.pubsub.acknowledged), names)
        self.assert_once(count)
        self.assertEqual(process.stop(), 0)

    def test_publishing_in_order_goes_on_after_a_failure(self):
        """Each key's third call fails, which holds up that key alone; nothing overtakes what has failed."""
        calls, failed = collections.Counter(), collections.Counter()

        def fail_third(request):
            keys = {message.ordering_key for message in request.messages}
            calls.update(keys)
            third = {key for key in keys if calls[key] == 3}
            failed.update(third)
            return grpc.StatusCode.UNAVAILABLE if third else None
        self.pubsub.fail_publish = fail_third
        process = self.outward(order="key").start(publish_batch_messages=10)
        self.records(1000, keys=5)
        wait_for(lambda: len(self.pubsub.published) >= 1000, "all of them")
        self.assertEqual(failed, {f"k{key}": 1 for key in range(5)})
        of_keys = collections.defaultdict(list)
        for message in self.pubsub.published:
            of_keys[message.ordering_key].append(int(message.data))
        self.assertEqual(of_keys, {f"k{key}": list(range(key, 1000, 5)) for key in range(5)})
        self.assertEqual(process.stop(), 0)

    def test_a_call_of_publish_is_never_larger_than_pubsub_takes(self):
        """However much waits, and whatever it is of: small values, values and headers that fill the bytes, one value as
        large as can be."""
        large = "ü" * 128  # a name of 256 bytes, which becomes three times as many
        records = [*({"partition": 0, "value": b"%d" % i} for i in range(2500)),
                   *({"partition": 1, "value": bytes(9000)} for _ in range(1100)),
                   *({"partition": 2, "value": b"", "headers": [(f"{i}{large}", b"") for i in range(80)]}
                     for _ in range(300)),
                   {"partition": 3, "value": bytes(9_890_000)}]
        calls, all_read = [], threading.Event()

        def hold(request):
            calls.append((len(request.messages), len(types.PublishRequest.serialize(request))))
            return None if all_read.is_set() else grpc.StatusCode.UNAVAILABLE
        self.pubsub.fail_publish = hold
        self.kafka.configure(self.source, {"max.message.bytes": 20_000_000})
        self.kafka.produce(self.source, records, **{"message.max.bytes": 20_000_000})
        process = self.outward(order="partition").start(publish_batch_bytes=8 << 20, status_listen="0")
        endpoint = Endpoint(process)
        wait_for(lambda: endpoint.total("weft_bridge_received_total") == len(records), "all to be read")
        all_read.set()
        wait_for(lambda: len(self.pubsub.published) >= len(records), "all to be published")
        most = [max(of_calls) for of_calls in zip(*calls)]
        self.assertEqual(most[0], PUBLISH_MAX[0])
        self.assertGreater(most[1], 9_800_000)
        self.assertLess(most[1], PUBLISH_MAX[1])
        self.assertEqual(process.stop(), 0)
