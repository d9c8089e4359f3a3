"""Messages a second between Kafka and Pub/Sub, CPU and memory: weft-bridge beside Google's Kafka Connect connector.

    bridge.py [--messages 100000] [--rounds 3] [--direction outward|inward] [--json]

Messages of 1 KB, 4 partitions, one broker and one Pub/Sub server on the same machine, which is Google's emulator where
that is installed. Both programs reach it in TLS through nginx, since the connector knows nothing else; weft-bridge is
measured without TLS, too. The programs take turns. Each is warmed up by a fifth of the messages, stopped while all of
them are written, and continued: the rate is that from the first message to the last, by the log of nginx or the clock
of Kafka, and CPU and memory are those of the program alone. `published at once` is what the server itself takes: calls
of 1,000 messages from a client that does nothing else.
"""
import argparse
import collections
import contextlib
import functools
import itertools
import json
import math
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import types
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "connector"), str(HERE.parent / "tests/pubsub")]

import jars  # noqa: E402
from cluster import HOST, Cluster, free_port  # noqa: E402
from google.pubsub_v1 import PublishRequest  # noqa: E402
from google_connector import GOOGLE, JARS, Connector  # noqa: E402
from process import Process, cpu_seconds, memory_kb  # noqa: E402
from support.bridge import BRIDGE, Bridge  # noqa: E402
from support.certificates import Authority, service_account  # noqa: E402
from support.kafka import Kafka  # noqa: E402
from support.pubsub import AT_ONCE, PubSub  # noqa: E402
from support.wait import wait_for  # noqa: E402
from support.weft import BUILD, command_line  # noqa: E402

SIZE, PARTITIONS = 1024, 4
QUIET_S = 3  # without a call that publishes, and all is published


def nginx():
    """The program, or None."""
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Nginx:
    """TLS and none in front of the server, with a log of the calls: end in seconds since 1970, duration in seconds,
    path. Beside it, who a client says it is it may be."""

    def __init__(self, folder, behind, certificate, key):
        self.log = folder / "calls.log"
        ports = []
        for _ in range(3):
            ports.append(free_port(taken=ports))
        port, plain, tokens = ports
        self.address, self.plain = f"localhost:{port}", f"localhost:{plain}"
        self.token_uri = f"http://localhost:{tokens}/token"
        configuration = folder / "nginx.conf"
        paths = "".join(f"  {name}_temp_path {folder}/nginx-{name};\n"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration.write_text(f"""
daemon off;
master_process off;
{"user root;" if os.geteuid() == 0 else ""}
pid {folder}/nginx.pid;
events {{}}
http {{
{paths}
  log_format calls '$msec $request_time $uri';
  access_log {self.log} calls;
  upstream pubsub {{ server {behind}; keepalive 64; }}
  server {{
    listen {HOST}:{port} ssl http2;
    listen {HOST}:{plain} http2;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    client_max_body_size 0;
    client_body_timeout 1h;
    keepalive_requests 1000000;
    grpc_read_timeout 1h;
    grpc_send_timeout 1h;
    location / {{ grpc_pass grpc://pubsub; }}
  }}
  server {{
    listen {HOST}:{tokens};
    default_type application/json;
    location / {{ return 200 '{{"access_token": "any", "token_type": "Bearer", "expires_in": 3600}}'; }}
  }}
}}
""")
        self.process = Process(folder, "nginx")
        self.process.start([nginx(), "-e", folder / "nginx.log", "-c", configuration], tied=True)

    def published(self, since):
        """Begin of the first and end of the last of the calls that have published since then, or None."""
        calls = (line.split() for line in self.log.read_text().splitlines() if line.endswith("/Publish"))
        calls = [(float(end) - float(took), float(end)) for end, took, _ in calls if float(end) >= since]
        return (min(calls)[0], max(end for _, end in calls)) if calls else None


class WeftBridge:
    """A bridge of one direction, as Connector; over TLS, or without."""

    def __init__(self, folder, service, outward, topic, between, tls):
        name, kafka, pubsub = f"bench-{uuid.uuid4().hex[:8]}", {"kafka": topic}, {"pubsub": between}
        client = Kafka(service.kafka)
        client.create_topic(Bridge.group(name), 1, cleanup_policy="compact")
        client.create_topic(Bridge.letters(name), 1)
        bridge = {"name": name, "from": kafka if outward else pubsub, "to": pubsub if outward else kafka}
        file = folder / "bridge.yaml"
        file.write_text(json.dumps({"topology": "bench", "bridges": [bridge]}))
        settings, environment = {"bootstrap.servers": service.kafka}, []
        if tls:
            settings |= {"pubsub.endpoint": service.address, "pubsub.credentials.file": service.account,
                         "pubsub.ca.file": service.authority}
        else:
            environment = ["env", f"PUBSUB_EMULATOR_HOST={service.plain}"]
        self.command = [*environment, *command_line("run", [file], settings, BRIDGE)]
        self.process = Process(folder, "weft-bridge")

    def start(self):
        self.process.start(self.command, tied=True)

    def stop(self):
        self.process.stop()


def payloads(count):
    rest = random.Random(1).randbytes(SIZE - 8)
    return (b"%08d" % i + rest for i in range(count))


class Direction:
    """What is written at one end and arrives at the other."""

    def __init__(self, service, kafka, pubsub):
        name = f"bench-{uuid.uuid4().hex[:8]}"
        self.service, self.kafka, self.pubsub = service, kafka, pubsub
        self.topic = kafka.create_topic(name, PARTITIONS, message_timestamp_type="LogAppendTime")
        self.pubsub_topic = pubsub.topic(name)
        self.subscription = pubsub.subscription(self.pubsub_topic, ack_deadline_seconds=600)


class Outward(Direction):
    outward = True

    @property
    def between(self):
        return self.pubsub_topic

    def write(self, count):
        self.kafka.produce(self.topic, ({"key": b"%d" % (i % 100), "value": value}
                                        for i, value in enumerate(payloads(count))))

    def wait(self, count):
        messages = self.pubsub.pull_until(self.subscription, lambda some: len(some) >= count, f"{count} messages")
        if {message.data for message in messages} != set(payloads(count)):
            sys.exit("bridge.py: what was published is not what was written")

    def measure(self, count, since):
        """Seconds from the first message to the last."""
        wait_for(lambda: (found := self.service.nginx.published(since)) and time.time() > found[1] + QUIET_S,
                 "the end of publishing", 600)
        begin, end = self.service.nginx.published(since)
        self.wait(count)
        return end - begin


class Inward(Direction):
    outward, wanted = False, 0

    @property
    def between(self):
        return self.subscription

    def write(self, count):
        self.pubsub.publish(self.pubsub_topic, payloads(count))

    def wait(self, count):
        self.wanted += count
        self.kafka.read_at_least(self.topic, self.wanted)

    def measure(self, count, since):
        # The markers of transactions have offsets, too: so many are there a little before the last message is.
        end = self.wanted + count
        wait_for(lambda: sum(self.kafka.end_offsets(self.topic).values()) >= end, f"{count} messages", 600)
        self.wait(count)
        found = [m for m in self.kafka.each(self.topic) if m.timestamp()[1] / 1000 >= since]
        if {message.value() for message in found} != set(payloads(count)):
            sys.exit("bridge.py: what was written is not what was published")
        times = [m.timestamp()[1] / 1000 for m in found]
        return max(times) - min(times)


def measure(kind, program, service, kafka, pubsub, count):
    direction = kind(service, kafka, pubsub)
    runner = program(service.account.parent, service, direction.outward, direction.topic, direction.between)
    runner.start()
    try:
        direction.write(count // 5)
        direction.wait(count // 5)
        pid = runner.process.pid()
        os.kill(pid, signal.SIGSTOP)
        begun, since = cpu_seconds(pid), time.time()
        direction.write(count)
        os.kill(pid, signal.SIGCONT)
        seconds = direction.measure(count, since)
        return {"messages_per_second": count / seconds, "cpu_us_per_message": (cpu_seconds(pid) - begun) * 1e6 / count,
                "max_resident_mb": memory_kb(pid, "VmHWM") / 1024}
    except AssertionError as failure:
        sys.exit(f"bridge.py: {failure}\n{runner.process.tail()}")
    finally:
        runner.stop()


def publish_alone(pubsub, count):
    topic, messages = pubsub.topic("alone"), list(payloads(count))
    calls = [PublishRequest(topic=topic, messages=[{"data": data} for data in messages[at:at + AT_ONCE]])
             for at in range(0, count, AT_ONCE)]
    begin = time.monotonic()
    for call in calls:
        pubsub.publisher.publish(call)
    return {"messages_per_second": count / (time.monotonic() - begin)}


@contextlib.contextmanager
def service(folder, kafka):
    """A server of its own for each measurement, as it keeps what it is given in memory, and a client of it."""
    folder.mkdir()
    authority = Authority(folder)
    certificate, key = authority.issue("pubsub", names=["localhost", GOOGLE])
    with contextlib.ExitStack() as stack:
        pubsub = PubSub(types.SimpleNamespace(folder=folder, addCleanup=stack.callback), own=True)
        front = Nginx(folder, pubsub.address, certificate, key)
        stack.callback(front.process.stop)
        account, _ = service_account(folder, "bench@test.iam.gserviceaccount.com", front.token_uri)
        yield types.SimpleNamespace(kafka=kafka, plain=front.plain, nginx=front, address=front.address,
                                    account=account, authority=authority.certificate), pubsub


PROGRAMS = {"weft-bridge": functools.partial(WeftBridge, tls=True), "Google's connector": Connector,
            "weft-bridge, no TLS": functools.partial(WeftBridge, tls=False)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--direction", choices=("outward", "inward"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not nginx():
        sys.exit("bridge.py: the connector reaches the server through nginx: apt-get install nginx-light")
    jars.fetch(JARS)
    rounds = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as folder, \
         Cluster(Path(folder) / "kafka", bench=True, tied=True) as cluster:
        kafka, number = Kafka(cluster.bootstrap_servers), itertools.count()

        def one(what, run):
            with service(Path(folder) / str(next(number)), cluster.bootstrap_servers) as (server, pubsub):
                result = run(server, pubsub)
            rounds[what].append(result)
            print(f"round {turn + 1}: {' '.join(what)}: {result['messages_per_second']:.0f} messages/s",
                  file=sys.stderr)
        for turn in range(args.rounds):
            for name, kind in {"outward": Outward, "inward": Inward}.items():
                if args.direction in (None, name):
                    for program, make in PROGRAMS.items():
                        one((name, program), lambda server, pubsub, kind=kind, make=make: measure(
                            kind, make, server, kafka, pubsub, args.messages))
            one(("outward", "published at once"), lambda _, pubsub: publish_alone(pubsub, args.messages))
    report(args, rounds)


def report(args, rounds):
    """Medians; each beside the connector's."""
    keys = ("messages_per_second", "cpu_us_per_message", "max_resident_mb")
    rows = [{"direction": direction, "program": program,
             **{key: statistics.median(result[key] for result in results) for key in keys if key in results[0]}}
            for (direction, program), results in rounds.items()]
    if args.json:
        for row in rows:
            print(json.dumps(row))
        return
    print(f"{'direction':<10} {'program':<20} {'messages/s':>11} {'CPU us/message':>15} {'resident MB':>12}")
    for row in rows:
        print(f"{row['direction']:<10} {row['program']:<20} {row['messages_per_second']:>11.0f} "
              f"{row.get('cpu_us_per_message', math.nan):>15.1f} {row.get('max_resident_mb', math.nan):>12.0f}")
    for direction in ("outward", "inward"):
        ours, theirs = ([row for row in rows if (row["direction"], row["program"]) == (direction, program)]
                        for program in list(PROGRAMS)[:2])
        for our, their in zip(ours, theirs):
            print(f"\n{direction}: {our['messages_per_second'] / their['messages_per_second']:.1f} times the rate of "
                  f"the connector, 1/{their['cpu_us_per_message'] / our['cpu_us_per_message']:.1f} of its CPU a "
                  f"message, 1/{their['max_resident_mb'] / our['max_resident_mb']:.0f} of its memory")


if __name__ == "__main__":
    main()
