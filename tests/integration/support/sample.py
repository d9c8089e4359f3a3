"""The images and labels of data/sample."""
import gzip

from support.weft import SOURCE

SAMPLE = SOURCE / "data" / "sample"
SIDE = 28


def sample_images(count):
    pixels = gzip.decompress((SAMPLE / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    return [pixels[i * SIDE * SIDE:(i + 1) * SIDE * SIDE] for i in range(count)]


def sample_labels(count):
    return list(gzip.decompress((SAMPLE / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:8 + count])
