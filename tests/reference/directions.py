"""Angles of a vector to the first directions of features, where changes point, margins of a head. Writes directions.json.

Right singular vectors by NumPy (LAPACK gesdd); angles by scipy.linalg.subspace_angles (Björck and Golub); rank correlation by
scipy.stats.spearmanr. Everything in float64. Made with numpy 2.4.6, scipy 1.17.1.
"""

import json
from pathlib import Path

import numpy as np
from scipy.linalg import subspace_angles
from scipy.stats import spearmanr

rng = np.random.default_rng(8)


def directions(m):
    _, s, v = np.linalg.svd(m, full_matrices=False)
    return v[s > s[0] * max(m.shape) * np.finfo(float).eps] if s[0] > 0 else v[:0]


def angles(v, w):
    return [90.0] + [float(np.degrees(subspace_angles(v[:k].T, w[:, None])[0])) for k in range(1, len(v) + 1)]


def moved(v, before, after):
    change = after - before
    along, total = ((change @ v.T) ** 2).sum(0), (change**2).sum()
    return {"shares": (along / total).tolist(), "outside": float(1 - along.sum() / total), "length": float(np.sqrt(total / len(change)))}


low = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 10))
cases = {"offset 40x8": rng.normal(size=(40, 8)) * 2.0 ** -np.arange(8) + 3, "wide 5x12": rng.normal(size=(5, 12)), "rank 3, 30x10": low}
out = {"features": [], "heads": []}
for name, m in cases.items():
    w, after = rng.normal(size=m.shape[1]), m + rng.normal(size=m.shape)
    raw, centred = directions(m), directions(m - m.mean(0)) if "rank" not in name else directions(m - m.mean(0))[:3]
    out["features"].append({"name": name, "rows": m.tolist(), "w": w.tolist(), "after": after.tolist(),
                            "raw": {"angles": angles(raw, w), "moved": moved(raw, m, after)},
                            "centred": {"angles": angles(centred, w), "moved": moved(centred, m, after)}})
for classes in [1, 3]:
    x, w, b = rng.normal(size=(12, 5)), rng.normal(size=(classes, 5)), rng.normal(size=classes)
    z = x @ w.T + b
    y = rng.integers(0, max(classes, 2), size=12)
    if classes == 1:
        margin = np.where(y == 1, 1, -1) * z[:, 0] / np.linalg.norm(w[0])
    else:
        margin = np.array([min((z[i, y[i]] - z[i, k]) / np.linalg.norm(w[y[i]] - w[k]) for k in range(classes) if k != y[i]) for i in range(12)])
    out["heads"].append({"features": x.tolist(), "weight": w.tolist(), "bias": b.tolist(), "labels": y.tolist(), "margins": margin.tolist()})
a, b = np.round(rng.uniform(0.1, 1, size=25), 1), np.round(rng.uniform(0.1, 1, size=25), 1)  # rounded: with ties
out["ranks"] = {"feature": a.tolist(), "input": b.tolist(), "correlation": float(spearmanr(a, b).statistic)}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
for c in out["features"]:
    print(c["name"], [round(a, 3) for a in c["centred"]["angles"]])
