"""Limits of cross-entropy for several values of the bias feature, by an interior-point solver. Writes limits.json.

min |w|^2 + (b/s)^2 subject to label (w.x + b) >= 1 with Clarabel 0.11.1, on the problems of margin.json; the same for the
hard margin (no penalty on b). The library works in the dual with an active set. Run: python limits.py
Needs clarabel, numpy and scipy.
"""

import json
from pathlib import Path

import clarabel
import numpy as np
from scipy import sparse

HERE = Path(__file__).parent


def quadratic(pos, neg, penalty):
    # Without a penalty a shift of the points changes b only, and it is changed back: far from the origin digits are lost.
    centre = np.vstack([pos, neg]).mean(axis=0) * (penalty == 0)
    rows = np.vstack([np.c_[pos - centre, np.ones(len(pos))], -np.c_[neg - centre, np.ones(len(neg))]])
    d = rows.shape[1]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    p = sparse.csc_matrix(np.diag([2.0] * (d - 1) + [2.0 * penalty]))
    solver = clarabel.DefaultSolver(p, np.zeros(d), sparse.csc_matrix(-rows), -np.ones(len(rows)),
                                    [clarabel.NonnegativeConeT(len(rows))], settings)
    v = np.array(solver.solve().x)
    return v[:-1], float(v[-1] - v[:-1] @ centre)


def margin(w, b, pos, neg):
    return min((pos @ w + b).min(), -(neg @ w + b).max()) / np.linalg.norm(w)


out = []
for case in json.loads((HERE / "margin.json").read_text())["cases"]:
    pos, neg = np.array(case["pos"]), np.array(case["neg"])
    entry = {"name": case["name"], "limits": []}
    for scale in (0.1, 1.0, 3.0, 30.0):
        w, b = quadratic(pos, neg, 1 / scale**2)
        entry["limits"].append({"scale": scale, "w": w.tolist(), "b": b, "margin": margin(w, b, pos, neg)})
    w, b = quadratic(pos, neg, 0.0)
    entry["hard"] = {"w": w.tolist(), "b": b, "margin": margin(w, b, pos, neg)}
    out.append(entry)
    print(f"{case['name']:28}", *(f"{l['scale']}: {l['margin']:.9f}" for l in entry["limits"]), f"hard {entry['hard']['margin']:.9f}")
(HERE / "limits.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
