"""Records that are larger than their topic allows, though not than the producer does."""
from stream import Stream
from support import SharedCluster

LIMIT = 20_000


class Sizes(SharedCluster):
    def limit(self, topic, size=LIMIT):
        self.kafka.configure(topic, {"max.message.bytes": size})

    def headers_of(self, letter):
        return {name: value.decode(errors="replace") for name, value in letter.headers()}

    def test_results_too_large_become_dead_letters_and_the_flow_goes_on(self):
        """A result has the headers of its request: so many that the sink does not take it."""
        stream = Stream(self)
        self.limit(stream.sink)
        with stream.load():
            stream.start()
            stream.wait_progress(100)
            sizes = [50_000, 30_000, 90_000, 30_001, 40_000]
            for size in sizes:
                stream.send_values([stream.request(0)], headers=[("large", b"h" * size)])
            stream.did("result larger than the topic allows", len(sizes))
            stream.wait_progress(1000)
        stream.account_for(dead=len(sizes))
        for letter in self.kafka.read(stream.dead_letters):
            self.assertRegex(self.headers_of(letter)["weft.error.message"], "result.*larger.*max.message.bytes")
            self.assertEqual(letter.value(), stream.request(0))

    def test_dead_letters_too_large_are_cut_to_what_fits(self):
        stream = Stream(self)
        self.limit(stream.dead_letters)
        sizes = [30_000, 100_000, 500_000, 900_000]
        with stream.load():
            stream.start()
            stream.wait_progress(100)
            stream.send_values(b"x" * size for size in sizes)
            stream.did("dead letter larger than the topic allows", len(sizes))
            stream.wait_progress(1000)
        stream.account_for(dead=len(sizes))
        letters = self.kafka.read(stream.dead_letters)
        self.assertEqual(sorted(int(self.headers_of(letter)["weft.value.size"]) for letter in letters), sizes)
        for letter in letters:
            self.assertRegex(letter.value(), rb"\Ax+\Z")
            self.assertGreater(len(letter.value()), LIMIT // 8)

    def test_a_dead_letter_whose_headers_are_too_large_says_at_least_where_it_stood(self):
        stream = Stream(self)
        self.limit(stream.dead_letters)
        with stream.load():
            stream.start()
            stream.wait_progress(100)
            stream.send_values([b"bad"], headers=[("large", b"h" * 50_000)])
            stream.did("dead letter whose headers are larger than the topic allows")
        stream.account_for(dead=1)
        letter, = self.kafka.read(stream.dead_letters)
        self.assertEqual(letter.value(), b"")
        self.assertEqual(self.headers_of(letter)["weft.value.size"], "3")

    def test_results_that_fit_one_by_one_but_not_together_are_sent_in_smaller_batches(self):
        stream = Stream(self, partitions=1)
        self.limit(stream.sink)
        with stream.load():
            stream.start(batch_max=5000)
            stream.did("batch larger than the topic allows")
        stream.account_for()

    def test_dead_letters_that_their_topic_never_takes_end_the_process_with_a_clear_message(self):
        stream = Stream(self)
        self.limit(stream.dead_letters, 100)
        process = stream.start()
        stream.send_values([b"bad"])
        self.assertEqual(process.wait(), 2)
        self.assertRegex(process.err, f"{stream.dead_letters}.*raise its max.message.bytes")
        stream.did("dead letter larger than the topic ever allows")
        self.limit(stream.dead_letters)
        stream.start()
        stream.account_for(dead=1)
