#!/usr/bin/env python3
"""Images a second on one thread: weft beside ONNX Runtime, same files, taking turns.

    model.py [--batch 32] [--rounds 9] [--json] [FILE.onnx...]

Without files, the networks that come with weft. Each round gives both the same time; figures are medians over rounds of each round's
median, with the best round beside them. A ratio above 1 means that weft is faster.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime
from support.weft import BUILD, SOURCE


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def peer_round(session, images, milliseconds):
    """Seconds of a run, median."""
    name, times = session.get_inputs()[0].name, []
    session.run(None, {name: images})
    end = time.perf_counter() + milliseconds / 1e3
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, {name: images})
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(path, batch, rounds, milliseconds):
    session = session_of(path)
    shape = [batch] + session.get_inputs()[0].shape[1:]
    images = np.random.default_rng(1).random(shape, np.float32)
    weft, floats, peer, gemm = [], [], [], []
    for _ in range(rounds):
        out = subprocess.run([BUILD / "bench/model_bench", path, str(batch), str(milliseconds)], check=True, capture_output=True, text=True)
        times = json.loads(out.stdout)
        weft.append(batch / times["bytes"]["median"])
        floats.append(batch / times["floats"]["median"])
        gemm.append(times["gemm_flop"] / times["gemm"]["median"] / 1e9)
        peer.append(batch / peer_round(session, images, milliseconds))
    middle = statistics.median
    return {
        "model": times["model"], "batch": batch, "threads": 1, "rounds": rounds, "multiply_adds": times["multiply_adds"],
        "weft": {"median": middle(weft), "best": max(weft)},
        "weft_floats": {"median": middle(floats), "best": max(floats)},
        "onnxruntime": {"median": middle(peer), "best": max(peer), "version": onnxruntime.__version__},
        "ratio": middle(w / p for w, p in zip(weft, peer)),
        "ratio_best": max(weft) / max(peer),
        "gemm_gflops": middle(gemm),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--milliseconds", type=int, default=300, help="of each measurement in a round")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("models", nargs="*", metavar="FILE.onnx",
                        default=sorted(map(str, (SOURCE / "model/zoo").glob("*.onnx"))))
    options = parser.parse_args()
    for path in options.models:
        found = measure(path, options.batch, options.rounds, options.milliseconds)
        if options.json:
            print(json.dumps(found), flush=True)
            continue
        print(f"{found['model']}, batch {found['batch']}, one thread, median of {found['rounds']} rounds (best)")
        for name, key in (("weft, from bytes", "weft"), ("weft, from floats", "weft_floats"),
                          (f"ONNX Runtime {onnxruntime.__version__}", "onnxruntime")):
            speed = found[key]
            gflops = 2e-9 * found["multiply_adds"] * speed["median"]
            print(f"  {name:22} {speed['median']:12,.0f} images/s ({speed['best']:,.0f})  "
                  f"{1e6 / speed['median']:8.1f} us an image  {gflops:6.1f} GFLOP/s")
        print(f"  ratio {found['ratio']:.2f} (best against best {found['ratio_best']:.2f}); "
              f"OpenBLAS GEMM {found['gemm_gflops']:.0f} GFLOP/s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
