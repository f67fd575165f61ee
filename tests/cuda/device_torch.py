"""PyTorch's time for what device.sh measures: the pair loss with its matrix in memory, an epoch and PGD-40 of the reference
network in eager mode. Sizes and settings are those of tests/cuda/device.rs and card.rs."""

import time

import torch
from torch import nn

device = torch.device("cuda")
torch.manual_seed(0)


def best(run, times):
    for _ in range(2):
        run()
    seconds = []
    for _ in range(times):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def pair_loss(n):
    s = (torch.rand(n, device=device) * 10 - 5).requires_grad_()
    t = (torch.rand(n, device=device) * 10 - 5).requires_grad_()

    def run():
        s.grad = t.grad = None
        nn.functional.softplus(t[None, :] - s[:, None]).mean().backward()

    return best(run, 10)


def network():
    def conv(i, o):
        return nn.Conv2d(i, o, 3, padding=1)

    pool, relu = nn.MaxPool2d(2), nn.ReLU()
    features = [conv(3, 32), relu, conv(32, 32), relu, pool, conv(32, 64), relu, conv(64, 64), relu, pool]
    return nn.Sequential(*features, nn.Flatten(), nn.Linear(4096, 256), relu, nn.Linear(256, 1)).to(device)


def epoch(net, x, y):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def run():
        for rows in torch.randperm(len(x), device=device).split(128):
            optimiser.zero_grad()
            scores = net(x[rows]).squeeze(1)
            nn.functional.binary_cross_entropy_with_logits(scores, y[rows]).backward()
            optimiser.step()

    return best(run, 3)


def pgd(net, clean, y):
    epsilon, steps = 8 / 255, 40
    side = 1 - 2 * y
    for parameter in net.parameters():
        parameter.requires_grad_(False)

    def run():
        x = clean.clone()
        for _ in range(steps):
            x.requires_grad_()
            (gradient,) = torch.autograd.grad((net(x).squeeze(1) * side).sum(), x)
            x = x.detach() + 2.5 * epsilon / steps * gradient.sign()
            x = (clean + (x - clean).clamp(-epsilon, epsilon)).clamp(0, 1)

    return best(run, 3)


n = 20_000
seconds = pair_loss(n)
print(f"BENCH PyTorch {torch.__version__} pair loss, matrix in memory, 20,000: {1e6 * seconds:.1f} us  {n * n / seconds:.3e} pairs/s")
x, y = torch.rand(10_000, 3, 32, 32, device=device), (torch.arange(10_000, device=device) % 2).float()
# TF32 is PyTorch's default for convolutions; ours are f32 throughout.
for tf32 in [True, False]:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    name = "TF32" if tf32 else "f32"
    net = network()
    print(f"BENCH PyTorch eager {name} epoch of 10,000 images, cross-entropy: {1e3 * epoch(net, x, y):.1f} ms")
    print(f"BENCH PyTorch eager {name} PGD-40 on 128 images: {1e3 * pgd(net, x[:128], y[:128]):.1f} ms")
