"""Scores and gradients of the networks, by PyTorch. Writes network.json and network.safetensors; needs torch and safetensors
(made with 2.15.0, CPU, f64).

Parameters and inputs follow `pattern`, a formula that Rust repeats exactly, rounded to f32 and then used in f64.
For every tensor network.json holds the gradient's L2 norm, its sum, and its first and last entry.
network.safetensors is a small residual network's state as PyTorch saves it, in f32; its scores are in network.json too.
"""
import json, pathlib
import torch
from torch import nn
import networks

def pattern(which, shape, scale):
    n = 1
    for side in shape: n *= side
    k = torch.arange(n, dtype=torch.int64)
    values = ((k * 7919 + which * 104729 + 13) % 2003).double() / 1001.5 - 1.0
    return (values * scale).float().double().reshape(shape)

def describe(g):
    g = g.flatten()
    return {"norm": g.norm().item(), "sum": g.sum().item(), "first": g[0].item(), "last": g[-1].item()}

def fill(model):
    with torch.no_grad():
        for which, (_, p) in enumerate(model.named_parameters()):
            p.copy_(pattern(which, list(p.shape), 1.5 / max(1, p[0].numel()) ** 0.5 if p.dim() > 1 else 0.1))
        which = 50
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.add_(1.0)
                module.running_mean.copy_(pattern(which, list(module.running_mean.shape), 0.2))
                module.running_var.copy_((pattern(which + 1, list(module.running_var.shape), 0.5) + 1.0).float().double())
                which += 2

def case(name, model, shape, training=False):
    model = model.double().train(training)
    fill(model)
    x = (pattern(97, shape, 0.5) + 0.5).float().double().requires_grad_(True)
    phi = model["features"](x)
    scores = model["head"](phi)
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
    if training:
        out["running"] = {n: describe(b) for n, b in model.named_buffers() if "running" in n}
    return out

def pool(rows):
    x = torch.tensor(rows, dtype=torch.float64).reshape(1, 1, len(rows), -1).requires_grad_(True)
    y = nn.functional.max_pool2d(x, 2)
    weights = torch.arange(1, y.numel() + 1, dtype=torch.float64).reshape(y.shape)
    (y * weights).sum().backward()
    return {"x": rows, "value": y.flatten().tolist(), "gradient": x.grad.flatten().tolist()}

def rectified(z, f):
    x = z.clone().requires_grad_(True)
    f(x).sum().backward()
    return x.grad.tolist()

if __name__ == "__main__":
    from safetensors.torch import save_file
    small = lambda: networks.resnet(2, 8, 1, filters=3, blocks=2)
    cases = [case("linear", networks.linear(12, 1), [6, 12]),
             case("mlp", networks.mlp(12, [10], 7, 1), [6, 12]),
             case("lenet one output", networks.lenet(1, 16, 16, 1), [4, 1, 16, 16]),
             case("lenet three outputs", networks.lenet(3, 21, 17, 3), [5, 3, 21, 17]),
             case("wide lenet", networks.lenet(2, 16, 18, 1, (12, 32), 240, 192), [3, 2, 16, 18]),
             case("convnet", networks.convnet(3, 9, 13, 2, 8, 20), [5, 3, 9, 13]),
             case("resnet", small(), [5, 2, 8, 8]),
             case("resnet in training", small(), [5, 2, 8, 8], training=True)]
    pools = [pool([[1, 3], [3, 2]]), pool([[5, 5], [5, 5]]), pool([[0, 0, 2, 2], [0, 0, 2, 2], [4, 1, -1, -2], [1, 4, -2, -1]]),
             pool([[1, 2, 9], [3, 4, 9], [9, 9, 9]])]
    z = torch.tensor([-2.0, -0.0, 0.0, 3.0], dtype=torch.float64)
    rectifier = {"x": z.tolist(), "relu": rectified(z, torch.relu), "leaky": rectified(z, lambda x: nn.functional.leaky_relu(x, 0.01))}
    model = small().double().eval()
    fill(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d): module.num_batches_tracked.fill_(17)
    here = pathlib.Path(__file__)
    save_file({n: t if t.dtype == torch.int64 else t.float() for n, t in model.state_dict().items()}, here.with_suffix(".safetensors"))
    out = {"torch": torch.__version__, "cases": cases, "pools": pools, "rectifier": rectifier}
    here.with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")
