"""Singular values of the matrices that tests/suite/analysis_svd.rs makes, by mpmath with 40 digits. Writes svd.json.

    entry(i, j) of "hilbert rows, cols" is 1/(i + j + 1); of "cosine rows, cols" cos((i + 1)(j + 2) mod 101) + 3 [j = 0].
"""

import json
from pathlib import Path

from mpmath import cos, matrix, mp, mpf, svd_r

mp.dps = 40


def hilbert(i, j):
    return mpf(1) / (i + j + 1)


def cosine(i, j):
    # Rounded to f64 as the test's entries are.
    return mpf(float(cos(mpf((i + 1) * (j + 2) % 101)))) + (3 if j == 0 else 0)


cases = []
for name, entry, rows, columns in [("hilbert", hilbert, 12, 8), ("cosine", cosine, 60, 24)]:
    a = matrix(rows, columns)
    for i in range(rows):
        for j in range(columns):
            # An entry as f64 holds it.
            a[i, j] = mpf(float(entry(i, j)))
    values = sorted((float(v) for v in svd_r(a, compute_uv=False)), reverse=True)
    cases.append({"name": name, "rows": rows, "columns": columns, "singular_values": values})
    print(name, values[0], values[-1])
Path(__file__).with_suffix(".json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
