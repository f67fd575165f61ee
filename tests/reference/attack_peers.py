"""FGSM and PGD by foolbox and torchattacks. Writes attack_peers.safetensors and attack_peers.json.

Made with foolbox 3.3.4, torchattacks 3.5.1, torch 2.15.0 on a CPU, float32. Run from the repository root.
The models are trained here on the digits of src/data/digits.bin and have the names and layouts of the Rust side
(networks.py), one file each: attack_NAME.safetensors. A score of one output stands for the logits (0, score).
foolbox knows cross-entropy; the margin is given to it as a loss. Where torchattacks offers the same setting the two are
compared here, and the script stops if they differ by more than 1e-4.
"""
import gzip, json, pathlib
import foolbox, torch, torchattacks
import numpy as np
from foolbox.attacks.gradient_descent_base import (
    L1BaseGradientDescent, L2BaseGradientDescent, LinfBaseGradientDescent)
from foolbox.criteria import Misclassification, TargetedMisclassification
from safetensors.torch import save_file
from torch import nn
import networks

HERE = pathlib.Path(__file__).parent
ROWS = 9
torch.manual_seed(5)
torch.set_num_threads(1)
records = np.frombuffer(gzip.decompress(pathlib.Path("src/data/digits.bin").read_bytes()), np.uint8).reshape(-1, 65)
images, digits = torch.tensor(records[:, 1:] / 16.0, dtype=torch.float32), torch.tensor(records[:, 0].astype(np.int64))


def of_classes(classes):
    rows = torch.isin(digits, torch.tensor(classes)).nonzero()[:, 0]
    labels = torch.tensor([classes.index(d) for d in digits[rows].tolist()])
    return images[rows], labels


class Logits(nn.Module):
    """Two logits or more, from a network with the Rust side's names."""
    def __init__(self, net): super().__init__(); self.net = net
    def forward(self, x):
        s = self.net["head"](self.net["features"](x if isinstance(self.net["features"][0], nn.Conv2d) else x.flatten(1)))
        return torch.cat([torch.zeros_like(s), s], 1) if s.shape[1] == 1 else s


def linear():
    return networks.classifier(nn.Sequential(nn.Identity()), nn.Linear(64, 1))


models = {
    "linear": (linear(), [8, 3]),
    "mlp1": (networks.mlp(64, [16], 12, 1), [8, 3]),
    "mlp2": (networks.mlp(64, [16], 12, 2), [8, 3]),
    "mlp4": (networks.mlp(64, [16], 12, 4), [1, 4, 7, 9]),
    "cnn": (networks.convnet(1, 8, 8, 2, 4, 16), [8, 3]),
}


def margin(logits, labels):
    others = logits.clone()
    others[torch.arange(len(labels)), labels] = -torch.inf
    return (others.max(1).values - logits.gather(1, labels[:, None])[:, 0]).sum()


def foolbox_attack(norm, objective, step, steps, start):
    base = {"Linf": LinfBaseGradientDescent, "L2": L2BaseGradientDescent, "L1": L1BaseGradientDescent}[norm]

    class Attack(base):
        def get_loss_fn(self, model, labels):
            if objective == "cross-entropy": return super().get_loss_fn(model, labels)
            import eagerpy as ep
            return lambda x: ep.astensor(margin(model(x).raw, labels.raw))
        def get_random_start(self, x0, epsilon):
            import eagerpy as ep
            return ep.astensor(start) if start is not None else x0
    return Attack(abs_stepsize=step, steps=steps, random_start=start is not None, rel_stepsize=None)


# norm, epsilon, step, steps, objective, kind
settings = [
    ("Linf", 0.1, 0.1, 1, "cross-entropy", "plain"), ("L2", 0.5, 0.5, 1, "cross-entropy", "plain"), ("L1", 2.0, 2.0, 1, "cross-entropy", "plain"),
    ("Linf", 0.1, 0.1, 1, "margin", "plain"),
    ("Linf", 0.1, 0.1 / 30, 40, "cross-entropy", "plain"), ("Linf", 0.2, 0.2, 6, "margin", "plain"), ("Linf", 0.15, 0.01875, 20, "margin", "plain"),
    ("Linf", 0.15, 0.02, 10, "cross-entropy", "targeted"), ("Linf", 0.1, 0.01, 10, "cross-entropy", "start"),
    ("L2", 0.6, 0.015, 50, "cross-entropy", "plain"), ("L2", 1.0, 0.2, 10, "margin", "plain"), ("L2", 0.8, 0.8, 5, "cross-entropy", "plain"),
    ("L2", 1.0, 0.2, 10, "cross-entropy", "targeted"),
]

cases, tensors, worst = [], {}, 0.0
for name, (net, classes) in models.items():
    x, y = of_classes(classes)
    shape = (1, 8, 8) if name == "cnn" else (64,)
    x = x.reshape(-1, *shape)
    model = Logits(net)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for epoch in range(30):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimiser.zero_grad(); loss.backward(); optimiser.step()
    model.eval().requires_grad_(False)
    x, y = x[-ROWS:].clone(), y[-ROWS:].clone()
    y[2] = (y[2] + 1) % len(classes)  # a row that is wrong from the start
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, HERE / f"attack_{name}.safetensors")
    tensors[f"{name}.x"], tensors[f"{name}.y"] = x, y.int()
    peer = foolbox.PyTorchModel(model, bounds=(0, 1))
    for norm, epsilon, step, steps, objective, kind in settings:
        targets = (y + 1) % len(classes) if kind == "targeted" else None
        start = None
        if kind == "start":
            start = (x + epsilon * (2 * torch.rand(x.shape) - 1)).clamp(0, 1)
        attack = foolbox_attack(norm, objective, step, steps, start)
        criterion = TargetedMisclassification(targets) if targets is not None else Misclassification(y)
        _, at, hit = attack(peer, x, criterion, epsilons=epsilon)
        key = f"{name}.{len(cases)}"
        tensors[key] = at
        if start is not None: tensors[f"{key}.start"] = start
        case = {"model": name, "norm": norm, "epsilon": epsilon, "step": step, "steps": steps, "objective": objective, "kind": kind,
                "key": key, "success": hit.tolist(), "classes": len(classes)}
        cases.append(case)
        if objective == "cross-entropy" and kind != "start" and norm != "L1" and (norm == "Linf" or name == "cnn"):
            peer_attack = torchattacks.PGD(model, epsilon, step, steps, random_start=False) if norm == "Linf" else \
                torchattacks.PGDL2(model, epsilon, step, steps, random_start=False)
            if targets is not None:
                peer_attack.set_mode_targeted_by_label(quiet=True)
            other = peer_attack(x, targets if targets is not None else y)
            difference = (other - at).abs().max().item()
            assert difference < 1e-4, (case, difference)  # torchattacks adds 1e-10 to a length, of gradients near 1e-6 here
            worst = max(worst, difference)
            case["torchattacks"] = True
        print(f"{name:7} {norm:4} {epsilon:.3f} {steps:3} {objective:13} {kind:8} success {int(hit.sum())} of {len(y)}")

save_file(tensors, HERE / "attack_peers.safetensors")
(HERE / "attack_peers.json").write_text(json.dumps(cases, indent=0).replace(",\n", ", ").replace("{\n", "{").replace("\n}", "}") + "\n")
print(len(cases), "cases;", sum(c.get("torchattacks", False) for c in cases), "compared with torchattacks, largest difference", worst)
