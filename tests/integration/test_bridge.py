"""weft-bridge on a real broker, with a Pub/Sub server and an independent client of it: what comes through, in which
order, and by which instance."""
import collections
import os
import random
import re
import signal

from support import SharedCluster, wait_for
from support.bridge import PARTITIONS, Bridge, Mirrored, content
from support.pubsub import coordinates

FENCED = 3  # exit status


class RoundTrip(Mirrored, SharedCluster):
    def many(self, count):
        """Less for pstest, which looks through all that waits for every message that it gives out."""
        return count if self.pubsub.server.kind == "emulator" else count // 10

    def record(self, chance, number):
        """A record as nobody would write one, told from others by its timestamp."""
        def some(*choices):
            return chance.choice(choices)()

        def name():
            return some(lambda: "plain", lambda: "a", lambda: "goog-x", lambda: "kafka.key", lambda: "with,=~% and ü",
                        lambda: "", lambda: "n" * chance.choice((255, 256, 257, 2000)), lambda: f"h{number}")

        def value():
            return some(lambda: None, lambda: b"", lambda: b"text", lambda: "ü€\U0001f600".encode(), lambda: b"\xff\xfe",
                        lambda: b"with\0zero", lambda: b"v" * chance.choice((1023, 1024, 1025, 5000)),
                        lambda: chance.randbytes(chance.randrange(100)))
        return {
            "key": some(lambda: None, lambda: b"", lambda: b"k%d" % (number % 50), lambda: chance.randbytes(8),
                        lambda: b"\0", lambda: chance.randbytes(chance.choice((1024, 1025, 3000))),
                        lambda: b"x" * chance.choice((1024, 1025, 3000))),
            "value": some(lambda: None, lambda: b"", lambda: chance.randbytes(chance.randrange(1, 300))),
            "headers": [(name(), value()) for _ in range(chance.choice((0, 0, 1, 2, 5, 30)))],
            "timestamp": 1_600_000_000_000 + number,
            "partition": chance.randrange(PARTITIONS),
        }

    def test_random_records_come_back_bit_by_bit(self):
        count, chance = self.many(10_000), random.Random(os.environ.get("SEED", 1))
        self.kafka.produce(self.source, [self.record(chance, i) for i in range(count)])
        # With order, a server would hold back a key's messages until those before are acknowledged.
        self.subscription = self.pubsub.subscription(self.between, self.topic_name("unordered"))
        bridge = self.both(order="key")
        process = bridge.start()
        self.wait_sunk(count)
        found = self.kafka.read(self.sink)
        wanted = {(m.partition(), m.timestamp()[1]): content(m) for m in self.kafka.read(self.source)}
        self.assertEqual(len(found), count)
        for message in found:
            self.assertEqual(content(message), wanted[message.partition(), message.timestamp()[1]])
        self.assertEqual(bridge.dead_letters("out") + bridge.dead_letters("into"), [])
        self.assertEqual(process.stop(), 0)

    def test_records_of_a_key_keep_their_order(self):
        count = self.many(5000)
        process = self.outward(order="key").start()
        self.records(count)
        last = collections.defaultdict(lambda: -1)
        for message in self.pubsub.pull_at_least(self.subscription, count):
            number = int(message.data)
            self.assertGreater(number, last[message.ordering_key])
            last[message.ordering_key] = number
        self.assertEqual(last, {f"k{i}": count - 20 + i for i in range(20)})
        self.assertEqual(process.stop(), 0)

    def test_records_of_a_partition_keep_their_order(self):
        count = self.many(2000)
        self.outward(order="partition").start()
        self.records(count)
        last = collections.defaultdict(lambda: -1)
        for message in self.pubsub.pull_at_least(self.subscription, count):
            at = coordinates(message)
            self.assertEqual(message.ordering_key, f"{self.source}/{at.partition}")
            self.assertEqual(at.offset, last[at.partition] + 1)
            last[at.partition] = at.offset


class Loops(Mirrored, SharedCluster):
    """What goes in a circle ends after one turn: a marker that follows it round finds no more of it."""

    def values(self, topic):
        return collections.Counter(m.value() for m in self.kafka.read(topic))

    def test_both_directions_between_the_same_topics_end_after_one_hop(self):
        watching = self.pubsub.subscription(self.between, self.topic_name("watching"))
        self.sink = self.source
        self.both().start()
        seen = collections.Counter()
        wanted = collections.Counter()
        for turn in range(3):  # what went round in one turn would be there in the next
            self.kafka.produce(self.source, [b"kafka-%d-%d" % (turn, i) for i in range(200)])
            self.pubsub.publish(self.between, [b"pubsub-%d-%d" % (turn, i) for i in range(200)])
            wanted.update(b"%s-%d-%d" % (origin, turn, i) for origin in (b"kafka", b"pubsub") for i in range(200))

            def all_seen():
                seen.update(m.data for m in self.pubsub.pull(watching))
                return set(wanted) <= set(seen) and set(wanted) <= set(self.values(self.source))
            wait_for(all_seen, "all on both sides")
            self.assertEqual(seen, wanted)
            self.assertEqual(self.values(self.source), wanted)

    def test_a_circle_of_two_bridges_ends_after_one_turn(self):
        back = self.pubsub.topic(self.topic_name("back"))
        subscription = self.pubsub.subscription(back)
        there = self.both()
        here = Bridge(self, self.pubsub,
                      back={"from": {"kafka": self.sink}, "to": {"pubsub": back}},
                      home={"from": {"pubsub": subscription}, "to": {"kafka": self.source}})
        watching = self.pubsub.subscription(back, self.topic_name("watching"))
        there.start()
        here.start()
        wanted, seen = collections.Counter(), collections.Counter()
        for turn in range(3):
            values = [b"%d-%d" % (turn, i) for i in range(100)]
            self.kafka.produce(self.source, values)
            wanted.update(values)

            def all_seen():
                seen.update(m.data for m in self.pubsub.pull(watching))
                return set(wanted) <= set(seen)
            wait_for(all_seen, "the way round")
            self.assertEqual([seen, self.values(self.source), self.values(self.sink)], [wanted] * 3)


class Instances(Mirrored, SharedCluster):
    def owner_and_other(self, bridge):
        """Two instances, of which either may become the owner."""
        both = [bridge.start(), bridge.start()]

        def settled():
            latest = [re.findall("this instance takes over|another instance is at work", process.err)[-1:]
                      for process in both]
            return sorted(latest) == [["another instance is at work"], ["this instance takes over"]] and latest
        latest = wait_for(settled, "one owner")
        return both if latest[0] == ["this instance takes over"] else both[::-1]

    def test_one_instance_is_the_owner_and_the_other_takes_over(self):
        bridge = self.inward()
        first, second = self.owner_and_other(bridge)
        self.messages(2000)
        self.wait_sunk(2000)
        first.kill()
        self.messages(2000, start=2000)
        self.wait_sunk(4000)
        self.assert_once(4000)
        self.assertEqual(second.stop(), 0)

    def test_an_owner_that_was_away_writes_nothing_any_more(self):
        bridge = self.inward()
        first, second = self.owner_and_other(bridge)
        self.messages(1000)
        self.wait_sunk(1000)
        first.send(signal.SIGSTOP)
        self.messages(1000, start=1000)
        takes_over = second.err.count("takes over")
        wait_for(lambda: second.err.count("takes over") > takes_over, "the take-over")
        # What the first has been sent and cannot take comes to the second when its lease ends.
        heard = first.err.count("bridge.owner")
        first.send(signal.SIGCONT)
        self.messages(1000, start=2000)
        self.wait_sunk(3000)
        # It hears that it is the owner no longer, or is fenced when it writes before that.
        wait_for(lambda: not first.running() or first.err.count("bridge.owner") > heard, "its end as owner")
        self.assertEqual(second.stop(), 0)
        if first.running():
            self.assertEqual(first.stop(), 0)
        else:
            self.assert_fenced(first)
        self.assert_once(3000)

    def assert_fenced(self, process):
        self.assertEqual(process.wait(), FENCED, process.err)
        self.assertIn("another has taken over", process.err)

    def test_an_owner_whose_transactional_id_another_claims_is_fenced_and_writes_nothing(self):
        bridge = self.inward()
        process = bridge.start()
        self.messages(1000)
        self.wait_sunk(1000)
        self.kafka.producer(**{"transactional.id": bridge.group(bridge.names["into"])}).init_transactions()
        self.messages(1000, start=1000)
        self.assert_fenced(process)
        self.assert_once(1000)
        bridge.start()
        self.wait_sunk(2000)
        self.assert_once(2000)

    def test_two_instances_outward_share_the_partitions(self):
        bridge = self.outward()
        first = bridge.start()
        first.wait_for_line("got 4 partitions")
        second = bridge.start()
        second.wait_for_line("got 2 partitions")
        self.records(1000)
        self.assert_all_published(1000, self.pull_all_committed(1000, bridge))
        self.assertEqual([first.stop(), second.stop()], [0, 0])
