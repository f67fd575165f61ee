"""Singular values and the ranks read off them, by NumPy (LAPACK gesdd). Writes spectrum.json."""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(3)


def measures(m):
    s = np.linalg.svd(m, compute_uv=False)
    p, e = s[s > 0] / s.sum(), np.cumsum(s**2) / (s**2).sum()
    return {"singular_values": s.tolist(), "effective_rank": float(np.exp(-(p * np.log(p)).sum())),
            "stable_rank": float((s**2).sum() / s[0] ** 2), "participation_ratio": float((s**2).sum() ** 2 / (s**4).sum()), "k90": int((e < 0.9).sum() + 1), "k99": int((e < 0.99).sum() + 1),
            "energy_3": float(e[min(2, len(e) - 1)])}


matrices = {
    "offset 60x16": rng.normal(size=(60, 16)) + 10,
    "relu 40x12": np.maximum(rng.normal(size=(40, 12)) @ rng.normal(size=(12, 12)), 0),
    "wide 7x20": rng.normal(size=(7, 20)),
    "decaying 50x10": rng.normal(size=(50, 10)) * 10.0 ** -np.arange(10),
}
out = [{"name": k, "rows": m.tolist(), "raw": measures(m), "centred": measures(m - m.mean(0))} for k, m in matrices.items()]
Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
for c in out:
    print(c["name"], {k: (c["raw"][k], c["centred"][k]) for k in ["effective_rank", "stable_rank", "k99"]})
