"""Topics that are taken away under a running processor."""
from stream import Stream, long
from support import SharedCluster

NOT_CONFIGURED = 2


class Topics(SharedCluster):
    @long
    def test_the_sink_is_deleted_and_made_again(self):
        """What was in it is gone, by order. From then on each request has one answer in the new one."""
        stream = Stream(self, partitions=2)
        process = stream.start()
        with stream.load():
            stream.wait_progress(1000)
            self.kafka.delete_topic(stream.sink)
            stream.did("sink deleted")
            self.assertEqual(process.wait(), NOT_CONFIGURED)
            self.assertRegex(process.err, f"(?m)^weft: .*{stream.sink} does not exist")
            committed = self.kafka.committed(stream.group, stream.source)
            self.kafka.create_topic(stream.sink, 2)
            stream.did("sink made again")
            stream.start()
            stream.wait_progress(1000)
        stream.wait_answered()
        requests, results, _ = stream.account()
        wanted = {(partition, offset) for partition, offset in requests if offset >= committed[partition]}
        self.assertEqual(results, {request: 1 for request in wanted})
        gap, slowest = stream.delays()
        stream.note({"requests": len(wanted), "results": len(wanted), "dead_letters": 0, "longest_gap_s": gap,
                     "slowest_answer_s": slowest})
