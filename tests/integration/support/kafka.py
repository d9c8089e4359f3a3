"""An independent Kafka client: what it produces weft must read, what weft writes it must read."""
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

from support.wait import wait_for

COORDINATOR_MOVES = {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE,
                     KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError._TIMED_OUT, KafkaError._TRANSPORT,
                     KafkaError._WAIT_COORD}  # pylint: disable=protected-access
LEADER_MOVES = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE,
                KafkaError.UNKNOWN_TOPIC_OR_PART}  # also of a topic that has only just been made
PARTITION_END = KafkaError._PARTITION_EOF  # pylint: disable=protected-access


def none_while(moves, ask):
    """Gives what ask() gives, or None where it fails with one of the codes."""
    try:
        return ask()
    except KafkaException as failure:
        if failure.args[0].code() not in moves:
            raise
        return None


class Kafka:
    """settings: librdkafka settings for every client made here, such as those of SASL."""

    def __init__(self, bootstrap_servers, **settings):
        self.settings = {"bootstrap.servers": bootstrap_servers, **settings}
        self.admin = AdminClient(self.settings)

    def create_topic(self, name, partitions=1, **config):
        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, config=config)])[name].result()
        wait_for(lambda: name in self.topics(), f"{name} to be known")  # which the controller does not wait for
        return name

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result()

    def configure(self, topic, settings):
        entries = [ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
                   for name, value in settings.items()]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self.admin.incremental_alter_configs([resource])[resource].result()

    def topics(self):
        return self.admin.list_topics(timeout=30).topics

    def producer(self, **settings):
        return Producer({**self.settings, "linger.ms": 1, **settings})

    def produce(self, topic, messages, **settings):
        """Sends messages, each a value or a dict of produce()'s arguments, and waits until all are delivered."""
        errors = []
        producer = self.producer(**settings)
        for message in messages:
            arguments = message if isinstance(message, dict) else {"value": message}
            while True:
                try:
                    producer.produce(topic, on_delivery=lambda error, _: errors.append(error), **arguments)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        if producer.flush(60) or any(errors):
            raise AssertionError(f"not delivered to {topic}: {next(filter(None, errors), 'time is up')}")

    def consumer(self, **settings):
        return Consumer({**self.settings, "group.id": f"test-{uuid.uuid4()}", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "enable.partition.eof": True, **settings})

    def each(self, topic, isolation="read_committed"):
        """Every message that is in the topic now, in the order of each partition. read_committed ends at the first
        transaction that is still open."""
        partitions = [TopicPartition(topic, p, 0) for p in self.topics()[topic].partitions]
        consumer = self.consumer(**{"isolation.level": isolation})
        ended = set()
        try:
            consumer.assign(partitions)
            while len(ended) < len(partitions):
                for message in wait_for(lambda: consumer.consume(1000, timeout=0.1), f"more of {topic}, or its end"):
                    if not message.error():
                        yield message
                    elif message.error().code() == PARTITION_END:
                        ended.add(message.partition())
                    elif not message.error().retriable():
                        raise KafkaException(message.error())
        finally:
            consumer.close()

    def read(self, topic, isolation="read_committed"):
        """The same as a list."""
        return list(self.each(topic, isolation))

    def read_at_least(self, topic, count, isolation="read_committed"):
        """Waits until the topic holds count messages and gives all of them."""
        found = []

        def enough():
            found[:] = self.read(topic, isolation)
            return len(found) >= count
        wait_for(enough, f"{count} messages in {topic}")
        return found

    def end_offsets(self, topic, isolation="read_committed"):
        """The offset of the next message, by partition; read_committed ends at the first open transaction."""
        consumer = self.consumer(**{"isolation.level": isolation})

        def ask(partition):
            asked = TopicPartition(topic, partition)
            return wait_for(lambda: none_while(LEADER_MOVES, lambda: consumer.get_watermark_offsets(asked, timeout=30)),
                            f"the leader of {topic} partition {partition}")
        try:
            return {p: ask(p)[1] for p in self.topics()[topic].partitions}
        finally:
            consumer.close()

    def settled(self, topic):
        """Whether no transaction is open there."""
        return self.end_offsets(topic) == self.end_offsets(topic, "read_uncommitted")

    def committed(self, group, topic):
        """The offset committed by the group, by partition; -1001 where there is none."""
        # A read_committed consumer would wait for a moment without an open transaction.
        consumer = self.consumer(**{"group.id": group, "isolation.level": "read_uncommitted"})
        try:
            def ask():
                asked = [TopicPartition(topic, p) for p in self.topics()[topic].partitions]
                return consumer.committed(asked, timeout=10)
            # The group's coordinator may move, or a broker be away.
            answers = wait_for(lambda: none_while(COORDINATOR_MOVES, ask), f"the offsets of {group}")
            return {answer.partition: answer.offset for answer in answers}
        finally:
            consumer.close()
