"""Records a second that weft verify accounts for, beside a plain consumer of the same topics, and the account alone.

    verify.py [--requests 10000000] [--rounds 1] [--json]

One broker on the same machine, 12 partitions. As many small requests as results are written before the measurement;
both programs read them all. The account alone is fed without Kafka.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import Cluster
from support.kafka import Kafka
from support.weft import BUILD, command_line

PARTITIONS = 12
PROGRAM = BUILD / "bench/verify_bench"


def bench(*arguments):
    return json.loads(subprocess.run([PROGRAM, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout)


def verify(settings):
    begin = time.monotonic()
    process = subprocess.Popen(command_line("verify", ["--json"], settings), stdout=subprocess.PIPE, text=True)
    report = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    if status or not report["passed"]:
        sys.exit(f"verify.py: {report}")
    records = report["requests"] + report["results"]
    seconds = time.monotonic() - begin
    return {"records": records, "records_per_second": records / seconds, "ns_per_record": seconds * 1e9 / records,
            "cpu_us_per_record": (usage.ru_utime + usage.ru_stime) * 1e6 / records,
            "max_resident_mb": usage.ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rounds = {"account alone": [], "weft verify": [], "plain consumer": []}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as folder:
        with Cluster(folder, bench=True, tied=True) as cluster:
            kafka = Kafka(cluster.bootstrap_servers)
            for topic, partitions in (("requests", PARTITIONS), ("results", PARTITIONS), ("requests.dead", 1)):
                kafka.create_topic(topic, partitions)
            settings = {"bootstrap.servers": cluster.bootstrap_servers, "schema.registry.url": cluster.registry_url,
                        "source": "requests", "sink": "results", "group.id": "group"}
            options = [f"{name}={value}" for name, value in settings.items()]
            print(f"writing {args.requests} requests and results ...", file=sys.stderr)
            bench("fill", args.requests, *options)
            for _ in range(args.rounds):
                rounds["account alone"].append(bench("account", args.requests))
                rounds["weft verify"].append(verify(settings))
                rounds["plain consumer"].append(bench("consume", *options))
    report(args, rounds)


def report(args, rounds):
    keys = ("records_per_second", "ns_per_record", "cpu_us_per_record", "max_resident_mb")
    rows = [{"program": program, "records": results[0]["records"],
             **{key: statistics.median(result[key] for result in results) for key in keys}}
            for program, results in rounds.items()]
    if args.json:
        for row in rows:
            print(json.dumps(row))
        return
    print(f"{'program':<15} {'records':>9} {'records/s':>11} {'CPU us/record':>14} {'resident MB':>12}")
    for row in rows:
        print(f"{row['program']:<15} {row['records']:>9} {row['records_per_second']:>11.0f} "
              f"{row['cpu_us_per_record']:>14.3f} {row['max_resident_mb']:>12.0f}")


if __name__ == "__main__":
    main()
