"""Bases for test cases: SharedCluster for most, OwnCluster for tests that stop brokers or need settings of their own.

    class Scoring(SharedCluster):
        def test_a_request_gets_a_result(self):
            requests = self.topic("requests")
            self.kafka.produce(requests, [...])
            worker = self.start_weft("run", path, settings={"batch.max": 10})
            ...

Each test has topics of its own (self.topic), a folder of its own that is there to look at afterwards (self.folder), and
whatever it starts ends with it.
"""
import os
import shutil
import signal
import subprocess
import unittest
import uuid

from cluster import Cluster
from support.kafka import Kafka
from support.registry import Registry
from support.wait import DEADLINE
from support.weft import BUILD, PROGRAM, Background, Result, command_line


class WeftTest(unittest.TestCase):
    """Runs weft; knows of no cluster yet."""

    maxDiff = None
    bootstrap_servers = registry_url = None

    def setUp(self):
        self.name = self.id().rpartition(".")[2].removeprefix("test_")
        self.folder = BUILD / "tests" / "integration" / self.id()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.unique = uuid.uuid4().hex[:8]
        self.background = []

    def connect(self):
        self.kafka = Kafka(self.bootstrap_servers)
        self.registry = Registry(self.registry_url)

    def topic_name(self, name):
        """A name that no other test and no earlier run has used; for groups and transactional ids too."""
        return f"{name}-{self.unique}"

    def topic(self, name, partitions=1, **config):
        return self.kafka.create_topic(self.topic_name(name), partitions, **config)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content) if isinstance(content, str) else path.write_bytes(content)
        return path

    def environment(self, extra=None):
        """The caller's, without settings of weft that happen to be set there."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        if self.bootstrap_servers:
            clean |= {"WEFT_BOOTSTRAP_SERVERS": self.bootstrap_servers, "WEFT_SCHEMA_REGISTRY_URL": self.registry_url}
        return clean | (extra or {})

    def weft(self, command, *arguments, settings=None, environment=None, status=0, stdin=""):
        """Runs `weft COMMAND ARGUMENT... -X name=value...` to its end; another exit status than the wanted one fails
        the test. status=None takes any."""
        line = command_line(command, arguments, settings)
        done = subprocess.run(line, input=stdin if isinstance(stdin, bytes) else stdin.encode(), capture_output=True, cwd=self.folder, check=False,
                              env=self.environment(environment), timeout=DEADLINE)
        result = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if status is not None:
            self.assertEqual(result.status, status, f"weft {' '.join(line[1:])}\n{result.out[-4000:]}{result.err}")
        return result

    def start_weft(self, command, *arguments, settings=None, environment=None, program=PROGRAM):
        """Starts it beside the test; killed at the test's end when it still runs then."""
        name = f"{command.replace(' ', '-')}-{len(self.background) + 1}"
        process = Background(self.folder, name, command_line(command, arguments, settings, program),
                             self.environment(environment))
        self.background.append(process)
        self.addCleanup(process.clean_up)
        return process


class SharedCluster(WeftTest):
    """On the one-node cluster that ctest starts before the first of these tests and stops after the last."""

    def setUp(self):
        super().setUp()
        folder = BUILD / "tests" / "cluster"
        cluster = Cluster(folder)
        if not cluster.running():
            self.fail(f"no cluster runs in {folder}: start this test through ctest")
        self.bootstrap_servers, self.registry_url = cluster.bootstrap_servers, cluster.registry_url
        self.connect()


class OwnCluster(WeftTest):
    """On a cluster of the test's own, self.cluster, which it may kill, pause and restart."""

    nodes = 1

    def cluster_options(self):
        """Of Cluster: settings, listeners, bench."""
        return {}

    def setUp(self):
        super().setUp()
        self.cluster = Cluster(self.folder / "cluster", self.nodes, tied=True, **self.cluster_options())
        self.addCleanup(self.cluster.stop, signal.SIGKILL)
        self.cluster.start()
        self.bootstrap_servers, self.registry_url = self.cluster.bootstrap_servers, self.cluster.registry_url
        self.connect()
