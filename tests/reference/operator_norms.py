"""Norms of zero-padded 3x3 convolutions (padding 1), by NumPy from the matrix itself. Writes operator_norms.txt.

Weights (filters, channels, 3, 3) follow ((k * 7919 + 13) % 2003) / 1001.5 - 1 in float32. Needs numpy and scipy.
The last comment line is the radius of a unanimous vote of 1000 with noise 1 and tail 0.0005, by scipy.stats.
"""
import pathlib
import numpy as np
from scipy.stats import norm

lines = ["# channels side filters norm"]
for channels, side, filters in [(1, 8, 4), (2, 6, 3), (3, 8, 5), (3, 16, 8)]:
    n = filters * channels * 9
    w = (np.array([(k * 7919 + 13) % 2003 for k in range(n)], np.float32) / np.float32(1001.5) - np.float32(1)).astype(np.float64)
    w = w.reshape(filters, channels, 3, 3)
    matrix = np.zeros((filters * side * side, channels * side * side))
    for f, y, x, c, dy, dx in np.ndindex(filters, side, side, channels, 3, 3):
        r, s = y + dy - 1, x + dx - 1
        if 0 <= r < side and 0 <= s < side:
            matrix[(f * side + y) * side + x, (c * side + r) * side + s] = w[f, c, dy, dx]
    lines.append(f"{channels} {side} {filters} {np.linalg.norm(matrix, 2)!r}".replace("np.float64(", "").replace(")", ""))
lines.append(f"# unanimous {float(norm.ppf(0.0005 ** (1 / 1000)))!r}")
pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
print("\n".join(lines))
