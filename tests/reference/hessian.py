"""Second derivatives of the pair loss, and the weighted loss, for the scores of pairs.json, at 60 digits.

Writes hessian.json; needs mpmath. Everything is divided by the loss and rounded once, so that it survives where the
loss is below the range of f64: gradients, the Hessian's diagonal, its product with (v, u), and that product with every
term in absolute value, which its error is relative to. v_i = ((7 i) mod 11 - 5) / 4, u_j = ((3 j) mod 7 - 3) / 2;
weights p_i = ((5 i) mod 4 + (i = 0)) / 2, some of them 0, and q_j = 1 + j mod 3.
"""
import json, pathlib, struct
from mpmath import mp, mpf, exp, log, log1p

mp.dps = 60
here = pathlib.Path(__file__)
bits = lambda x: struct.pack(">d", float(x)).hex()
number = lambda text: mpf(struct.unpack(">d", bytes.fromhex(text))[0])

def pair(x):
    """softplus, sigmoid and its derivative."""
    e = exp(-abs(x))
    soft = log1p(e) + (x if x > 0 else 0)
    return soft, (1 if x >= 0 else e) / (1 + e), e / (1 + e) ** 2

def case(name, s, t, weighted):
    m, n = len(s), len(t)
    p = [mpf((5 * i) % 4 + (i == 0)) / 2 if weighted else mpf(1) for i in range(m)]
    q = [mpf(1 + j % 3) if weighted else mpf(1) for j in range(n)]
    v = [mpf((7 * i) % 11 - 5) / 4 for i in range(m)]
    u = [mpf((3 * j) % 7 - 3) / 2 for j in range(n)]
    loss, in_s, in_t, of_s, of_t, by_s, by_t, abs_s, abs_t = [mpf(0)] + [[mpf(0)] * k for k in (m, n) * 4]
    for i in range(m):
        for j in range(n):
            value, slope, curvature = [p[i] * q[j] * f for f in pair(t[j] - s[i])]
            loss += value
            in_s[i] -= slope
            in_t[j] += slope
            of_s[i] += curvature
            of_t[j] += curvature
            by_s[i] += curvature * (v[i] - u[j])
            by_t[j] += curvature * (u[j] - v[i])
            abs_s[i] += curvature * (abs(v[i]) + abs(u[j]))
            abs_t[j] += curvature * (abs(v[i]) + abs(u[j]))
    over = lambda values: [bits(x / loss) for x in values]
    return {"name": name, "weighted": weighted, "log": bits(log(loss / sum(p) / sum(q))), "loss": bits(loss / sum(p) / sum(q)),
            "gradient": over(in_s + in_t), "diagonal": over(of_s + of_t), "product": over(by_s + by_t),
            "terms": over(abs_s + abs_t)}

cases = json.loads((here.parent / "pairs.json").read_text())
out = [case(c["name"], [number(x) for x in c["s"]], [number(x) for x in c["t"]], weighted) for c in cases for weighted in (False, True)]
here.with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in out) + "\n]\n")
