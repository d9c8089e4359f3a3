"""The cluster that the other tests stand on, seen by the independent client alone."""
import signal
import unittest

from confluent_kafka import TopicPartition

from support import OwnCluster, SharedCluster

SCHEMA = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}


class SharedClusterWorks(SharedCluster):
    def test_a_committed_transaction_is_read_and_an_aborted_one_is_not(self):
        topic = self.topic("values", partitions=2)
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("writer")})
        producer.init_transactions(30)
        for value, end in ((b"kept", producer.commit_transaction), (b"dropped", producer.abort_transaction)):
            producer.begin_transaction()
            producer.produce(topic, value, partition=1)
            producer.flush(30)
            end(30)
        self.assertEqual([m.value() for m in self.kafka.read(topic)], [b"kept"])
        self.assertEqual([m.value() for m in self.kafka.read(topic, "read_uncommitted")], [b"kept", b"dropped"])

    def test_offsets_are_committed_with_the_transaction_that_answers(self):
        source, sink, group = self.topic("source"), self.topic("sink"), self.topic_name("group")
        self.kafka.produce(source, [b"1", b"2", b"3"])
        consumer = self.kafka.consumer(**{"group.id": group})
        self.addCleanup(consumer.close)
        consumer.subscribe([source])
        taken = []
        while len(taken) < 3:
            message = consumer.poll(60)
            self.assertIsNotNone(message)
            if not message.error():
                taken.append(message)
        producer = self.kafka.producer(**{"transactional.id": group})
        producer.init_transactions(30)
        producer.begin_transaction()
        for message in taken:
            producer.produce(sink, b"answer to " + message.value())
        producer.send_offsets_to_transaction([TopicPartition(source, 0, 3)], consumer.consumer_group_metadata(), 30)
        self.assertEqual(self.kafka.read(sink), [])
        producer.commit_transaction(30)
        self.assertEqual([m.value() for m in self.kafka.read(sink)], [b"answer to 1", b"answer to 2", b"answer to 3"])
        self.assertEqual(self.kafka.committed(group, source), {0: 3})

    def test_the_registry_gives_back_what_was_registered(self):
        subject = self.topic_name("points") + "-value"
        schema_id = self.registry.register(subject, SCHEMA)
        self.assertEqual(self.registry.latest(subject), (schema_id, SCHEMA))
        self.assertEqual(self.registry.decode(self.registry.encode(schema_id, {"x": -7})), {"x": -7})

    def test_the_registry_demands_backward_compatibility(self):
        self.assertEqual(self.registry.call("/config")["compatibilityLevel"], "BACKWARD")


class OwnClusterWorks(OwnCluster):
    def test_messages_are_there_after_a_broker_was_killed_and_started_again(self):
        topic = self.topic("values")
        self.kafka.produce(topic, [b"before"])
        self.cluster.restart(1, signal.SIGKILL)
        self.kafka.produce(topic, [b"after"])
        self.assertEqual([m.value() for m in self.kafka.read(topic)], [b"before", b"after"])


if __name__ == "__main__":
    unittest.main()
