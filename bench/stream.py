"""Requests a second through the whole loop, exactly once, beside the same loop without transactions.

    stream.py [--requests 1000000] [--rounds 3] [--workers 2] [--batch 5000] [--model FILE] [--endpoint] [--json]

One broker on the same machine, 8 partitions, requests of a 28x28 image each, written before the measurement. The
variants take turns; the figures are medians over the rounds, from the first commit to the last. CPU is that of the
processor alone, the broker's not counted. --endpoint adds a variant with the status endpoint, asked once a second.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

from cluster import Cluster, free_port
from support.kafka import Kafka
from support.weft import BUILD, SOURCE

PARTITIONS = 8
OBSERVED = "exactly_once, observed"


def images():
    for folder in (SOURCE / "data/fashion-mnist", SOURCE.parent / "shared/data/fashion-mnist", SOURCE / "data/sample"):
        if folder.is_dir():
            return folder
    sys.exit("stream.py: no images found")


def connection(cluster):
    return {"bootstrap.servers": cluster.bootstrap_servers, "schema.registry.url": cluster.registry_url}


def fill(cluster, topic, requests):
    options = [word for name, value in connection(cluster).items() for word in ("-X", f"{name}={value}")]
    subprocess.run([BUILD / "cli/weft", "send", topic, "--data", images(), "--count", str(requests), "-q", *options],
                   check=True)


def scrape(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            reply.read()
    except OSError:  # it has not begun yet, or has ended
        pass


def measure(cluster, kafka, args, mode, workers):
    name = f"{mode}-{workers}-{uuid.uuid4().hex[:8]}"
    sink, dead_letters = (kafka.create_topic(f"{name}-{kind}", PARTITIONS) for kind in ("results", "dead"))
    settings = {**connection(cluster), "source": "requests", "sink": sink, "dead.letters": dead_letters,
                "group.id": name, "instance": "bench", "workers": workers, "batch.max": args.batch,
                "model": args.model}
    if mode == OBSERVED:
        mode, settings["status.listen"] = "exactly_once", free_port()
    command = [BUILD / "bench/stream_bench", str(args.requests), mode, *(f"{key}={value}" for key, value in settings.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        while "status.listen" in settings and bench.poll() is None:
            scrape(settings["status.listen"])
            time.sleep(1)
        out = bench.stdout.read()
    if bench.returncode:
        sys.exit(f"stream.py: stream_bench ended with {bench.returncode}")
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=5000)
    parser.add_argument("--model", default=str(SOURCE / "tests/data/models/trivial.onnx"))
    parser.add_argument("--endpoint", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    variants = [("exactly_once", args.workers), ("at_least_once", args.workers)]
    if args.workers > 1:
        variants.append(("exactly_once", 1))
    if args.endpoint:
        variants.append((OBSERVED, args.workers))
    rounds = {variant: [] for variant in variants}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as folder:
        with Cluster(folder, bench=True, tied=True) as cluster:
            kafka = Kafka(cluster.bootstrap_servers)
            kafka.create_topic("requests", PARTITIONS)
            print(f"writing {args.requests} requests ...", file=sys.stderr)
            fill(cluster, "requests", args.requests)
            for turn in range(args.rounds):
                for variant in variants:
                    result = measure(cluster, kafka, args, *variant)
                    rounds[variant].append(result)
                    print(f"round {turn + 1}: {variant[0]} with {variant[1]} workers: "
                          f"{result['requests_per_second']:.0f} requests/s", file=sys.stderr)
    report(args, rounds)


def report(args, rounds):
    def median(variant, key):
        return statistics.median(result[key] for result in rounds[variant])
    rows = [{"guarantee": variant[0], "workers": variant[1],
             **{key: median(variant, key) for key in ("requests_per_second", "cpu_us_per_request", "max_resident_mb")},
             "least_per_second": min(r["requests_per_second"] for r in results),
             "most_per_second": max(r["requests_per_second"] for r in results)}
            for variant, results in rounds.items()]
    if args.json:
        for row in rows:
            print(json.dumps(row))
        return
    print(f"{'guarantee':<22} {'workers':>7} {'requests/s':>11} {'least':>9} {'most':>9} {'CPU us/request':>15} "
          f"{'resident MB':>12}")
    for row in rows:
        print(f"{row['guarantee']:<22} {row['workers']:>7} {row['requests_per_second']:>11.0f} "
              f"{row['least_per_second']:>9.0f} {row['most_per_second']:>9.0f} {row['cpu_us_per_request']:>15.2f} "
              f"{row['max_resident_mb']:>12.0f}")
    exactly, plain = rows[0], rows[1]
    print(f"\nexactly once keeps {exactly['requests_per_second'] / plain['requests_per_second']:.0%} of the rate without "
          f"transactions, at {exactly['cpu_us_per_request'] / plain['cpu_us_per_request']:.2f} times the CPU")


if __name__ == "__main__":
    main()
