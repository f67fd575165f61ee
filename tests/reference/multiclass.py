"""Losses on pairs of labelled scores by PyTorch's autograd in f64, every pair written out. Writes multiclass.json.

For C classes: the mean over ordered pairs of classes c, d, both orders, of the mean over rows x of c and y of d of
f(u_x - u_y), u = z_c - z_d. Needs torch.
"""
import json, pathlib
import torch

torch.manual_seed(1)
losses = {
    # Not torch's softplus: it is linear from 20 on.
    "differential": lambda d: torch.logaddexp(torch.zeros_like(d), -d),
    "squared": lambda d: (1 - d) ** 2,
    "squared hinge": lambda d: torch.clamp(1 - d, min=0) ** 2,
}
COUNT = 7

def binary(name, s, t):
    d = (s[:, None] - t[None, :]).flatten()
    if name == "hardest":
        hardest = torch.sort(d).values[:COUNT]
        return losses["differential"](hardest).mean()
    return losses[name](d).mean()

def multiclass(name, z, y):
    if z.dim() == 1:
        return binary(name, z[y == 1], z[y == 0])
    of_pairs = [binary(name, z[y == c, c] - z[y == c, d], z[y == d, c] - z[y == d, d])
                for c in range(z.shape[1]) for d in range(z.shape[1]) if c != d]
    return torch.stack(of_pairs).mean()

out = []
for rows, classes, scale in [(12, 1, 1), (25, 1, 6), (14, 2, 2), (20, 3, 1), (31, 3, 8), (40, 5, 2), (60, 10, 3), (24, 4, 40)]:
    z = scale * torch.randn(rows, classes, dtype=torch.float64)
    z = z[:, 0] if classes == 1 else z
    y = torch.arange(rows) % max(classes, 2)
    for name in [*losses, "hardest"]:
        leaf = z.clone().requires_grad_()
        value = multiclass(name, leaf, y)
        value.backward()
        out.append({"loss": name, "classes": classes, "scores": z.flatten().tolist(), "labels": y.tolist(),
                    "value": value.item(), "gradient": leaf.grad.flatten().tolist()})
pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
