"""Exact distances to another class in L2 inside the box [0, 1]. Writes attack_minimal.safetensors.

linear64: one score w.x + b of 64 inputs; the dual variable by bisection (scipy.optimize.brentq). Half of the pixels lie on
0 or 1, where the box binds. classes4: four scores of 20 inputs; the smallest over the three other classes, each by SLSQP.
relu8: one score of 6 inputs through 8 rectified units; all 256 patterns of active units, in each the nearest point with score
0 by SLSQP, infeasible ones refused by a linear program. Everything in float64 with the float32 weights that are written.
Needs numpy, scipy, torch and safetensors (made with 2.4.6, 1.17.1, 2.15.0, 0.8.0).
"""
import itertools, pathlib
import numpy as np
import torch
from safetensors.torch import save_file
from scipy.optimize import brentq, linprog, minimize

rng = np.random.default_rng(11)
out = {}


def put(name, value):
    out[name] = torch.tensor(np.asarray(value, np.float32))
    return np.asarray(value, np.float32).astype(np.float64)


def inputs(rows, width, edge):
    x = rng.uniform(size=(rows, width))
    x[rng.uniform(size=x.shape) < edge / 2] = 0
    x[rng.uniform(size=x.shape) < edge / 2] = 1
    return x


def linear_in_box(x, w, v):
    """Distance from x, where the score is v, to the plane of score 0: z = clip(x - t v/|v| w) and the smallest t."""
    move = lambda t: np.clip(x - t * np.sign(v) * w, 0, 1)
    gain = lambda t: v + w @ (move(t) - x)
    t = brentq(lambda t: gain(t) * np.sign(v), 0, 1e4, xtol=1e-15, rtol=1e-15)
    return np.linalg.norm(move(t) - x)


def nearest(x, equal, below, starts):
    """min |z - x| with equal[0].z + equal[1] = 0 and below[0] z + below[1] <= 0 in the box, or None."""
    a, c = equal
    feasible = linprog(np.zeros(len(x)), A_ub=below[0], b_ub=-below[1], A_eq=a[None], b_eq=[-c], bounds=[(0, 1)] * len(x))
    if feasible.status != 0: return None
    constraints = [{"type": "eq", "fun": lambda z: a @ z + c, "jac": lambda z: a}]
    if len(below[0]):
        constraints.append({"type": "ineq", "fun": lambda z: -(below[0] @ z + below[1]), "jac": lambda z: -below[0]})
    best = None
    for start in [feasible.x, *starts]:
        found = minimize(lambda z: 0.5 * (z - x) @ (z - x), start, jac=lambda z: z - x, bounds=[(0, 1)] * len(x), constraints=constraints,
                         method="SLSQP", options={"maxiter": 500, "ftol": 1e-15})
        z = np.clip(found.x, 0, 1)
        ok = abs(a @ z + c) < 1e-9 and (len(below[0]) == 0 or (below[0] @ z + below[1]).max() < 1e-9)
        if ok and (best is None or np.linalg.norm(z - x) < best): best = np.linalg.norm(z - x)
    return best


# linear64
w, b = put("linear64.head.weight", rng.normal(size=(1, 64)))[0], put("linear64.head.bias", [0.3])[0]
x = put("linear64.x", inputs(16, 64, 0.5))
score = x @ w + b
out["linear64.y"] = torch.tensor((score > 0).astype(np.int32))
out["linear64.exact"] = torch.tensor([linear_in_box(row, w, v) for row, v in zip(x, score)])
out["linear64.free"] = torch.tensor(np.abs(score) / np.linalg.norm(w))

# classes4
w, b = put("classes4.weight", rng.normal(size=(4, 20))), put("classes4.bias", 0.3 * rng.normal(size=4))
x = put("classes4.x", inputs(16, 20, 0.3))
y = (x @ w.T + b).argmax(1)
out["classes4.y"] = torch.tensor(y.astype(np.int32))
none = (np.zeros((0, 20)), np.zeros(0))
exact = []
for row, own in zip(x, y):
    planes = [(w[k] - w[own], b[k] - b[own]) for k in range(4) if k != own]
    exact.append(min(d for d in (nearest(row, plane, none, [row]) for plane in planes) if d is not None))
out["classes4.exact"] = torch.tensor(exact)

# relu8
w1, b1 = put("relu8.features.0.weight", rng.normal(size=(8, 6))), put("relu8.features.0.bias", -0.5 * rng.normal(size=8))
w2, b2 = put("relu8.head.weight", rng.normal(size=(1, 8)))[0], put("relu8.head.bias", [0.1])[0]
x = put("relu8.x", inputs(16, 6, 0.3))
score = np.maximum(x @ w1.T + b1, 0) @ w2 + b2
out["relu8.y"] = torch.tensor((score > 0).astype(np.int32))
exact = []
for row in x:
    best = np.inf
    for pattern in itertools.product([0.0, 1.0], repeat=8):
        on = np.array(pattern)
        sign = np.where(on > 0, -1.0, 1.0)  # active: w.z + b >= 0
        d = nearest(row, ((w2 * on) @ w1, (w2 * on) @ b1 + b2), (sign[:, None] * w1, sign * b1), [row])
        if d is not None: best = min(best, d)
    exact.append(best)
assert np.isfinite(exact).all(), exact
out["relu8.exact"] = torch.tensor(exact)
for name in ["linear64", "classes4", "relu8"]:
    e = out[f"{name}.exact"].numpy()
    print(f"{name:9} rows {len(e)} exact min {e.min():.4f} median {np.median(e):.4f} max {e.max():.4f}")
save_file({k: v.contiguous() for k, v in out.items()}, pathlib.Path(__file__).with_suffix(".safetensors"))
