"""How fast networks learn: images a second of training steps, beside OpenBLAS's matrix product on the same threads.

    train.py [--json] [--threads N] [--share IMAGES] [--rounds N] [ARCHITECTURE...]

A ratio of 1 means as many operations a second as the product of two matrices of 512x512 reaches; a step is counted as if
its convolutions were computed directly. Where OpenBLAS does not know the processor, set OPENBLAS_CORETYPE for both sides.
"""
import os
import sys

from support.weft import BUILD

PROGRAM = BUILD / "bench/train_bench"

if __name__ == "__main__":
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])
