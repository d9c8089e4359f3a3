"""What a bridge makes of a record or a message: what other bridges get wrong, and what cannot be mirrored."""
import json
import time

from support import SharedCluster, wait_for
from support.bridge import Mirrored, content
from support.pubsub import coordinates


LARGE = 20_000_000  # of a topic's max.message.bytes; Pub/Sub takes 10 MB


class Mapping(Mirrored, SharedCluster):
    """What other bridges get wrong, as a client of Pub/Sub sees it, and whether it comes back as it was."""

    def mirror(self, order="none", **record):
        """The message of this record, and the record that comes back of it."""
        process = self.both(order=order).start()
        watching = self.pubsub.subscription(self.between, self.topic_name("watching"))
        self.kafka.produce(self.source, [{"value": b"v", "partition": 3, "timestamp": 1_600_000_000_123, **record}])
        message, = self.pubsub.pull_at_least(watching, 1)
        back, = self.kafka.read_at_least(self.sink, 1)
        self.assertEqual(content(back), content(self.kafka.read(self.source)[0]))
        self.assertEqual(back.partition(), 3)
        self.assertEqual(process.stop(), 0)
        return message

    def test_a_tombstone_is_not_an_empty_body(self):
        message = self.mirror(key=b"gone", value=None)
        self.assertEqual((message.data, message.attributes["kafka.value"]), (b"", "null"))

    def test_an_empty_body_is_no_tombstone(self):
        self.assertNotIn("kafka.value", self.mirror(key=b"here", value=b"").attributes)

    def test_a_binary_key_is_kept_as_base64(self):
        message = self.mirror(key=b"\xff\x00\x80")
        self.assertEqual(message.attributes["kafka.key.base64"], "/wCA")
        self.assertNotIn("kafka.key", message.attributes)

    def test_a_null_key_is_no_empty_key(self):
        self.assertNotIn("kafka.key", self.mirror(key=None).attributes)

    def test_a_null_key_stops_nothing_where_order_is_by_key(self):
        self.assertEqual(self.mirror(order="key", key=None).ordering_key, "")

    def test_an_empty_key_is_no_null(self):
        self.assertEqual(self.mirror(key=b"").attributes["kafka.key"], "")

    def test_repeated_null_and_binary_headers_are_kept(self):
        self.mirror(headers=[("a", b"1"), ("a", b"2"), ("n", None), ("e", b""), ("b", b"\xff")])

    def test_headers_over_the_limits_are_kept(self):
        message = self.mirror(headers=[("long", b"x" * 5000), ("n" * 300, b"y"), ("goog-reserved", b"z")])
        self.assert_limits(message)

    def test_more_headers_than_a_message_has_attributes_are_kept(self):
        self.assert_limits(self.mirror(headers=[(f"h{i}", b"%d" % i) for i in range(500)]))

    def assert_limits(self, message):
        """https://cloud.google.com/pubsub/quotas#resource_limits"""
        self.assertLessEqual(len(message.attributes), 100)
        for name, value in message.attributes.items():
            self.assertLessEqual(len(name.encode()), 256)
            self.assertLessEqual(len(value.encode()), 1024)
            self.assertFalse(name.startswith("goog"), name)

    def test_partition_and_timestamp_are_kept_and_told(self):
        message = self.mirror(key=b"k")
        self.assertEqual(coordinates(message), (self.source, 3, 0))
        self.assertEqual(message.attributes["kafka.timestamp"], "1600000000123")

    def test_a_message_of_another_client_becomes_what_is_natural(self):
        self.inward().start()
        self.pubsub.publish(self.between, [{"data": b"body", "ordering_key": "key", "attributes": {"b": "2", "a": "ü"}}])
        record, = self.kafka.read_at_least(self.sink, 1)
        key, value, headers, timestamp = content(record)
        self.assertEqual((key, value, headers), (b"key", b"body", [("a", "ü".encode()), ("b", b"2")]))
        self.assertLess(abs(timestamp / 1000 - time.time()), 600)


class Unmappable(Mirrored, SharedCluster):
    TOO_MUCH = {"value": b"bad", "key": b"k0", "headers": [("h", b"x" * 300_000)]}

    def allow(self, size, *topics):
        for topic in topics:
            self.kafka.configure(topic, {"max.message.bytes": size})

    def test_a_record_that_no_message_can_hold_becomes_a_dead_letter(self):
        bridge = self.outward(order="key")
        process = bridge.start()
        self.records(10)
        self.kafka.produce(self.source, [self.TOO_MUCH])
        self.records(10, start=10)
        messages = self.pull_all_committed(21, bridge)
        self.assertEqual({int(m.data) for m in messages}, set(range(20)))
        letter, = bridge.dead_letters("out")
        headers = dict(letter.headers())
        self.assertEqual((letter.key(), letter.value(), headers["h"]), (b"k0", b"bad", b"x" * 300_000))
        self.assertEqual(headers["weft.source.topic"], self.source.encode())
        self.assertIn(b"attributes", headers["weft.error.message"])
        self.assertEqual(process.stop(), 0)

    def test_a_record_larger_than_a_message_may_be_becomes_a_dead_letter(self):
        bridge = self.outward()
        process = bridge.start()
        letters = bridge.letters(bridge.names["out"])
        self.allow(LARGE, self.source, letters)
        large = {"value": b"x" * 10_500_000, "key": b"k0"}
        self.kafka.produce(self.source, [large], **{"message.max.bytes": LARGE})
        self.records(10)
        messages = self.pull_all_committed(11, bridge)
        self.assertEqual({int(m.data) for m in messages}, set(range(10)))
        letter, = bridge.dead_letters("out")
        self.assertEqual((letter.key(), letter.value()), (large["key"], large["value"]))
        self.assertNotIn("weft.value.size", dict(letter.headers()))
        self.assertEqual(process.stop(), 0)

    def test_a_dead_letter_that_its_topic_does_not_take_is_cut_and_the_flow_goes_on(self):
        bridge = self.outward()
        self.allow(LARGE, self.source)
        self.allow(20_000, bridge.letters(bridge.names["out"]))
        sizes = [10_500_000, 11_000_000, 3, 10_600_000]
        headers = [("h", b"x" * 300_000)]
        self.kafka.produce(self.source, [{"value": b"v" * size, "headers": headers if size == 3 else None}
                                         for size in sizes], **{"message.max.bytes": LARGE})
        self.records(10)
        process = bridge.start()
        messages = self.pull_all_committed(10 + len(sizes), bridge)
        self.assertEqual({int(m.data) for m in messages}, set(range(10)))
        letters = {int(dict(letter.headers())["weft.value.size"]): letter for letter in bridge.dead_letters("out")}
        self.assertEqual(sorted(letters), sorted(sizes))
        bare = letters.pop(3)
        self.assertEqual((bare.value(), "h" in dict(bare.headers())), (b"", False))
        for letter in letters.values():
            self.assertRegex(letter.value(), rb"\Av{5000,20000}\Z")
        self.assertEqual(process.stop(), 0)

    def test_a_topic_that_takes_no_dead_letter_at_all_is_named(self):
        bridge = self.outward()
        letters = bridge.letters(bridge.names["out"])
        self.allow(100, letters)
        self.kafka.produce(self.source, [self.TOO_MUCH])
        process = bridge.start()
        self.assertEqual(process.wait(), 2)
        self.assertRegex(process.err, f"{letters} does not even take the reason.*raise its max.message.bytes")
        self.assertEqual(bridge.committed("out", self.source), 0)

    def test_weft_lists_the_dead_letters_of_a_bridge(self):
        bridge = self.outward()
        bridge.start()
        self.kafka.produce(self.source, [self.TOO_MUCH])
        wait_for(lambda: bridge.dead_letters("out"), "the dead letter")
        ours = ("--bridge", bridge.names["out"])
        listed, = self.weft("deadletters list", bridge.file, *ours, "--json").out.splitlines()
        letter = json.loads(listed)
        self.assertEqual((letter["processor"], letter["source"]["topic"]), (bridge.names["out"], self.source))
        self.assertIn("key: k0", self.weft("deadletters show", bridge.file, *ours, "--at", "0:0").out)
        self.assertIn("declares no bridge x", self.weft("deadletters list", bridge.file, "--bridge", "x", status=2).err)

    def test_or_it_stops_the_bridge_which_says_where(self):
        bridge = self.outward(on_unmappable="stop")
        process = bridge.start()
        self.kafka.produce(self.source, [{**self.TOO_MUCH, "partition": 2}])
        self.assertIn(process.wait(), (1, 2))
        self.assertRegex(process.err, f"{self.source} partition 2 offset 0: .*attributes")
        self.assertEqual(bridge.dead_letters("out"), [])

    def test_a_message_that_only_looks_like_ours_becomes_a_dead_letter(self):
        bridge = self.inward()
        process = bridge.start()
        self.pubsub.publish(self.between, [b"0", {"data": b"bad", "attributes": {"kafka.topic": "t", "x": "y"}}, b"1"])
        self.kafka.read_at_least(self.sink, 2)
        self.assert_once(2)
        letter, = bridge.dead_letters("into")
        headers = dict(letter.headers())
        self.assertEqual((letter.value(), headers["x"]), (b"bad", b"y"))
        self.assertEqual(headers["weft.source.subscription"], self.subscription.encode())
        self.assertIn(b"kafka.partition", headers["weft.error.message"])
        self.assertEqual(process.stop(), 0)

    def test_a_message_larger_than_the_topic_takes_becomes_a_dead_letter_alone(self):
        self.sink = self.topic("narrow", 1, max_message_bytes=20_000)
        bridge = self.inward()
        self.pubsub.publish(self.between, [b"%0999d" % i for i in range(100)] + [b"9" * 50_000]
                            + [b"%0999d" % i for i in range(100, 200)])
        process = bridge.start()
        self.kafka.read_at_least(self.sink, 200)
        self.assert_once(200)
        letter, = bridge.dead_letters("into")
        self.assertEqual(letter.value(), b"9" * 50_000)
        self.assertEqual(dict(letter.headers())["weft.error.message"],
                         f"larger than max.message.bytes of the topic {self.sink}".encode())
        self.assertEqual(process.stop(), 0)

    def test_a_message_that_the_topic_takes_arrives_whole_however_large(self):
        self.sink = self.topic("wide", 1, max_message_bytes=10_000_000)
        bridge = self.inward()
        process = bridge.start()
        self.pubsub.publish(self.between, [b"9" * 3_000_000])
        record, = self.kafka.read_at_least(self.sink, 1)
        self.assertTrue(record.value() == b"9" * 3_000_000, f"{len(record.value())} bytes")
        self.assertEqual(bridge.dead_letters("into"), [])
        self.assertEqual(process.stop(), 0)

    def test_a_message_larger_than_the_setting_allows_is_not_blamed_on_the_topic(self):
        bridge = self.inward()
        process = bridge.start(message_max_bytes=20_000)
        self.pubsub.publish(self.between, [b"9" * 50_000])
        letter, = self.kafka.read_at_least(bridge.letters(bridge.names["into"]), 1)
        headers = dict(letter.headers())
        self.assertEqual(headers["weft.error.message"], b"larger than the setting message.max.bytes of this bridge")
        self.assertEqual((letter.value(), headers["weft.value.size"]), (b"9" * 12_500, b"50000"))
        self.assertEqual(process.stop(), 0)

    def rejected_among(self, messages, bad, reason):
        """Of all these messages, numbered but for the bad ones, none is lost and none comes twice, and the bad ones
        become dead letters for this reason."""
        # With order, a server would hold back a key's messages until those before are acknowledged.
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("unordered"))
        bridge = self.inward()
        self.pubsub.publish(self.between, messages)
        process = bridge.start()
        count = len(messages) - len(bad)
        self.wait_sunk(count)
        letters = self.kafka.read_at_least(bridge.letters(bridge.names["into"]), len(bad))
        for letter in letters:
            self.assertIn(reason, dict(letter.headers())["weft.error.message"].decode())
        self.assertEqual(sorted(letter.value() for letter in letters), sorted(bad))
        self.assert_once(count)
        self.assertEqual(process.stop(), 0)

    @staticmethod
    def keyed(number):
        # The emulator keeps a thread for each key that it has seen.
        return {"data": b"%d" % number, "ordering_key": f"k{number % 20}"}

    @staticmethod
    def dated(data, ahead_s=0):
        """A message that says when its record was written, by a clock that is so far ahead."""
        return {"data": data, "attributes": {
            "kafka.topic": "t", "kafka.partition": "0", "kafka.offset": "0",
            "kafka.timestamp": str(int((time.time() + ahead_s) * 1000))}}

    def test_a_message_without_a_key_for_a_compacted_topic_becomes_a_dead_letter_alone(self):
        self.sink = self.topic("compacted", 4, cleanup_policy="compact")
        messages = [self.keyed(i) for i in range(3000)]
        for at in (2999, 1001, 1000, 0):
            messages.insert(at, {"data": b"bad%d" % at})
        self.rejected_among(messages, [b"bad0", b"bad1000", b"bad1001", b"bad2999"], "cleanup.policy=compact")

    def test_where_all_messages_lack_a_key_all_become_dead_letters(self):
        self.sink = self.topic("compacted", 4, cleanup_policy="compact")
        bad = [b"bad%d" % i for i in range(50)]
        self.rejected_among([self.keyed(0)] + [{"data": data} for data in bad], bad, "cleanup.policy=compact")

    def test_a_message_from_the_future_becomes_a_dead_letter_alone(self):
        messages = [self.dated(b"%d" % i) for i in range(2000)]
        messages.insert(700, self.dated(b"bad", 2 * 3600))
        self.rejected_among(messages, [b"bad"], "message.timestamp.after.max.ms")

    def test_or_what_the_broker_rejects_stops_the_bridge_which_says_what(self):
        bridge = self.inward(on_unmappable="stop")
        process = bridge.start()
        at, = self.pubsub.publish(self.between, [self.dated(b"bad", 2 * 3600)])
        self.assertIn(process.wait(), (1, 2))
        self.assertRegex(process.err, f"message {at}: .*message.timestamp.after.max.ms")
        self.assertEqual(bridge.dead_letters("into"), [])
