"""Rights that are taken away under a running processor."""
from stream import Stream
from support.secured import SecuredCluster

REFUSED = 1


class Rights(SecuredCluster):
    def write_right(self, action, topic):
        self.give([["kafka-acls.sh", "--bootstrap-server", self.bootstrap_servers, f"--{action}", "--force",
                    "--allow-principal", f"User:{self.user}", "--operation", "Write", "--topic", topic]])

    def test_the_right_to_write_is_taken_away_and_given_back(self):
        stream = Stream(self, name="taken-")
        self.processor = stream
        self.give(self.printed_rights(f"User:{self.user}"))
        process = stream.start(**self.secured)
        with stream.load():
            stream.wait_progress(1000)
            self.write_right("remove", stream.sink)
            stream.did("right to write taken away")
            self.assertEqual(process.wait(), REFUSED)
            self.assertRegex(process.err, f"(?m)^weft: .*{stream.sink}.*(?i:authorization failed).*right")
            self.write_right("add", stream.sink)
            stream.start(**self.secured)
        stream.account_for()
