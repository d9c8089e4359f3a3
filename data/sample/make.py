#!/usr/bin/env python3
"""Makes the sample from the full Fashion-MNIST test set: its first images of each class, in their order.

    python3 data/sample/make.py FOLDER [PER_CLASS]

FOLDER holds t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz; the same names are written beside this script.
The same input gives the same bytes.
"""
import gzip
import pathlib
import struct
import sys

IMAGES = "t10k-images-idx3-ubyte.gz"
LABELS = "t10k-labels-idx1-ubyte.gz"


def write(path, data):
    # No name and no time in the header, so that the bytes repeat.
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(data)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    per_class = int(sys.argv[2]) if len(sys.argv) == 3 else 50
    target = pathlib.Path(__file__).resolve().parent

    images = gzip.decompress((source / IMAGES).read_bytes())
    labels = gzip.decompress((source / LABELS).read_bytes())[8:]
    _, count, height, width = struct.unpack_from(">4I", images)
    if count != len(labels):
        sys.exit(f"{source}: {count} images, but {len(labels)} labels")

    chosen, taken = [], {}
    for i, label in enumerate(labels):
        if taken.get(label, 0) < per_class:
            taken[label] = taken.get(label, 0) + 1
            chosen.append(i)
    size = height * width
    pixels = b"".join(images[16 + i * size : 16 + (i + 1) * size] for i in chosen)
    write(target / IMAGES, struct.pack(">4I", 0x803, len(chosen), height, width) + pixels)
    write(target / LABELS, struct.pack(">2I", 0x801, len(chosen)) + bytes(labels[i] for i in chosen))


if __name__ == "__main__":
    main()
