"""The pair loss on cases made to break fast engines, at 60 digits. Writes pairs.json; needs mpmath.

Every number is the 16 hexadecimal digits of a float's bits, inputs exactly, results rounded once: log of the loss, the
loss, both gradients, and both gradients over the loss, which survive where the loss is below the range of f64.
"""
import json, math, pathlib, random, struct
from mpmath import mp, mpf, exp, log, log1p

mp.dps = 60
bits = lambda x: struct.pack(">d", float(x)).hex()
softplus = lambda x: log1p(exp(x)) if x < 0 else x + log1p(exp(-x))
sigmoid = lambda x: 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))

def case(name, s, t):
    hex_s, hex_t = [bits(v) for v in s], [bits(v) for v in t]
    s, t = [mpf(float(v)) for v in s], [mpf(float(v)) for v in t]
    pairs = len(s) * len(t)
    loss = sum(softplus(b - a) for a in s for b in t) / pairs
    in_s = [-sum(sigmoid(b - a) for b in t) / pairs for a in s]
    in_t = [sum(sigmoid(b - a) for a in s) / pairs for b in t]
    return {"name": name, "s": hex_s, "t": hex_t, "log": bits(log(loss)), "loss": bits(loss),
            "in_s": [bits(g) for g in in_s], "in_t": [bits(g) for g in in_t],
            "log_in_s": [bits(g / loss) for g in in_s], "log_in_t": [bits(g / loss) for g in in_t]}

rng = random.Random(1)
gauss = lambda n, centre, sigma: [rng.gauss(centre, sigma) for _ in range(n)]
uniform = lambda n, low, high: [rng.uniform(low, high) for _ in range(n)]
edges = [f(k / 4) for k in range(-6, 7) for f in (lambda x: x, lambda x: math.nextafter(x, 9), lambda x: math.nextafter(x, -9))]
apart = lambda margin: (uniform(21, margin, margin + 3), uniform(18, -3, 0) + [0.0])
cases = [
    case("gauss", gauss(41, 1, 2), gauss(37, 0, 2)),
    case("all ties", [0.7] * 17, [0.7] * 9),
    case("one pair", [0.3], [1.1]),
    case("one negative", gauss(41, 1, 2), [0.4]),
    case("one positive", [0.4], gauss(41, 1, 2)),
    case("uniform 1e4", uniform(23, -1e4, 1e4), uniform(29, -1e4, 1e4)),
    case("outliers", gauss(20, 1, 2) + [-1e4, 1e4], gauss(20, 0, 2) + [1e4, -1e4]),
    case("box edges", edges, edges[::2]),
    case("seam 4", [4.0, 4 + 1e-9, 4 - 1e-9, 5], [0.0, 1e-9, -1e-9]),
    case("seam 4.25", [4.25, 4.25 + 1e-9, 4.25 - 1e-9, 5], [0.0, 1e-9, -1e-9]),
    case("wrong by 40", uniform(15, -43, -40), uniform(11, 0, 3)),
    case("wrong by 1e4", uniform(15, -10003, -10000), uniform(11, 0, 3)),
    case("spread 60", uniform(31, -30, 30), uniform(33, -30, 30)),
    case("spread 120", uniform(31, -60, 60), uniform(33, -60, 60)),
    case("spread 300", uniform(31, -150, 150), uniform(33, -150, 150)),
    case("tails", [math.tan(v) for v in uniform(30, -1.55, 1.55)], [math.tan(v) for v in uniform(30, -1.55, 1.55)]),
    case("shift 1e6", [1e6 + v for v in gauss(25, 1, 2)], [1e6 + v for v in gauss(25, 0, 2)]),
    case("denormal", [5e-324 * k for k in range(9)], [-5e-324 * k for k in range(7)]),
    case("one violator", uniform(20, 60, 63) + [-1.5], uniform(20, -3, 0)),
    case("clusters", [c + 1e-7 * k for c in (-9, 0, 4) for k in range(7)], [c - 1e-7 * k for c in (-8, 1, 5) for k in range(7)]),
] + [case(f"margin {m}", *apart(m)) for m in (3, 7.999, 8, 8.001, 50, 300, 700, 2000)]
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, indent=0) + "\n")
