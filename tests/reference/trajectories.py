"""Normalised and accelerated gradient descent of both losses, as plain loops in mpmath. Writes trajectories.json.

Sums over points or pairs, from zero. Normalised: step along g/|g|. Momentum: algorithm 1 of Ji, Srebro and Telgarsky
(arXiv:2107.00595) with beta_t = t/(t + 1): h = g/l'(psi), with l'(psi) = 1 - exp(-L) for l = log(1 + e^x);
m <- beta (m + h); v <- v - step (m + h). 50 digits, so that large values do not underflow. Run: python trajectories.py
"""

import json
from pathlib import Path

from mpmath import exp, expm1, log, log1p, mp, mpf, sqrt

mp.dps = 50
RECORD = [0, 1, 2, 5, 20, 60]


def rows(pos, neg, objective):
    if objective == "cross_entropy":
        return [[*x, mpf(1)] for x in pos] + [[-v for v in z] + [mpf(-1)] for z in neg]
    return [[a - b for a, b in zip(x, z)] for x in pos for z in neg]


def descend(pos, neg, objective, rule, step):
    a = rows(pos, neg, objective)
    v, m, out = [mpf(0)] * len(a[0]), [mpf(0)] * len(a[0]), []
    for t in range(RECORD[-1] + 1):
        values = [sum(p * q for p, q in zip(row, v)) for row in a]
        loss = sum(log1p(exp(-x)) for x in values)
        g = [-sum(row[k] / (1 + exp(x)) for row, x in zip(a, values)) for k in range(len(v))]
        if t in RECORD:
            out.append({"step": t, "v": [float(x) for x in v], "log_loss": float(log(loss))})
        if rule == "normalised":
            size = sqrt(sum(x * x for x in g))
            v = [x - step * y / size for x, y in zip(v, g)]
        else:
            h = [x / -expm1(-loss) for x in g]
            beta = mpf(t) / (t + 1)
            m = [beta * (x + y) for x, y in zip(m, h)]
            v = [x - step * (y + z) for x, y, z in zip(v, m, h)]
    return out


near = ([[2, 1], [3, -1], [1.5, 0.25]], [[-1, 0.5], [-2, -2], [0, 1]])
far = ([[40, 3], [55, -8]], [[-35, 1], [-60, 20], [-33, -4]])
runs = []
for name, (pos, neg), step in [("near", near, 0.05), ("far", far, 0.5)]:
    for objective in ("cross_entropy", "differential"):
        for rule in ("normalised", "momentum"):
            exact = [[mpf(x) for x in row] for row in pos], [[mpf(x) for x in row] for row in neg]
            runs.append({"name": name, "pos": pos, "neg": neg, "objective": objective, "rule": rule, "step": step,
                         "path": descend(*exact, objective, rule, mpf(step))})
Path(__file__).with_suffix(".json").write_text(json.dumps(runs, indent=1) + "\n")
