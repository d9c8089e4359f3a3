"""Nanoseconds to decode a request and to encode a result: weft's decode plan beside libavro.

    schemas.py [--json] [MESSAGES]
"""
import os
import sys

from support.weft import BUILD

PROGRAM = BUILD / "bench/schemas_bench"

if __name__ == "__main__":
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])
