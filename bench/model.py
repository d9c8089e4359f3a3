#!/usr/bin/env python3
"""Images a second, weft beside ONNX Runtime: same files, threads and batches, taking turns.

    model.py [--batches 1,8,32,128] [--threads 1,2] [--rounds 5] [--variant avx2] [--json] [FILE.onnx...]

Without files: ResNet-20, ResNet-32, fast and LeNet with random weights (networks.py). Both are given floats and give
scores. In each round each of the two has the same time for each row; times are microseconds an image, the median over
rounds of the rounds' medians, and the least of all runs. A ratio above 1 means that weft is faster.

With --variant, weft does without wider vectors than that. ONNX Runtime cannot be told to, and uses all it finds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import networks
import numpy as np
import onnxruntime
from support.weft import BUILD


def session_of(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def blas_environment():
    """OpenBLAS takes a processor that it does not know for a very old one; the yardstick should not."""
    flags = pathlib.Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else ""
    core = "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else None
    return {**({"OPENBLAS_CORETYPE": core} if core else {}), **os.environ}


class Row:
    """One network with one batch size and number of threads."""

    def __init__(self, path, batch, threads):
        self.path, self.batch, self.threads = path, batch, threads
        self.session = session_of(path, threads)
        image = self.session.get_inputs()[0]
        self.images = {image.name: np.random.default_rng(1).random([batch] + image.shape[1:], np.float32)}
        self.weft, self.peer, self.gemm = [], [], []

    def run_weft(self, milliseconds, variant):
        command = [BUILD / "bench/model_bench", self.path, self.batch, self.threads, milliseconds]
        out = subprocess.run(list(map(str, command)) + ([variant] if variant else []), check=True, capture_output=True,
                             text=True, env=blas_environment())
        times = json.loads(out.stdout)
        self.name, self.variant = times["model"], times["variant"]
        self.weft.append([times["floats"]["median"], times["floats"]["least"], times["bytes"]["median"]])
        self.gemm.append(times["gemm_flop"] / times["gemm"]["least"] / 1e9)

    def run_peer(self, milliseconds):
        times = []
        self.session.run(None, self.images)
        end = time.perf_counter() + milliseconds / 1e3
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run(None, self.images)
            times.append(time.perf_counter() - start)
        self.peer.append([statistics.median(times), min(times)])

    def result(self):
        def image(seconds):
            return 1e6 * seconds / self.batch
        middle = statistics.median
        weft, peer = [middle(w[0] for w in self.weft), min(w[1] for w in self.weft)], \
            [middle(p[0] for p in self.peer), min(p[1] for p in self.peer)]
        return {
            "model": self.name, "variant": self.variant, "batch": self.batch, "threads": self.threads, "rounds": len(self.weft),
            "weft_us": image(weft[0]), "weft_least_us": image(weft[1]),
            "weft_bytes_us": image(middle(w[2] for w in self.weft)),
            "onnxruntime_us": image(peer[0]), "onnxruntime_least_us": image(peer[1]),
            "ratio": middle(p[0] / w[0] for w, p in zip(self.weft, self.peer)), "ratio_least": peer[1] / weft[1],
            "gemm_gflops": max(self.gemm), "onnxruntime_version": onnxruntime.__version__,
        }


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=numbers, default=[1, 8, 32, 128])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--milliseconds", type=int, default=150, help="of each measurement in a round")
    parser.add_argument("--variant", choices=["avx512", "avx2", "plain"])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("models", nargs="*", metavar="FILE.onnx")
    options = parser.parse_args()
    paths = options.models or list(map(str, networks.write(BUILD / "bench/networks")))
    rows = [Row(path, batch, threads) for path in paths for threads in options.threads for batch in options.batches]
    for _ in range(options.rounds):
        for row in rows:
            row.run_weft(options.milliseconds, options.variant)
            row.run_peer(options.milliseconds)
    results = [row.result() for row in rows]
    if options.json:
        for result in results:
            print(json.dumps(result))
        return 0
    print(f"weft with {results[0]['variant']} kernels, ONNX Runtime {onnxruntime.__version__}, us an image: median of "
          f"{options.rounds} rounds (least of all runs); OpenBLAS GEMM {max(r['gemm_gflops'] for r in results):.0f} GFLOP/s\n")
    print("| network | threads | batch | weft | ONNX Runtime | ratio | of the least |\n|---|---|---|---|---|---|---|")
    for r in results:
        print(f"| {r['model']} | {r['threads']} | {r['batch']} | {r['weft_us']:.1f} ({r['weft_least_us']:.1f}) | "
              f"{r['onnxruntime_us']:.1f} ({r['onnxruntime_least_us']:.1f}) | {r['ratio']:.2f} | {r['ratio_least']:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
