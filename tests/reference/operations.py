"""Values and gradients of the network's operations, by PyTorch. Writes operations.json; needs torch (made with 2.15.0, CPU, f64).

Inputs follow `pattern` of network.py, a formula that Rust repeats exactly. The gradient is that of sum(y * pattern(9)).
Ties and exact zeros: the pools' inputs take one of five values, the rectifier's one of three.
"""
import json, pathlib
import torch
from torch.nn import functional as F
from network import pattern

def leaf(which, shape, scale=1.0):
    return pattern(which, list(shape), scale).clone().requires_grad_(True)

def numbers(t):
    return [float(f"{v:.10g}") for v in t.detach().flatten().tolist()]

def with_gradients(y, **arguments):
    gradients = torch.autograd.grad((y * pattern(9, list(y.shape), 1.0)).sum(), list(arguments.values()))
    return {"shape": list(y.shape), "y": numbers(y), "gradients": {k: numbers(g) for k, g in zip(arguments, gradients)}}

def convolution(x, weight, stride=1, padding=0, dilation=1, groups=1):
    a, w, b = leaf(1, x), leaf(2, weight), leaf(3, weight[:1])
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = F.conv2d(a, w, b, **settings)
    return {"x": x, "weight": weight, **settings, **with_gradients(y, x=a, weight=w, bias=b)}

def pool(kind, x, size, stride):
    a = (pattern(4, list(x), 2.49).round() / 2).requires_grad_(True)   # ties and zeros
    y = (F.max_pool2d if kind == "max" else F.avg_pool2d)(a, size, stride)
    return {"kind": kind, "x": x, "size": size, "stride": stride, **with_gradients(y, x=a)}

def rectifier(slope):
    a = (pattern(5, [3, 7], 1.49).round()).requires_grad_(True)        # -1, 0, 1
    return {"slope": slope, **with_gradients(F.leaky_relu(a, slope), x=a)}

def dense(x, outputs):
    a, w, b = leaf(1, x), leaf(2, [outputs, x[1]]), leaf(3, [outputs])
    return {"x": x, "outputs": outputs, **with_gradients(F.linear(a, w, b), x=a, weight=w, bias=b)}

def batch_norm(x, training):
    a, w, b = leaf(1, x), leaf(2, x[1:2]), leaf(3, x[1:2])
    mean, variance = pattern(6, x[1:2], 0.5), pattern(7, x[1:2], 0.5) + 1.0
    y = F.batch_norm(a, mean, variance, w, b, training, 0.1, 1e-5)
    running = {"mean": numbers(mean), "variance": numbers(variance)}   # updated in place while training
    return {"x": x, "training": training, "running": running, **with_gradients(y, x=a, weight=w, bias=b)}

json_text = json.dumps({
    "torch": torch.__version__,
    "convolutions": [
        convolution([2, 3, 7, 6], [4, 3, 3, 3], padding=1),
        convolution([1, 2, 5, 5], [3, 2, 5, 5]),
        convolution([2, 2, 6, 5], [3, 2, 1, 1], stride=2),
        convolution([1, 3, 8, 7], [2, 3, 3, 2], stride=3, padding=2),
        convolution([2, 2, 9, 8], [3, 2, 3, 3], stride=2, padding=1),
        convolution([1, 2, 9, 10], [2, 2, 3, 3], dilation=3, padding=2),
        convolution([1, 4, 6, 6], [6, 2, 3, 3], stride=2, padding=1, dilation=2, groups=2),
        convolution([2, 3, 5, 4], [3, 1, 3, 3], padding=1, groups=3),
        convolution([1, 1, 3, 3], [2, 1, 2, 2], stride=4, padding=3),   # windows that see zeros only
        convolution([1, 1, 1, 9], [17, 1, 1, 4], stride=2),             # one row, one more filter than a vector
        convolution([1, 16, 2, 3], [17, 16, 3, 3], padding=1),          # by tiles of 2 x 2
    ],
    "pools": [pool(kind, *case) for kind in ("max", "average") for case in
              [([2, 2, 4, 6], 2, 2), ([1, 2, 7, 5], 2, 2), ([1, 1, 7, 7], 3, 2), ([1, 2, 5, 6], 2, 1), ([1, 1, 9, 9], 2, 4)]],
    "rectifiers": [rectifier(0.0), rectifier(0.01)],
    "dense": [dense([1, 5], 3), dense([4, 3], 1)],
    "batch_norms": [batch_norm([3, 4, 3, 5], True), batch_norm([3, 4, 3, 5], False), batch_norm([1, 2, 3, 3], True)],
})
pathlib.Path(__file__).with_suffix(".json").write_text(json_text.replace(', {"', ',\n{"') + "\n")
