"""Time from a single request on an idle system to its answer, as a read_committed reader sees it.

    latency.py [--requests 300] [--model FILE] [--json]

One broker on the same machine. A request is sent, its answer awaited, then a pause of 20 to 120 ms. Before that, the CPU
that `weft run` takes while nothing comes is measured. Client and reader are an independent one (confluent-kafka).
"""
import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster import Cluster
from confluent_kafka import Consumer, TopicPartition
from process import cpu_seconds
from support.kafka import Kafka
from support.wait import wait_for
from support.weft import BUILD, SOURCE

WARM_UP = 400  # while the broker still compiles its code, it takes twice as long
IDLE_SECONDS = 10


def sample_request(cluster, options):
    """The bytes of a request, as weft itself sends them."""
    kafka = Kafka(cluster.bootstrap_servers)
    kafka.create_topic("sample")
    subprocess.run([BUILD / "cli/weft", "send", "sample", "--data", SOURCE / "data/sample", "--count", "1", "-q",
                    *options], check=True)
    return kafka.read_at_least("sample", 1)[0].value()


def round_trips(cluster, count, request):
    kafka = Kafka(cluster.bootstrap_servers)
    producer = kafka.producer(**{"linger.ms": 0, "acks": "all"})
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": "reader",
                         "isolation.level": "read_committed", "fetch.wait.max.ms": 500})
    consumer.assign([TopicPartition("res_predict", p, 0) for p in range(4)])
    generator, times = random.Random(1), []
    for i in range(count + WARM_UP):
        time.sleep(generator.uniform(0.02, 0.12))
        began = time.perf_counter()
        producer.produce("req_predict", value=request, partition=i % 4)
        producer.flush()
        message = None
        while message is None or message.error():
            message = consumer.poll(10)
        if i >= WARM_UP:
            times.append((time.perf_counter() - began) * 1e3)
    consumer.close()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--model", default=str(SOURCE / "tests/data/models/trivial.onnx"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as folder:
        with Cluster(folder, bench=True, tied=True) as cluster:
            options = ["-X", f"bootstrap.servers={cluster.bootstrap_servers}",
                       "-X", f"schema.registry.url={cluster.registry_url}"]
            topology = SOURCE / "topology/predict.yaml"
            subprocess.run([BUILD / "cli/weft", "topology", "apply", topology, "-q", *options], check=True,
                           stdout=subprocess.DEVNULL)
            request = sample_request(cluster, options)
            with open(Path(folder) / "run.log", "w+", encoding="utf-8") as log:
                weft = subprocess.Popen([BUILD / "cli/weft", "run", topology, "-X", f"model={args.model}", *options],
                                        stderr=log)
                try:
                    wait_for(lambda: Path(log.name).read_text().count("worker.assigned") >= 2, "both workers' partitions")
                    time.sleep(2)
                    before = cpu_seconds(weft.pid)
                    time.sleep(IDLE_SECONDS)
                    idle = (cpu_seconds(weft.pid) - before) / IDLE_SECONDS
                    times = round_trips(cluster, args.requests, request)
                finally:
                    weft.terminate()
                    weft.wait(30)
    times.sort()
    result = {"requests": len(times), "p50_ms": statistics.median(times),
              "p90_ms": times[int(len(times) * 0.90)], "p99_ms": times[int(len(times) * 0.99)], "max_ms": times[-1],
              "idle_cpu_percent": idle * 100}
    if args.json:
        print(json.dumps(result))
    else:
        print(f"{result['requests']} requests, one at a time: p50 {result['p50_ms']:.1f} ms, p90 {result['p90_ms']:.1f} "
              f"ms, p99 {result['p99_ms']:.1f} ms, most {result['max_ms']:.1f} ms")
        print(f"weft run while idle: {result['idle_cpu_percent']:.2f} % of a core")


if __name__ == "__main__":
    sys.exit(main())
