"""NumPy's side of `cargo bench --bench spectrum`. For each line read: `make` writes features.f64 into the folder and answers
with the values by LAPACK's gesvd; `gram` and `svd` answer with seconds and the largest relative error."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.linalg

rng = np.random.default_rng(0)
q, _ = np.linalg.qr(rng.normal(size=(10_000, 256)))
p, _ = np.linalg.qr(rng.normal(size=(256, 256)))
a = np.ascontiguousarray((q * np.geomspace(1.0, 1.0 / 55.0, 256)) @ p.T)
exact = scipy.linalg.svd(a, compute_uv=False, lapack_driver="gesvd")
ways = {
    "gram": lambda: np.sqrt(np.linalg.eigvalsh(a.T @ a)[::-1]),
    "svd": lambda: np.linalg.svd(a, compute_uv=False),
}
for line in sys.stdin:
    if line.strip() == "make":
        a.tofile(Path(sys.argv[1]) / "features.f64")
        print(json.dumps({"exact": exact.tolist()}), flush=True)
        continue
    start = time.perf_counter()
    values = ways[line.strip()]()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "error": float(np.max(np.abs(values / exact - 1)))}), flush=True)
    time.sleep(0.1)   # its threads spin for a while
