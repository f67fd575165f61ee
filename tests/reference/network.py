"""Scores and gradients of the networks, by PyTorch. Writes network.json; needs torch (made with 2.6.0, CPU, f64).

Parameters and inputs follow `pattern`, a formula that Rust repeats exactly, rounded to f32 and then used in f64.
For every tensor the file holds the gradient's L2 norm, its sum, and its first and last entry.
"""
import json, pathlib
import torch
from torch import nn

def pattern(which, shape, scale):
    n = 1
    for side in shape: n *= side
    k = torch.arange(n, dtype=torch.int64)
    values = ((k * 7919 + which * 104729 + 13) % 2003).double() / 1001.5 - 1.0
    return (values * scale).float().double().reshape(shape)

def mlp():
    slope = 0.01
    return nn.Sequential(nn.Linear(12, 10), nn.LeakyReLU(slope), nn.Linear(10, 7), nn.LeakyReLU(slope)), nn.Linear(7, 1)

def lenet(flat, outputs, channels):
    return nn.Sequential(nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(flat, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()), nn.Linear(84, outputs)

def describe(g):
    g = g.flatten()
    return {"norm": g.norm().item(), "sum": g.sum().item(), "first": g[0].item(), "last": g[-1].item()}

def case(name, modules, shape):
    features, head = modules
    model = nn.ModuleDict({"features": features, "head": head}).double()
    with torch.no_grad():
        for which, (_, p) in enumerate(model.named_parameters()):
            p.copy_(pattern(which, list(p.shape), 1.5 / max(1, p[0].numel()) ** 0.5 if p.dim() > 1 else 0.1))
    x = (pattern(97, shape, 0.5) + 0.5).float().double().requires_grad_(True)
    phi = features(x)
    scores = head(phi)
    labels = torch.arange(shape[0]) % max(2, scores.shape[1])
    if scores.shape[1] == 1:
        scores = scores[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(scores, labels.double())
        pos, neg = scores[labels == 1], scores[labels == 0]
        second = nn.functional.softplus(neg[None, :] - pos[:, None]).mean()
    else:
        loss = nn.functional.cross_entropy(scores, labels)
        second = None
    named = dict(model.named_parameters())
    grads = torch.autograd.grad(loss, [*named.values(), x], retain_graph=True)
    out = {"name": name, "shape": shape, "labels": labels.tolist(), "scores": scores.flatten().tolist(),
           "features": describe(phi), "loss": loss.item(), "input": describe(grads[-1]),
           "parameters": {n: describe(g) for n, g in zip(named, grads)}}
    if second is not None:
        grads = torch.autograd.grad(second, [*named.values(), x])
        out["pair_loss"] = second.item()
        out["pair_input"] = describe(grads[-1])
        out["pair_parameters"] = {n: describe(g) for n, g in zip(named, grads)}
    return out

def pool(rows):
    x = torch.tensor(rows, dtype=torch.float64).reshape(1, 1, len(rows), -1).requires_grad_(True)
    y = nn.functional.max_pool2d(x, 2)
    weights = torch.arange(1, y.numel() + 1, dtype=torch.float64).reshape(y.shape)
    (y * weights).sum().backward()
    return {"x": rows, "value": y.flatten().tolist(), "gradient": x.grad.flatten().tolist()}

if __name__ == "__main__":
    cases = [case("mlp", mlp(), [6, 12]), case("lenet one output", lenet(16, 1, 1), [4, 1, 16, 16]),
             case("lenet three outputs", lenet(16 * 2 * 1, 3, 3), [5, 3, 21, 17])]
    pools = [pool([[1, 3], [3, 2]]), pool([[5, 5], [5, 5]]), pool([[0, 0, 2, 2], [0, 0, 2, 2], [4, 1, -1, -2], [1, 4, -2, -1]]),
             pool([[1, 2, 9], [3, 4, 9], [9, 9, 9]])]
    z = torch.tensor([-2.0, -0.0, 0.0, 3.0], dtype=torch.float64)
    def rectified(f):
        x = z.clone().requires_grad_(True)
        f(x).sum().backward()
        return x.grad.tolist()
    rectifier = {"x": z.tolist(), "relu": rectified(torch.relu), "leaky": rectified(lambda x: nn.functional.leaky_relu(x, 0.01))}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"torch": torch.__version__, "cases": cases, "pools": pools, "rectifier": rectifier}, indent=1) + "\n")
