#!/usr/bin/env python3
"""A real Kafka cluster and schema registry on this machine, for the demo, the tests and the benchmarks.

As a command:
    cluster.py [--data DIR] COMMAND

    start [NODES]           start what does not run: NODES brokers (1) and the registry
        --fresh             without the data of an earlier run
        --default-ports     9092 and 8081 where they are free
        --no-registry       brokers only
        --bench             brokers with the optimizing compiler and 1 GiB of heap
    stop                    stop all of it; the data stay
    kill|pause|continue N   node N: SIGKILL, SIGSTOP, SIGCONT
    restart N [TERM|KILL]   stop node N by this signal, start it again, wait until it is ready
    registry start|stop     the registry alone
    status                  what runs, and where
    wipe                    stop all of it and delete the data
    tool CLASS [ARGUMENT]   run a class of Kafka's, such as org.apache.kafka.tools.TopicCommand
    prepare                 fetch the jars and write the archives of loaded classes that make the start quick

As a module:
    with Cluster(folder, nodes=3) as cluster:
        cluster.bootstrap_servers; cluster.kill(1); cluster.start_node(1)

Addresses stand in DIR/env, for a shell to read. Every node is broker and controller at once. Ports are free ones,
chosen with the data and kept with them.
"""
import argparse
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import jars
from jars import Failure
from process import DEADLINE, Process

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
KAFKA_PORT, REGISTRY_PORT = 9092, 8081
QUICK_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable", "-Xlog:all=error:stderr"]


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


held_ports = []


def hold_port(port):
    """Keeps others who choose at the same time from it until this process ends. The program for which it is chosen may
    bind it nevertheless: it sets SO_REUSEADDR, as servers do, and by then this socket has it too."""
    holder = socket.socket()
    try:
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held_ports.append(holder)
    return True


def free_port(preferred=None, taken=()):
    """Below the range that the kernel gives to outgoing connections, so that none of these takes it before we do."""
    if preferred and preferred not in taken and port_is_free(preferred):
        return preferred
    return next(port for port in random.sample(range(20000, 32000), 500) if port not in taken and hold_port(port))


def uuid():
    """A random UUID as Kafka writes it: base64, here without the leading dash that its command line cannot take."""
    text = "-"
    while text.startswith("-"):
        text = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    return text


def java():
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(f"{home}/bin/java" if home else "java")
    if not found:
        raise Failure("java (17 or newer) is needed to run the broker: ./dev deps installs it")
    return found


def archive(name):
    """Where the archive of loaded classes stands; it holds for one Java only."""
    program = Path(java()).resolve()
    key = hashlib.sha256(f"{program} {program.stat().st_mtime_ns}".encode()).hexdigest()[:8]
    return jars.fetch() / f"{name}-{key}.jsa"


def jvm(name, flags, record=None):
    """The start of a command line; record: write the archive to this file when the process ends."""
    if record:
        return [java(), *flags, f"-XX:ArchiveClassesAtExit={record}"]
    use = archive(name)
    return [java(), *flags, *([f"-XX:SharedArchiveFile={use}"] if use.is_file() and use.stat().st_size else [])]


def class_path():
    return ["-cp", ":".join(map(str, sorted((jars.fetch() / "kafka").glob("*.jar"))))]


def tool(*arguments, **options):
    """Runs one of Kafka's own tools; options as for subprocess.run."""
    return subprocess.run([*jvm("kafka", QUICK_JVM), *class_path(), *arguments], check=False, **options)


class Registry:
    """A real schema registry with the REST interface that Confluent's clients speak."""

    name, path, deadline = "registry", "/apis/ccompat/v7", DEADLINE

    def __init__(self, folder):
        self.folder = folder
        self.process = Process(folder, self.name)

    def url(self, port):
        return f"http://{HOST}:{port}{self.path}"

    def command(self, port, record=None):
        home = jars.fetch() / "registry"
        return [*jvm("registry", [*QUICK_JVM, "-Xmx256m"], record), f"-Dquarkus.http.host={HOST}",
                f"-Dquarkus.http.port={port}", f"-Dquarkus.datasource.jdbc.url=jdbc:h2:file:{self.folder}/registry",
                "-jar", str(next(home.glob("*-runner.jar")))]

    def launch(self, port, tied=False, record=None):
        fresh = not (self.folder / "registry.mv.db").exists()
        self.process.start(self.command(port, record), tied)
        return fresh

    def wait_ready(self, port, fresh):
        self.process.wait_until(lambda: self.call(port, "/subjects"), self.deadline)
        if fresh:  # as Confluent's registry has it from the start; this one starts with NONE
            self.call(port, "/config", {"compatibility": "BACKWARD"})

    def call(self, port, path, put=None):
        request = urllib.request.Request(self.url(port) + path, method="PUT" if put else "GET",
                                         data=json.dumps(put).encode() if put else None,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False


class Cluster:
    """Brokers and registry whose data, logs and process ids are in one folder.

    listeners: names of further listeners beside PLAINTEXT, each with a port of its own (SASL_PLAINTEXT, ...).
    settings: broker settings on top of those in properties(). tied: nothing of it outlives the calling thread."""

    def __init__(self, folder, nodes=1, *, registry=True, bench=False, default_ports=False, listeners=(), settings=None,
                 tied=False):
        self.folder = Path(folder).absolute()
        self.state_file = self.folder / "cluster.json"
        self.tied = tied
        self.with_registry = registry
        if self.state_file.exists():
            self.state = json.loads(self.state_file.read_text())
        else:
            self.state = {"id": uuid(), "bench": bench, "settings": settings or {}, "formatted": False}
            self.choose_ports(nodes, listeners, default_ports)
        self.registry = Registry(self.folder)
        self.nodes = {i: Process(self.folder, f"node-{i}") for i in range(1, len(self.state["nodes"]) + 1)}

    def choose_ports(self, nodes, listeners, default_ports):
        taken = set()

        def choose(preferred=None):
            taken.add(port := free_port(preferred if default_ports else None, taken))
            return port
        self.state["nodes"] = [{"CONTROLLER": choose(), "PLAINTEXT": choose(KAFKA_PORT + i),
                                **{name: choose() for name in listeners}} for i in range(nodes)]
        self.state["registry"] = choose(REGISTRY_PORT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)

    # Addresses

    def addresses(self, listener="PLAINTEXT"):
        return ",".join(f"{HOST}:{node[listener]}" for node in self.state["nodes"])

    @property
    def bootstrap_servers(self):
        return self.addresses()

    @property
    def registry_url(self):
        return self.registry.url(self.state["registry"])

    def write_env(self):
        lines = [f"export WEFT_BOOTSTRAP_SERVERS={self.bootstrap_servers}"]
        if self.registry.process.pid():
            lines.append(f"export WEFT_SCHEMA_REGISTRY_URL={self.registry_url}")
        (self.folder / "env").write_text("\n".join(lines) + "\n")

    # All of it

    def running(self):
        wanted = [*self.nodes.values(), *([self.registry.process] if self.with_registry else [])]
        return all(process.pid() for process in wanted)

    def start(self):
        """Starts what does not run and waits until all of it answers."""
        self.move_taken_ports()
        self.format()
        missing = [node for node, process in self.nodes.items() if not process.pid()]
        for node in missing:
            self.launch(node)
        start_registry = self.with_registry and not self.registry.process.pid()
        fresh = start_registry and self.registry.launch(self.state["registry"], self.tied)
        for node in missing:
            self.wait_ready(node)
        if start_registry:
            self.registry.wait_ready(self.state["registry"], fresh)
        self.write_env()

    def stop(self, number=signal.SIGTERM):
        processes = [*self.nodes.values(), self.registry.process]
        for process in processes:
            process.send(number)
            process.send(signal.SIGCONT)
        for process in processes:
            process.wait_gone()
        (self.folder / "env").unlink(missing_ok=True)

    def wipe(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_registry(self):
        port = self.state["registry"]
        self.registry.wait_ready(port, self.registry.launch(port, self.tied))
        self.write_env()

    # One node

    def start_node(self, node):
        self.launch(node)
        self.wait_ready(node)

    def launch(self, node, record=None):
        heap = "-Xmx1g" if self.state["bench"] else "-Xmx256m"
        flags = [flag for flag in QUICK_JVM if not (self.state["bench"] and "Tiered" in flag)]
        self.nodes[node].start(
            [*jvm("kafka", [*flags, heap], record), f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
             *class_path(), "kafka.Kafka", str(self.properties(node))], self.tied)

    def wait_ready(self, node):
        self.nodes[node].wait_until(lambda: "Kafka Server started" in self.nodes[node].output())

    def kill(self, node):
        self.nodes[node].stop(signal.SIGKILL)

    def restart(self, node, number=signal.SIGTERM):
        self.nodes[node].stop(number)
        self.start_node(node)

    def pause(self, node):
        self.nodes[node].send(signal.SIGSTOP)

    def resume(self, node):
        self.nodes[node].send(signal.SIGCONT)

    # Data and settings of the brokers

    def move_taken_ports(self):
        """A single node may come back elsewhere; several know each other by the addresses in their data."""
        nodes, used = self.state["nodes"], [port for node in self.state["nodes"] for port in node.values()]
        for node, ports in zip(self.nodes.values(), nodes):
            lost = [] if node.pid() else [name for name, port in ports.items() if not port_is_free(port)]
            if lost and len(nodes) > 1:
                raise Failure(f"port {ports[lost[0]]} of {node.name} is taken by another program: "
                              f"stop that, or wipe the cluster in {self.folder}")
            ports.update({name: free_port(taken=used) for name in lost})
        if not self.registry.process.pid() and not port_is_free(self.state["registry"]):
            self.state["registry"] = free_port(taken=used)

    def format(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.state["formatted"]:
            controllers = ",".join(f"{i}@{HOST}:{node['CONTROLLER']}:{uuid()}"
                                   for i, node in enumerate(self.state["nodes"], 1))
            for node in self.nodes:
                shutil.rmtree(self.folder / f"data-{node}", ignore_errors=True)
                result = tool("kafka.tools.StorageTool", "format", "--initial-controllers", controllers, "-t",
                              self.state["id"], "-c", str(self.properties(node)), capture_output=True, text=True)
                if result.returncode != 0:
                    raise Failure(f"formatting node {node}: {result.stdout}{result.stderr}")
            self.state["formatted"] = True
        self.state_file.write_text(json.dumps(self.state, indent=2))

    def properties(self, node):
        """Writes the settings of a node: quick to notice a lost node, and small internal topics."""
        ports = self.state["nodes"][node - 1]
        replicas = min(3, len(self.nodes))
        in_sync = 2 if replicas == 3 else 1
        outside = [name for name in ports if name != "CONTROLLER"]
        settings = {
            "process.roles": "broker,controller",
            "node.id": node,
            "log.dirs": self.folder / f"data-{node}",
            "listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items()),
            "advertised.listeners": ",".join(f"{name}://{HOST}:{ports[name]}" for name in outside),
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT," + ",".join(f"{name}:{name}" for name in outside),
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": self.addresses("CONTROLLER"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 5,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 5,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 500,
            **self.state["settings"],
        }
        path = self.folder / f"node-{node}.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def status(self):
        for name, process, address in [
                *((p.name, p, f"{HOST}:{self.state['nodes'][i - 1]['PLAINTEXT']}") for i, p in self.nodes.items()),
                ("registry", self.registry.process, self.registry_url)]:
            pid = process.pid()
            print(f"{name:10} {f'{address}  (pid {pid})' if pid else 'stopped'}")


def prepare():
    """Archives of the classes that broker and registry load: with them both start in half the time."""
    wanted = {name: archive(name) for name in ("kafka", "registry")}
    if all(path.exists() for path in wanted.values()):
        return
    print("Preparing a quick start of Kafka and the schema registry ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=jars.cache()) as scratch:
        written = {name: Path(scratch) / f"{name}.jsa" for name in wanted}
        cluster = Cluster(Path(scratch) / "cluster", tied=True)
        cluster.format()
        try:
            cluster.launch(1, record=written["kafka"])
            fresh = cluster.registry.launch(cluster.state["registry"], tied=True, record=written["registry"])
            cluster.wait_ready(1)
            cluster.registry.wait_ready(cluster.state["registry"], fresh)
        finally:
            for process in (cluster.nodes[1], cluster.registry.process):
                process.stop(grace=60)
        for name, path in wanted.items():
            written[name].touch()  # a Java that cannot write one goes without, and is not asked again
            written[name].rename(path)


def parse():
    parser = argparse.ArgumentParser(usage=__doc__.partition("As a command:")[2].partition("As a module:")[0])
    parser.add_argument("--data", default="build/cluster")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start")
    start.add_argument("nodes", type=int, nargs="?")
    start.add_argument("--fresh", action="store_true")
    start.add_argument("--default-ports", action="store_true")
    start.add_argument("--no-registry", action="store_true")
    start.add_argument("--bench", action="store_true")
    for name in ("stop", "status", "wipe", "prepare"):
        commands.add_parser(name)
    for name in ("kill", "pause", "continue", "restart"):
        commands.add_parser(name).add_argument("node", type=int)
    commands.choices["restart"].add_argument("signal", choices=("TERM", "KILL"), nargs="?", default="TERM")
    commands.add_parser("registry").add_argument("action", choices=("start", "stop"))
    commands.add_parser("tool").add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def start(cluster, nodes):
    if nodes and nodes != len(cluster.nodes):
        raise Failure(f"{cluster.folder} holds a cluster of {len(cluster.nodes)}: wipe it to have one of {nodes}")
    if cluster.running():
        print("already running")
    else:
        began = time.monotonic()
        cluster.start()
        print(f"ready in {time.monotonic() - began:.1f} s")
    cluster.status()
    print(f"addresses for a shell: {cluster.folder / 'env'}")


def run(args):
    if args.command == "prepare":
        return prepare()
    if args.command == "tool":
        sys.exit(tool(*args.arguments).returncode)
    options = {}
    if args.command == "start":
        if args.fresh:
            Cluster(args.data).wipe()
        options = {"nodes": args.nodes or 1, "registry": not args.no_registry, "bench": args.bench,
                   "default_ports": args.default_ports}
    cluster = Cluster(args.data, **options)
    if "node" in args and args.node not in cluster.nodes:
        raise Failure(f"there is no node {args.node} in {cluster.folder}")
    if args.command == "start":
        start(cluster, args.nodes)
    elif args.command == "registry":
        if args.action == "start":
            cluster.start_registry()
        else:
            cluster.registry.process.stop()
    elif args.command == "restart":
        cluster.restart(args.node, signal.Signals[f"SIG{args.signal}"])
    elif "node" in args:
        {"kill": cluster.kill, "pause": cluster.pause, "continue": cluster.resume}[args.command](args.node)
    else:
        getattr(cluster, args.command)()


if __name__ == "__main__":
    try:
        run(parse())
    except Failure as failure:
        sys.exit(f"cluster: {failure}")
