"""Plain and momentum gradient descent on two points, full batch, f64. Writes descent.json; needs numpy.

Linear model from zero, mean losses as in src/loss. The bias of the pair loss is the paper's rule (8) afterwards.
"""
import json, pathlib
import numpy as np

POS, NEG = np.array([[1.0, 0.0]]), np.array([[-1.0, -3.0]])
sigmoid = lambda x: 1 / (1 + np.exp(-x))

def run(loss, steps, rate, momentum, decay):
    w, b = np.zeros(2), 0.0
    vw, vb = np.zeros(2), 0.0
    x, y = np.vstack([POS, NEG]), np.array([1.0, -1.0])
    losses = []
    for _ in range(steps):
        f = x @ w + b
        if loss == "cross-entropy":
            losses.append(np.mean(np.logaddexp(0, -y * f)))
            g = -y * sigmoid(-y * f) / len(y)
            gw, gb = x.T @ g, g.sum()
        else:
            u = f[0] - f[1]
            losses.append(np.logaddexp(0, -u))
            gw, gb = -sigmoid(-u) * (x[0] - x[1]), 0.0
        gw = gw + decay * w
        gb = gb + decay * b if loss == "cross-entropy" else 0.0
        vw, vb = momentum * vw + gw, momentum * vb + gb
        w, b = w - rate * vw, b - rate * vb
    if loss == "differential":
        b = -((POS @ w).min() + (NEG @ w).max()) / 2
    return {"loss": loss, "steps": steps, "rate": rate, "momentum": momentum, "decay": decay,
            "w": w.tolist(), "b": float(b), "first": float(losses[0]), "last": float(losses[-1])}

runs = [run(loss, steps, 0.5, momentum, decay) for loss in ("cross-entropy", "differential")
        for steps, momentum, decay in ((1, 0.0, 0.0), (100, 0.0, 0.0), (100, 0.9, 0.0), (100, 0.9, 0.01))]
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"pos": POS.tolist(), "neg": NEG.tolist(), "runs": runs}, indent=1) + "\n")
