#!/usr/bin/env python3
"""The account of a run of the fault tests, BUILD/faults.jsonl, as a table in Markdown: table.py [FILE]"""
import json
import sys
from pathlib import Path

COLUMNS = ["requests", "results", "dead_letters", "aborts", "longest_gap_s", "slowest_answer_s"]
TITLES = ["requests", "results", "dead letters", "aborts", "longest gap, s", "slowest answer, s"]


def main():
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "build/faults.jsonl")
    if not path.exists():
        sys.exit(f"{path} is not there: no fault test has been run")
    latest = {line["test"]: line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    print("| what was shown | what was done | " + " | ".join(TITLES) + " |")
    print("|---|---|" + "--:|" * len(TITLES))
    for line in latest.values():
        done = ", ".join(f"{times} x {what}" for what, times in line["done"].items())
        figures = ["" if line.get(column) is None else f"{line[column]:,}" for column in COLUMNS]
        print(f"| {line['test']} | {done} | {' | '.join(figures)} |")


main()
