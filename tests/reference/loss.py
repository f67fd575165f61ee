"""Values and gradients of both losses at 60 digits. Writes loss.json; needs mpmath.

Cross-entropy with one score: margin m = the score times its label's sign. With C scores: rows and labels.
Pair loss: scores of positives and negatives, mean over pairs. Numbers are decimal text, 17 significant digits.
"""
import json, pathlib
from mpmath import mp, mpf, exp, log1p, log

mp.dps = 400  # exp(-700) next to 1 needs 304 digits

text = lambda x: mp.nstr(x, 17, min_fixed=0, max_fixed=0)
softplus = lambda x: log1p(exp(x)) if x < 0 else x + log1p(exp(-x))
sigmoid = lambda x: 1 / (1 + exp(-x))

logistic = []
for m in [0, 0.5, -0.5, 16, 17, 40, -40, 104, 700, -700, 1e4, -1e4]:
    x = mpf(m)
    logistic.append({"margin": text(x), "loss": text(softplus(-x)), "slope": text(-sigmoid(-x))})

softmax = []
for row, label in [([1, 2, 3], 2), ([1, 2, 3], 0), ([40, 0, 0], 0), ([40, 0, -700], 1), ([700, 0, 0], 0),
                   ([-1e4, 1e4, 0], 0), ([5, 5, 5], 1), ([0, 40], 1), ([700, -700], 1)]:
    z = [mpf(v) for v in row]
    # log-sum-exp minus the label's score, as log(1 + sum over the others)
    u = [v - z[label] for v in z]
    total = sum(exp(v) for c, v in enumerate(u) if c != label)
    p = [exp(v) / (1 + total) for v in u]
    gradient = [p[c] - (1 if c == label else 0) for c in range(len(z))]
    softmax.append({"row": [text(v) for v in z], "label": label, "loss": text(log1p(total)),
                    "gradient": [text(g) for g in gradient]})

def pair(s, t):
    s, t = [mpf(v) for v in s], [mpf(v) for v in t]
    n = len(s) * len(t)
    return {"s": [text(v) for v in s], "t": [text(v) for v in t],
            "loss": text(sum(softplus(b - a) for a in s for b in t) / n),
            "in_s": [text(-sum(sigmoid(b - a) for b in t) / n) for a in s],
            "in_t": [text(sum(sigmoid(b - a) for a in s) / n) for b in t]}

spread = lambda k, n, scale: [((i * k) % 31 - 15) * scale for i in range(n)]
pairs = [pair([2], [0]), pair([0], [0]), pair([0.5, -1.25, 3], [1, 0.25]), pair([40], [0, -1]), pair([0], [40]),
         pair([700, 350.5], [0, -1]), pair([0, 0.5], [700, 350.5]), pair([1e4], [0]), pair([0, -3], [1e4, 7]),
         pair([1e6 + 1, 1e6 + 2], [1e6, 1e6 - 0.5]), pair([1, 1, 1], [1, 1]),
         pair(spread(7, 17, 0.25), spread(11, 13, 0.25)), pair(spread(5, 19, 50), spread(3, 23, 50))]

out = {"logistic": logistic, "softmax": softmax, "pairs": pairs}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")
