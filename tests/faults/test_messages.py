"""Messages that nothing can be made of, among good ones."""
import collections

from bad_messages import bad_messages, strange_messages
from footprint import Footprint
from stream import Stream
from support import SharedCluster

WARM_UP, ROUNDS = 4, 12
SLACK_KB = 3072


class Messages(SharedCluster):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self)

    def said(self):
        """The headers that weft has put to each kind's dead letters."""
        said = collections.defaultdict(list)
        for letter in self.kafka.each(self.stream.dead_letters):
            headers = letter.headers()
            kind = next(value for name, value in headers if name == "kind").decode()
            said[kind].append({name: value.decode() for name, value in headers[-8:] if name.startswith("weft.")})
        return said

    def test_each_kind_of_bad_message_becomes_a_dead_letter_that_says_why(self):
        kinds = bad_messages(self.stream)
        self.assertEqual(len({message.kind for message in kinds}), len(kinds))
        self.assertGreater(len(kinds), 30)
        process = self.stream.start()
        footprint = Footprint(process)
        with self.stream.load():
            for turn in range(WARM_UP + ROUNDS):
                if turn == WARM_UP:
                    warm = footprint.mark()
                self.stream.send_messages(message.arguments() for message in kinds)
                self.stream.wait_progress(2 * len(kinds))
                self.assertTrue(process.running(), process.err)
        self.stream.did(f"{len(kinds)} kinds of bad message", WARM_UP + ROUNDS)
        footprint.stop()
        self.stream.account_for(dead=(WARM_UP + ROUNDS) * len(kinds), **footprint.assert_flat(self, warm, SLACK_KB))
        said = self.said()
        for message in kinds:
            with self.subTest(message.kind):
                self.assertEqual(len(said[message.kind]), WARM_UP + ROUNDS)
                for headers in said[message.kind]:
                    self.assertEqual(headers["weft.error.class"], "corrupt")
                    self.assertRegex(headers["weft.error.message"], message.reason)

    def test_strange_messages_that_can_be_read_get_results(self):
        self.stream.start()
        with self.stream.load():
            self.stream.wait_progress()
            kinds = strange_messages(self.stream)
            self.stream.send_messages(message.arguments() for message in kinds)
            self.stream.did("unusual good messages", len(kinds))
        self.stream.account_for()
