"""The benchmark of the pair loss and PyTorch on the same machine, one after the other, one thread each. Prints a table.

    python tests/reference/pair_speed.py            # needs torch and numpy; builds the benchmark with cargo

PyTorch does what everybody writes: the (n, n) matrix of differences, softplus by logaddexp, mean, backward. Its gradient
is checked at n = 64 against the double sum in NumPy, the benchmark checks itself. Times are medians, in microseconds.
"""
import os, pathlib, re, statistics, subprocess, sys, time
import numpy as np
import torch

SIZES = [64, 500, 5_000]
ALONE = [50_000, 1_000_000]
torch.set_num_threads(1)
root = pathlib.Path(__file__).parents[2]

def loss_and_gradients(s, t):
    s, t = s.clone().requires_grad_(), t.clone().requires_grad_()
    d = s[:, None] - t[None, :]
    torch.logaddexp(torch.zeros((), dtype=d.dtype), -d).mean().backward()
    return s.grad, t.grad

def sides(n, dtype):
    rng = np.random.default_rng(n)
    return [torch.tensor(rng.normal(centre, 2, n), dtype=dtype) for centre in (1, 0)]

def check():
    s, t = sides(64, torch.float64)
    in_s, in_t = loss_and_gradients(s, t)
    slope = 1 / (1 + np.exp(s.numpy()[:, None] - t.numpy()[None, :])) / 64 ** 2
    assert np.allclose(in_s.numpy(), -slope.sum(1), rtol=1e-12, atol=0)
    assert np.allclose(in_t.numpy(), slope.sum(0), rtol=1e-12, atol=0)

def microseconds(n, dtype):
    s, t = sides(n, dtype)
    times = []
    while len(times) < 3 or (sum(times) < 1.5 and len(times) < 1001):
        start = time.perf_counter()
        loss_and_gradients(s, t)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]) * 1e6

def ours():
    command = ["cargo", "bench", "--locked", "--no-default-features", "--bench", "differential_loss", "--"]
    run = subprocess.run(command + [str(n) for n in SIZES + ALONE], cwd=root, text=True, stdout=subprocess.PIPE,
                         env={**os.environ, "RAYON_NUM_THREADS": "1"}, check=True)
    rows = re.findall(r"^gradient Fine +(\d+) +([\d.]+)", run.stdout, re.M)
    assert [int(n) for n, _ in rows] == SIZES + ALONE, run.stdout
    return {int(n): float(time) for n, time in rows}

check()
before = os.getloadavg()
of_ours = ours()
print(f"load before {before[0]:.1f}, after {os.getloadavg()[0]:.1f}; torch {torch.__version__}, {sys.platform}")
print(f"{'n = m':>9} {'ours':>12} {'torch f32':>12} {'torch f64':>12} {'f32/ours':>9} {'f64/ours':>9}")
for n in SIZES:
    f32, f64 = microseconds(n, torch.float32), microseconds(n, torch.float64)
    print(f"{n:>9} {of_ours[n]:>12.1f} {f32:>12.1f} {f64:>12.1f} {f32 / of_ours[n]:>9.0f} {f64 / of_ours[n]:>9.0f}", flush=True)
for n in ALONE:
    print(f"{n:>9} {of_ours[n]:>12.1f}   PyTorch would need {12 * n * n / 1e9:,.0f} GB, 12 bytes a pair")
