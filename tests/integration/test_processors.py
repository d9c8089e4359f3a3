"""Several processors in one process, and where their settings come from."""
import json
import signal

from support import SharedCluster, WeftTest
from support.processor import MODEL, Processor


def declare(processors):
    return "topology: several\ntopics:\n" + "".join(
        f"  - {{name: {topic}, partitions: {count}}}\n" for p in processors.values()
        for topic, count in ((p.source, 4), (p.sink, 4), (p.dead_letters, 1))
    ) + "processors:\n" + "".join(
        f"  - {{name: {name}, source: {p.source}, sink: {p.sink}, dead_letters: {p.dead_letters}, model: {MODEL}}}\n"
        for name, p in processors.items())


class Several(SharedCluster):
    def setUp(self):
        super().setUp()
        # The names are the processors' groups too, which live as long as the cluster.
        self.processors = {self.topic_name(name): Processor(self, name=f"{name}-") for name in ("first", "second")}
        self.file = self.write("several.yaml", declare(self.processors))

    def test_all_processors_of_a_file_run_in_one_process(self):
        for processor in self.processors.values():
            processor.send(50)
        running = self.start_weft("run", self.file)
        for processor in self.processors.values():
            self.kafka.read_at_least(processor.sink, 50)
        running.send(signal.SIGTERM)
        self.assertEqual(running.wait(), 0)
        for name, processor in self.processors.items():
            processor.group = f"weft-{name}"
            processor.assert_exactly_once()

    def test_only_one_runs_when_it_is_named(self):
        (name, chosen), (_, other) = self.processors.items()
        for processor in self.processors.values():
            processor.send(5)
        running = self.start_weft("run", self.file, "--only", name)
        self.kafka.read_at_least(chosen.sink, 5)
        running.send(signal.SIGTERM)
        self.assertEqual(running.wait(), 0)
        self.assertEqual(self.kafka.read(other.sink), [])

    def test_where_one_cannot_start_none_does_and_all_that_is_wrong_is_said(self):
        (name, first), (_, second) = self.processors.items()
        broken = self.write("broken.yaml", declare(self.processors).replace(
            f"source: {second.source}", "source: nowhere").replace(f"name: {second.source}", "name: nowhere").replace(
            f"sink: {first.sink}", "sink: neither").replace(f"name: {first.sink}", "name: neither"))
        first.send(5)
        ended = self.weft("run", broken, status=2)
        self.assertRegex(ended.err, f"(?m)^weft: processor {name}: topic neither does not exist")
        self.assertRegex(ended.err, "startup.check.*topic nowhere does not exist")
        self.assertNotIn("processor.started", ended.err)


class ConfigShow(WeftTest):
    def test_each_value_is_shown_with_its_place_and_secrets_are_hidden(self):
        settings = self.write("my.properties", "batch.max=7\nsasl.password=hunter2\n"
                              "schema.registry.url=http://me:hunter2@registry:8081\n")
        file = self.write("t.yaml", "topology: t\ntopics:\n  - {name: a, partitions: 1}\n  - {name: b, partitions: 1}\n"
                          "  - {name: a.dead, partitions: 1}\nprocessors:\n  - {name: p, source: a, sink: b, workers: 3}\n")
        shown = self.weft("config show", file, "-F", settings, "--json", settings={"workers": 4})
        self.assertNotIn("hunter2", shown.out)
        found = json.loads(shown.out)
        self.assertEqual(found["processor"], "p")
        rows = {row["name"]: (row["value"], row["from"]) for row in found["settings"]}
        self.assertEqual(rows["workers"], ("4", "-X"))
        self.assertEqual(rows["batch.max"], ("7", f"{settings}:1"))
        self.assertEqual(rows["source"], ("a", f"{file}:7"))
        self.assertEqual(rows["sasl.password"], ("(hidden)", f"{settings}:2"))
        self.assertEqual(rows["schema.registry.url"], ("(hidden)", f"{settings}:3"))
        self.assertEqual(rows["progress.deadline"], ("60s", "default"))
