"""PyTorch's side of `cargo bench --bench network`: reads commands, one a line, answers each with a line of JSON.

Needs torch and safetensors. Arguments: a folder for files, the number of threads.
  exchange NAME SHAPE  reads NAME.safetensors (ours), writes NAME.torch.safetensors with other parameters; the scores of both
  gradients            reads convnet.safetensors; writes gradients.safetensors: scores, input, and each parameter's gradient,
                       in f32 and, with the prefix f64., from f64
  time WHAT REPEATS    seconds of each repeat of forward, step (SGD with momentum) or input (gradient and sign step)
"""
import json, sys, time
import torch
from torch import nn
from torch.nn import functional as F
from safetensors.torch import load_file, save_file
import networks
from network import pattern

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
BUILD = {
    "linear": lambda: networks.linear(64, 1),
    "mlp": lambda: networks.mlp(64, [100], 84, 1),
    "lenet": lambda: networks.lenet(3, 32, 32, 1),
    "lenet_wide": lambda: networks.lenet(3, 32, 32, 1, (12, 32), 240, 192),
    "convnet": lambda: networks.convnet(3, 32, 32, 2),
    "resnet": lambda: networks.resnet(3, 32, 1),
}

def images(shape):
    return (pattern(97, shape, 0.5) + 0.5).float()

def exchange(name, *shape):
    net, x = BUILD[name]().eval(), images([int(side) for side in shape])
    net.load_state_dict(load_file(f"{folder}/{name}.safetensors"), strict=True)
    with torch.no_grad():
        ours = networks.scores(net, x).flatten().tolist()
        torch.manual_seed(5)
        other = BUILD[name]()
        networks.scores(other.train(), x)            # moves the running values
        back = networks.scores(other.eval(), x).flatten().tolist()
    save_file(other.state_dict(), f"{folder}/{name}.torch.safetensors")
    return {"ours": ours, "back": back}

net = BUILD["convnet"]()
x, y = images([128, 3, 32, 32]), torch.arange(128) % 2
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

def gradients():
    tensors = {}
    for prefix, dtype in (("", torch.float32), ("f64.", torch.float64)):
        own = BUILD["convnet"]()
        own.load_state_dict(load_file(f"{folder}/convnet.safetensors"), strict=True)
        own, pixels = own.to(dtype), x.to(dtype).requires_grad_(True)
        s = networks.scores(own, pixels)
        named = dict(own.named_parameters())
        found = torch.autograd.grad(F.cross_entropy(s, y), [pixels, *named.values()])
        for name, tensor in zip(["scores", "input", *named], [s.detach(), *found]):
            tensors[prefix + name] = tensor.contiguous()
    net.load_state_dict(load_file(f"{folder}/convnet.safetensors"), strict=True)
    save_file(tensors, f"{folder}/gradients.safetensors")
    return {}

def forward():
    with torch.no_grad():
        networks.scores(net, x)

def step():
    optimizer.zero_grad()
    F.cross_entropy(networks.scores(net, x), y).backward()
    optimizer.step()

def input_step():
    for p in net.parameters(): p.requires_grad_(False)
    own = x.clone().requires_grad_(True)
    gradient, = torch.autograd.grad(F.cross_entropy(networks.scores(net, own), y), own)
    (x + 0.01 * gradient.sign()).clamp(0, 1)
    for p in net.parameters(): p.requires_grad_(True)

def timed(what, repeats):
    work, seconds = {"forward": forward, "step": step, "input": input_step}[what], []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    time.sleep(0.3)   # its threads spin for a while
    return {"seconds": seconds}

COMMANDS = {"exchange": exchange, "gradients": gradients, "time": timed}
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    command, *arguments = line.split()
    print(json.dumps(COMMANDS[command](*arguments)), flush=True)
