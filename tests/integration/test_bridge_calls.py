"""weft-bridge and Pub/Sub, call by call: a server that does what the test says, and a real broker."""
import collections

import grpc

from support import SharedCluster, wait_for
from support.bridge import Mirrored
from support.scripted_pubsub import ScriptedPubSub


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
