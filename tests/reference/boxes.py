"""How far interpolation between boxes is from the pair loss. Writes boxes.json; needs mpmath, takes two minutes.

Proved, in rational and interval arithmetic: with M = max |K^(8)| / K over all x, |log K|' <= 1, Lebesgue's constant
Lambda of the eight Chebyshev nodes and boxes of width h, the relative error of the interpolant in both places is at most
    (h / 2)^8 / (8! 2^7) M (e^h + Lambda e^(2 h)) + tail.
sigmoid's derivatives are polynomials in p = sigmoid(x) with integer coefficients, so M is the largest value of a
polynomial on [0, 1]: it is bounded by the Bernstein coefficients on 256 pieces, exactly. For softplus K >= sigmoid is
used. `tail` is the interpolant of what the series leaves out for boxes at least 2 apart: its own value there, and the
same remainder for it.

Sampled, at 50 digits: the largest error of the interpolant itself, over random places in both boxes and at the corners,
where it is largest, for near boxes at every distance and for far ones at the three least; 2,000 places a distance.
"""
import json, pathlib, random
from fractions import Fraction
from math import comb, factorial
from mpmath import mp, mpf, iv, cos, exp, log1p, pi

mp.dps = 50
iv.dps = 30
NODES, TERMS, FAR = 8, 16, 2

# Proved.

def derivative(p):
    """d/dx of a polynomial in sigmoid(x), coefficients rising: p' s (1 - s)."""
    out = [0] * (len(p) + 1)
    for k in range(1, len(p)):
        out[k] += k * p[k]
        out[k + 1] -= k * p[k]
    return out

def by_one_minus(p):
    """p / (1 - s), which is whole."""
    out, carry = [], 0
    for c in p[:-1]:
        carry += c
        out.append(carry)
    assert carry + p[-1] == 0
    return out

def largest(p, pieces=256):
    """An upper bound on |p| over [0, 1]: Bernstein coefficients on each piece."""
    degree, bound = len(p) - 1, Fraction(0)
    for piece in range(pieces):
        low, width = Fraction(piece, pieces), Fraction(1, pieces)
        local = [sum(p[k] * comb(k, i) * low ** (k - i) for k in range(i, degree + 1)) * width ** i for i in range(degree + 1)]
        for j in range(degree + 1):
            value = sum(Fraction(comb(j, i), comb(degree, i)) * local[i] for i in range(j + 1))
            bound = max(bound, abs(value))
    return bound

of_sigmoid = [[0, 1]]
for _ in range(9):
    of_sigmoid.append(derivative(of_sigmoid[-1]))
largest_ratio = {
    "softplus": largest(of_sigmoid[7][1:]),
    "sigmoid": largest(of_sigmoid[8][1:]),
    "curvature": largest(by_one_minus(of_sigmoid[9][1:])),
}
lebesgue = sum(1 / iv.tan((2 * k - 1) * iv.pi / 32) for k in range(1, NODES + 1)) / NODES

# The factor of exp(-k |x|) in the series is this power of k, up to its sign.
power = {"softplus": -1, "sigmoid": 0, "curvature": 1}

def proved(function, h):
    ratio = iv.mpf(largest_ratio[function].numerator) / largest_ratio[function].denominator
    remainder = (iv.mpf(h) / 2) ** 8 / (factorial(8) * 2 ** 7)
    main = remainder * ratio * (iv.exp(h) + lebesgue * iv.exp(2 * h))
    # Terms fall by more than e^-2 (1 + 1/17)^9 < 1/4 from one to the next, their eighth derivatives too.
    first = TERMS + 1
    term = lambda derivative: iv.mpf(first) ** (power[function] + derivative) * iv.exp(-first * FAR) * iv.mpf(4) / 3
    # At |x| >= 2 every K is at least e^-|x| / (1 + e^-2)^2.
    least = iv.exp(-FAR) / (1 + iv.exp(-FAR)) ** 2
    # The tail's ratio to K is largest at the least |x|; its remainder is at most that at the near corner of two boxes,
    # while K may be that of the far one.
    tail = term(0) / least + remainder * (1 + lebesgue) * term(8) / (least * iv.exp(-2 * h))
    return mpf((main + tail).b)

# Sampled.

def kernel(function, x):
    e = exp(-abs(x))
    if function == "softplus":
        return max(x, mpf(0)) + log1p(e)
    if function == "sigmoid":
        return 1 / (1 + e) if x >= 0 else e / (1 + e)
    return e / (1 + e) ** 2

def series(function, x):
    """What stands for the kernel between far boxes."""
    out = {"softplus": max(x, mpf(0)), "sigmoid": mpf(x > 0), "curvature": mpf(0)}[function]
    sign = -1 if function == "sigmoid" and x > 0 else 1
    for k in range(1, TERMS + 1):
        out += sign * (-1) ** (k - 1) * mpf(k) ** power[function] * exp(-k * abs(x))
    return out

nodes = [cos((2 * p + 1) * pi / 16) for p in range(NODES)]
scale = [1 / mp.fprod(nodes[p] - nodes[q] for q in range(NODES) if q != p) for p in range(NODES)]

def lagrange(u):
    if u in nodes:
        return [mpf(u == node) for node in nodes]
    whole = mp.fprod(u - node for node in nodes)
    return [whole * scale[p] / (u - nodes[p]) for p in range(NODES)]

rng = random.Random(1)
draw = lambda: mpf(rng.choice([-1, 1, rng.uniform(-1, 1), rng.uniform(-1, 1)]))
places = [(draw(), draw()) for _ in range(2000)]
weights = [(u, v, lagrange(u), lagrange(v)) for u, v in places]

def sampled(function, h):
    near = int(FAR / h)
    worst = mpf(0)
    for distance in range(-near - 3, near + 4):
        stand_in = kernel if abs(distance) <= near else series
        x = lambda u, v: distance * mpf(h) + (u - v) * mpf(h) / 2
        table = [[stand_in(function, x(nodes[q], nodes[p])) for p in range(NODES)] for q in range(NODES)]
        for u, v, of_u, of_v in weights:
            got = mp.fdot((of_u[q], mp.fdot(zip(table[q], of_v))) for q in range(NODES))
            exact = kernel(function, x(u, v))
            worst = max(worst, abs(got - exact) / exact)
    return worst

out = []
for tol, h in (("Fine", 0.25), ("Mid", 0.5), ("Coarse", 1)):
    for function in ("softplus", "sigmoid", "curvature"):
        row = {"tol": tol, "width": h, "function": function, "proved": float(proved(function, h)), "sampled": float(sampled(function, h))}
        print(row, flush=True)
        out.append(row)
pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(row) for row in out) + "\n]\n")
