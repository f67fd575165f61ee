"""Hard margin, cross-entropy limit and gradient descent, by other methods than the library's. Writes margin.json.

The quadratic programs are solved in the primal (SciPy SLSQP, then the active constraints exactly by the KKT system);
the library works in the dual (Wolfe's method). Gradient descent is the plain loop. Run: python margin.py
Needs numpy and scipy only.
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

rng = np.random.default_rng(20190124)


def quadratic(pos, neg, penalty):
    """min |w|^2 + penalty b^2 subject to label (w.x + b) >= 1."""
    a = np.vstack([np.c_[pos, np.ones(len(pos))], -np.c_[neg, np.ones(len(neg))]])
    d = a.shape[1]
    h = np.diag([1.0] * (d - 1) + [penalty])
    # A centred, scaled start makes SLSQP converge; a feasible point: a perceptron on the same constraints.
    v = np.zeros(d)
    for _ in range(200_000):
        k = np.argmin(a @ v)
        if a[k] @ v > 1e-9:
            break
        v = v + a[k] / np.linalg.norm(a[k])
    v = v / (a @ v).min()
    s = 1.0 / np.abs(a).max(axis=0)
    r = minimize(lambda u: (u * s) @ h @ (u * s), v / s, jac=lambda u: 2 * s * (h @ (u * s)), method="SLSQP",
                 constraints={"type": "ineq", "fun": lambda u: a @ (u * s) - 1, "jac": lambda u: a * s},
                 options={"ftol": 1e-15, "maxiter": 1000})
    v = r.x * s
    # Polish: the active set, then its KKT system; dropped while a multiplier is negative.
    active = np.flatnonzero(a @ v < 1 + 1e-5)
    while True:
        n = len(active)
        kkt = np.block([[h, -a[active].T], [a[active], np.zeros((n, n))]])
        solution = np.linalg.lstsq(kkt, np.r_[np.zeros(d), np.ones(n)], rcond=None)[0]
        v, mu = solution[:d], solution[d:]
        if (mu >= -1e-9).all():
            break
        active = np.delete(active, np.argmin(mu))
    assert (a @ v).min() > 1 - 1e-7, (a @ v).min()
    return v[:-1], v[-1]


def margin(w, b, pos, neg):
    return float(min((pos @ w + b).min(), (-(neg @ w + b)).min()) / np.linalg.norm(w))


def angle(u, v):
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))))


def descend(pos, neg, objective, steps, record, step=1.0):
    """Plain gradient descent from zero; cross-entropy has the bias as its last weight."""
    if objective == "cross_entropy":
        a = np.vstack([np.c_[pos, np.ones(len(pos))], -np.c_[neg, np.ones(len(neg))]])
    else:
        a = (pos[:, None, :] - neg[None, :, :]).reshape(-1, pos.shape[1])
    v, out = np.zeros(a.shape[1]), []
    for t in range(steps + 1):
        if t in record:
            out.append(v.tolist())
        v = v + step * (a.T @ (1 / (1 + np.exp(a @ v))))
    return out


def case(name, pos, neg):
    pos, neg = np.asarray(pos, float), np.asarray(neg, float)
    w, b = quadratic(pos, neg, 0.0)
    u, c = quadratic(pos, neg, 1.0)
    scaled = quadratic(pos, neg, 1 / 100)
    return {"name": name, "pos": pos.tolist(), "neg": neg.tolist(), "hard": {"w": w.tolist(), "b": b},
            "hard_margin": margin(w, b, pos, neg), "limit": {"w": u.tolist(), "b": c},
            "limit_margin": margin(u, c, pos, neg), "angle_degrees": angle(w, u),
            "limit_scale_10_margin": margin(*scaled, pos, neg)}


def separable(n, d, gap, offset):
    direction = rng.normal(size=d)
    direction /= np.linalg.norm(direction)
    points = rng.normal(size=(2 * n, d)) * rng.uniform(0.3, 3, size=d)
    across = points @ direction
    label = np.where(np.arange(2 * n) < n, 1.0, -1.0)
    points += np.outer(label * (np.abs(across) + gap) - across, direction) + offset * rng.normal(size=d)
    return points[:n], points[n:]


x1 = lambda low, high: np.linspace(low, high, 20)
line = lambda x: np.c_[x, 10 + 20 * x]
cases = [
    case("line", line(x1(3.2, 4.0)), line(x1(1.2, 2.0))),
    case("off-centre plane", [[12, 1], [12.5, 1]], [[10, 1], [9, 1]]),
    case("two points", [[1, 0]], [[-1, -100]]),
    case("one active", [[1, 0]], [[-3, 0.5]]),
] + [case(f"random {n}x{d} offset {o}", *separable(n, d, g, o))
     for n, d, g, o in [(10, 2, 0.5, 0), (30, 2, 0.1, 4), (20, 5, 0.5, 2), (40, 10, 0.2, 1), (15, 30, 0.3, 3)]]

two = (np.array([[1.0, 0.0]]), np.array([[-1.0, -3.0]]))
cloud = separable(6, 3, 0.4, 1.0)
record = [1, 10, 100, 1000, 10000, 100000]
descents = [{"name": name, "pos": p.tolist(), "neg": n.tolist(), "objective": o, "step": s, "steps": record[:k],
             "weights": descend(p, n, o, record[k - 1], record[:k], s)}
            for name, (p, n), o, s, k in [("two points", two, "cross_entropy", 0.1, 6), ("two points", two, "differential", 0.1, 5),
                                          ("cloud", cloud, "cross_entropy", 0.05, 5), ("cloud", cloud, "differential", 0.05, 5)]]
u, c = quadratic(*two, 1.0)
# Of (w, b) together: the limit theorem is about the augmented vector.
angles = [angle(np.array(v), np.r_[u, c]) for v in descents[0]["weights"]]

out = {"cases": cases, "descents": descents, "two_point_angles": dict(zip(map(str, record), angles))}
Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=None, separators=(",", ":")) + "\n")
for c in cases:
    print(f"{c['name']:28} hard {c['hard_margin']:.6f} limit {c['limit_margin']:.6f} angle {c['angle_degrees']:.4f}")
print("angles", angles)
