"""Exports the digits that live inside the crate, and prints the numbers the tests expect.

    python tests/reference/digits.py > tests/reference/digits.txt      (needs scikit-learn; run from the repository root)

Source: scikit-learn's copy of the UCI test partition "Optical Recognition of Handwritten Digits", in its own order.
src/data/digits.bin: gzip (no time stamp) of 1,797 records of one label byte and 64 pixel bytes (0..16, row by row).
Split: the first 1,197 records train, the last 600 test; no random numbers.
"""

import gzip
import hashlib
import pathlib
import zlib

import numpy as np
import sklearn
from sklearn.datasets import load_digits

TRAIN = 1197

pixels, labels = load_digits(return_X_y=True)
assert pixels.shape == (1797, 64) and np.array_equal(pixels, pixels.round())
assert pixels.min() == 0 and pixels.max() == 16 and set(labels) == set(range(10))
raw = np.column_stack([labels, pixels]).astype(np.uint8).tobytes()
packed = gzip.compress(raw, compresslevel=9, mtime=0)
pathlib.Path("src/data/digits.bin").write_bytes(packed)

print("scikit-learn", sklearn.__version__)
print("records", len(raw) // 65, "bytes", len(raw), "in digits.bin", len(packed))
print("sha256 of the records", hashlib.sha256(raw).hexdigest())
print("sha256 of digits.bin", hashlib.sha256(packed).hexdigest())
print("crc32 of the records", f"{zlib.crc32(raw):#010x}")
print("train counts", np.bincount(labels[:TRAIN]).tolist())
print("test counts", np.bincount(labels[TRAIN:]).tolist())
print("train pixel sum", int(pixels[:TRAIN].sum()), "test pixel sum", int(pixels[TRAIN:].sum()))


def nearest_neighbour(train, test):
    """Test images whose nearest training image (the first of equals) has the same label."""
    squared = ((pixels[test, None] - pixels[None, train]) ** 2).sum(axis=2)
    return int((labels[train][squared.argmin(axis=1)] == labels[test]).sum())


everything = np.arange(len(labels))
print("nearest neighbour right on the test part", nearest_neighbour(everything[:TRAIN], everything[TRAIN:]), "of 600")
shuffled = [np.random.default_rng(seed).permutation(everything) for seed in range(10)]
right = [nearest_neighbour(order[:TRAIN], order[TRAIN:]) for order in shuffled]
print("the same after shuffling, 10 seeds", right, "of 600")
