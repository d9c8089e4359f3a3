"""Nothing lost and nothing twice, whatever happens to instances and brokers."""
import random
import signal
import threading
import time

from support import OwnCluster, SharedCluster, wait_for
from support.processor import Processor


class Instances(SharedCluster):
    def test_twenty_thousand_requests_through_two_instances_of_which_one_is_killed_five_times(self):
        total, kills, pause = 20_000, 5, random.Random(self.unique)
        processor = Processor(self, partitions=4)
        processor.start("steady", workers=1, batch_max=100)
        victim = processor.start("victim", workers=1, batch_max=100)
        sender = threading.Thread(target=processor.send, args=[total])
        sender.start()
        for kill in range(kills):
            wait_for(lambda: "worker.assigned" in victim.err, f"partitions for the victim, kill {kill + 1}")
            before = processor.answered()
            wait_for(lambda: processor.answered() > before or before == total, "progress before the next kill")
            time.sleep(pause.uniform(0, 0.05))  # any moment of a transaction will do
            self.assertEqual(victim.kill(), -signal.SIGKILL)
            victim = processor.start("victim", workers=1, batch_max=100)
        sender.join()
        wait_for(lambda: processor.answered() == total, "all requests answered")
        processor.assert_exactly_once()

    def test_requests_move_to_another_instance_when_one_leaves(self):
        processor = Processor(self)
        first = processor.start("first")
        processor.send(1000)
        wait_for(lambda: processor.answered() == 1000, "the first answers")
        second = processor.start("second")
        wait_for(lambda: "worker.assigned" in second.err, "partitions for the second instance")
        self.assertEqual(first.stop(), 0)
        processor.send(1000, start=1000)
        wait_for(lambda: processor.answered() == 2000, "the answers of the second instance")
        self.assertEqual(second.stop(), 0)
        processor.assert_exactly_once()

    def test_of_two_instances_with_one_name_the_former_is_fenced_and_says_so(self):
        processor = Processor(self, partitions=1)
        former = processor.start("same", workers=1)
        processor.send(10)
        wait_for(lambda: processor.answered() == 10, "answers of the former")
        processor.start("same", workers=1).wait_for_line("processor.started")
        # The new one has claimed the name when it joins the group; the former finds out with its next transaction.
        sent = 10

        def fenced():
            nonlocal sent
            if not former.running():
                return True
            processor.send(10, start=sent)
            sent += 10
            return False
        wait_for(fenced, "the end of the former")
        self.assertEqual(former.process.returncode, 3)
        self.assertRegex(former.err, "(?i)fenced")
        wait_for(lambda: processor.answered() == sent, "the answers of the new one")
        processor.assert_exactly_once()

    def test_a_stop_amid_a_transaction_finishes_it_and_leaves_with_0(self):
        processor = Processor(self)
        processor.send(20_000)
        instance = processor.start(workers=2, batch_max=500)
        wait_for(lambda: processor.answered() > 0, "the first commit")
        self.assertEqual(instance.stop(signal.SIGTERM), 0)
        self.assertIn("run.ended", instance.err)
        answered = processor.answered()
        self.assertGreater(answered, 0)
        self.assertEqual(len(self.kafka.read(processor.sink)), answered)
        self.assertIn("exactly once", processor.verify())

    def test_a_second_signal_aborts_the_transaction(self):
        processor = Processor(self)
        processor.send(5000)
        instance = processor.start(workers=1, batch_max=50)
        wait_for(lambda: processor.answered() > 0, "the first commit")
        instance.send(signal.SIGINT)
        instance.send(signal.SIGTERM)
        self.assertEqual(instance.wait(), 0)
        self.assertEqual(len(self.kafka.read(processor.sink)), processor.answered())


class Brokers(OwnCluster):
    def test_the_stream_goes_on_after_a_broker_was_killed_and_one_restarted_politely(self):
        processor = Processor(self)
        processor.start(workers=2, batch_max=200)
        for turn, number in enumerate((signal.SIGKILL, signal.SIGTERM)):
            sender = threading.Thread(target=processor.send, args=[5000, turn * 5000])
            sender.start()
            wait_for(lambda seen=turn * 5000: processor.answered() > seen, "answers before the broker goes")
            self.cluster.restart(1, number)
            sender.join()
            wait_for(lambda wanted=(turn + 1) * 5000: processor.answered() == wanted, "all answers")
        processor.assert_exactly_once()

    def test_requests_wait_for_a_registry_that_is_away(self):
        processor = Processor(self)
        processor.send(50)
        self.cluster.registry.process.stop()
        instance = processor.start()
        instance.wait_for_line("waiting for the schema registry")
        self.assertEqual(processor.answered(), 0)
        self.cluster.start_registry()
        wait_for(lambda: processor.answered() == 50, "answers once the registry is there")
        processor.assert_exactly_once()

    def test_an_unknown_schema_waits_for_the_registry_and_is_then_answered(self):
        processor = Processor(self, partitions=1)
        instance = processor.start(workers=1)
        processor.send(10)
        wait_for(lambda: processor.answered() == 10, "answers while the registry is there")
        newer = {"type": "record", "name": "PredictRequest", "namespace": "weft", "fields": [
            {"name": "image", "type": "bytes"}, {"name": "id", "type": "string"}]}
        newer_id = self.registry.register(f"{processor.source}-value-newer", newer)
        value = self.registry.encode(newer_id, {"image": bytes(784), "id": "newer"})
        self.cluster.registry.process.stop()
        self.kafka.produce(processor.source, [value])
        instance.wait_for_line("worker.registry")
        self.assertEqual(processor.answered(), 10)
        self.cluster.start_registry()
        wait_for(lambda: processor.answered() == 11, "the answer once the registry is back")
        processor.assert_exactly_once(dead=0)
