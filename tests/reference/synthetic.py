"""Margins of the synthetic sets, by solving the two quadratic programs, beside the closed forms of the documentation.

    python tests/reference/synthetic.py > tests/reference/synthetic.txt      (needs NumPy and SciPy)

hard margin: min |w|^2; cross-entropy limit: min |w|^2 + b^2; both with label * (<w, x> + b) >= 1. The margin is
min label * (<w, x> + b) / |w|.
"""

import numpy as np
from scipy.optimize import minimize


def margin(pos, neg, bias_cost):
    points = np.vstack([pos, neg])
    labels = np.r_[np.ones(len(pos)), -np.ones(len(neg))]
    # Centred and scaled for the solver only; the bias of the given points is b = beta - <w, centre>.
    centre, scale = points.mean(axis=0), np.abs(points - points.mean(axis=0)).max()
    inside = (points - centre) / scale
    rows = labels[:, None] * np.column_stack([inside, np.ones(len(points))])

    def cost(v):
        b = v[-1] - v[:-1] @ centre / scale
        return v[:-1] @ v[:-1] / scale**2 + bias_cost * b * b

    start = np.r_[pos.mean(axis=0) - neg.mean(axis=0), 0.0]
    best = minimize(
        cost, start, method="SLSQP", options={"maxiter": 5000, "ftol": 1e-15},
        constraints={"type": "ineq", "fun": lambda v: rows @ v - 1, "jac": lambda v: rows},
    )
    w, beta = best.x[:-1] / scale, best.x[-1]
    return (labels * ((points - centre) @ w + beta)).min() / np.linalg.norm(w)


def on_a_line(g, h, d2):
    return g / np.sqrt(1 + h * h * d2 / (1 + d2) ** 2)


def report(name, pos, neg, hard, limit):
    print(f"{name:34} hard {margin(pos, neg, 0):.6f} closed {hard:.6f}  limit {margin(pos, neg, 1):.6f} closed {limit:.6f}")


report("two points", np.array([[1.0, 0]]), np.array([[-1.0, -3]]), np.sqrt(13) / 2, 22 / np.sqrt(205))

along = lambda start: start + 0.8 * np.arange(20) / 19
points = lambda start: np.column_stack([along(start), 10 + 20 * along(start)])
place = lambda x1: (401 * x1 + 200) / np.sqrt(401)  # from the foot of the origin, along the line
g, h = (place(3.2) - place(2)) / 2, (place(3.2) + place(2)) / 2
report("line, 20 per class", points(3.2), points(1.2), g, on_a_line(g, h, 100 / 401))

rng = np.random.default_rng(0)
for k in (1, 8, 64):
    pos, neg = ([[11 + side * (1 + abs(t))] + [1.0] * k for t in np.r_[0, rng.normal(size=19)]] for side in (1, -1))
    report(f"subspace, K = {k}, offset 11", np.array(pos), np.array(neg), 1, on_a_line(1, 11, k))

# The script of arXiv:1911.01043 draws the points of the line uniformly, after np.random.seed(1), negatives first.
draw = np.random.RandomState(1)
low, high = 2 - 0.8 * draw.rand(20), 4 - 0.8 * draw.rand(20)
g, h = (place(high.min()) - place(low.max())) / 2, (place(high.min()) + place(low.max())) / 2
pos, neg = (np.column_stack([x1, 10 + 20 * x1]) for x1 in (high, low))
report("line, the script's draw (seed 1)", pos, neg, g, on_a_line(g, h, 100 / 401))
