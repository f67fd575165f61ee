"""Other solvers on the problems of tests/benches/hard_margin.rs: libsvm (scikit-learn SVC) and Clarabel, one thread.

Run the benchmark with a folder first; it writes the problems and the library's planes:
  RAYON_NUM_THREADS=1 cargo bench --bench hard_margin -- DIR && OMP_NUM_THREADS=1 python hard_margin.py DIR
Prints milliseconds (best of some runs), the margin relative to the library's, and the angle to the library's normal in
radians. Needs numpy, scipy, scikit-learn, clarabel. Clarabel is given at most 10,000 points, as it needs minutes beyond.
"""

import sys
import time
from pathlib import Path

import clarabel
import numpy as np
from scipy import sparse
from sklearn.svm import SVC

SIZES = {"d=2_n=50": 50, "d=20_n=500": 500, "d=30_n=1000_condition_1e3": 1000, "d=100_n=5000": 5000,
         "d=1000_n=200": 200, "d=10_n=100000": 100_000}


def libsvm(x, y):
    model = SVC(kernel="linear", C=1e10, tol=1e-10, cache_size=1000).fit(x, y)
    return model.coef_[0], model.intercept_[0]


def interior_point(x, y):
    n, d = x.shape
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    p = sparse.diags([1.0] * d + [0.0], format="csc")
    rows = sparse.csc_matrix(-y[:, None] * np.c_[x, np.ones(n)])
    v = np.array(clarabel.DefaultSolver(p, np.zeros(d + 1), rows, -np.ones(n), [clarabel.NonnegativeConeT(n)], settings)
                 .solve().x)
    return v[:d], v[d]


def margin(w, x, y):
    return ((x[y > 0] @ w).min() - (x[y < 0] @ w).max()) / 2 / np.linalg.norm(w)


def angle(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))


print(f"{'problem':28} {'solver':10} {'best ms':>10} {'margin/ours - 1':>16} {'radians to ours':>16}")
for name, n in SIZES.items():
    data = np.fromfile(Path(sys.argv[1]) / f"{name}.f64", dtype="<f8")
    d = int(data[0])
    x, w = data[1:1 + 2 * n * d].reshape(2 * n, d), data[1 + 2 * n * d:-1]
    y = np.r_[np.ones(n), -np.ones(n)]
    ours = margin(w, x, y)
    for solver in (libsvm, interior_point):
        if solver is interior_point and 2 * n > 10_000:
            continue
        times = []
        while len(times) < 20 and (not times or sum(times) + times[-1] < 1.5):
            start = time.perf_counter()
            other, _ = solver(x, y)
            times.append(time.perf_counter() - start)
        print(f"{name:28} {solver.__name__:10.10} {1e3 * min(times):10.2f} {margin(other, x, y) / ours - 1:16.1e} "
              f"{angle(other, w):16.1e}", flush=True)
