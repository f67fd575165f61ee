"""FGSM and PGD in NumPy, float32, as foolbox 3.3.4 defines them. Writes attack.json.

x_0 = x; g = gradient of the loss summed over the batch; step along sign(g) (Linf) or g / max(|g|, 1e-12) per row (L2);
project onto the ball (L2: delta * min(1, eps / max(|delta|, 1e-12))); then clip to [0, 1]. No random start.
The network is a small MLP with one leaky hidden layer; its gradient is written out by hand. Needs numpy only.
"""

import json
from pathlib import Path

import numpy as np

f = np.float32
rng = np.random.default_rng(7)


def network(inputs, hidden, outputs):
    scale = lambda n: f(1 / np.sqrt(n))
    return {"w1": rng.normal(size=(hidden, inputs)).astype(f) * scale(inputs) * 2, "b1": rng.normal(size=hidden).astype(f) * f(0.3),
            "w2": rng.normal(size=(outputs, hidden)).astype(f) * scale(hidden) * 2, "b2": rng.normal(size=outputs).astype(f) * f(0.1)}


def forward(net, x):
    h = x @ net["w1"].T + net["b1"]
    return h, np.where(h > 0, h, f(0.01) * h) @ net["w2"].T + net["b2"]


def slopes(z, y, objective):
    """d loss / d scores, row by row."""
    n, rows = len(y), np.arange(len(y))
    if z.shape[1] == 1:
        side = np.where(y == 1, f(-1), f(1))[:, None]
        # softplus(side * z) has the slope side * sigmoid(side * z).
        return side if objective == "margin" else (side / (1 + np.exp(-side * z))).astype(f)
    if objective == "margin":
        other = z.copy()
        other[rows, y] = -np.inf
        s = np.zeros_like(z)
        s[rows, other.argmax(1)] = 1
        s[rows, y] = -1
        return s
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[rows, y] -= 1
    return p.astype(f)


def wrong(z, y):
    return (z[:, 0] > 0).astype(int) != y if z.shape[1] == 1 else z.argmax(1) != y


def pgd(net, x, y, norm, eps, step, steps, objective):
    at, ever = x.copy(), wrong(forward(net, x)[1], y)
    for _ in range(steps):
        h, z = forward(net, at)
        back = (slopes(z, y, objective) @ net["w2"]) * np.where(h > 0, f(1), f(0.01))
        g = back @ net["w1"]
        if norm == "Linf":
            d = np.clip(at + f(step) * np.sign(g) - x, -f(eps), f(eps))
        else:
            g = g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), f(1e-12))
            d = at + f(step) * g - x
            d = d * np.minimum(f(1), f(eps) / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), f(1e-12)))
        at = np.clip(x + d, f(0), f(1))
        ever |= wrong(forward(net, at)[1], y)
    return at, wrong(forward(net, at)[1], y), ever


nets = {"one output": network(12, 9, 1), "two outputs": network(12, 9, 2), "four outputs": network(12, 9, 4)}
cases = []
for name, net in nets.items():
    x = rng.uniform(size=(16, 12)).astype(f)
    x[rng.uniform(size=x.shape) < 0.2] = 0  # pixels on the edge of the box
    x[rng.uniform(size=x.shape) < 0.1] = 1
    z = forward(net, x)[1]
    y = (z[:, 0] > 0).astype(int) if z.shape[1] == 1 else z.argmax(1)
    y[::7] = (y[::7] + 1) % max(2, z.shape[1])  # some rows are wrong from the start
    net |= {"x": x, "y": y}
    for norm, eps, step, steps in [("Linf", 0.1, 0.1, 1), ("Linf", 0.2, 0.2 / 30, 40), ("Linf", 0.3, 0.3, 6), ("L2", 0.5, 0.5, 1),
                                  ("L2", 0.8, 0.025 * 0.8, 50)]:
        for objective in ["margin", "cross-entropy"]:
            at, last, ever = pgd(net, x, y, norm, eps, step, steps, objective)
            cases.append({"net": name, "norm": norm, "epsilon": eps, "step": step, "steps": steps, "objective": objective,
                          "result": at.tolist(), "last": last.tolist(), "any": ever.tolist()})
            print(f"{name:13} {norm:4} {eps:.3f} {steps:3} {objective:14} last {last.sum():2} any {ever.sum():2} of {len(y)}")


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


out = {"nets": {k: {n: v.tolist() for n, v in net.items()} for k, net in nets.items()}, "cases": cases}
Path(__file__).with_suffix(".json").write_text(json.dumps(plain(out), separators=(",", ":")) + "\n")
