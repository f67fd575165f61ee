"""Hinge, square, label smoothing, logit squeezing and TRADES by PyTorch in float64. Writes baselines.json (torch 2.15.0).

One score z per row stands for the label 1 with sign +1 and 0 with -1; label smoothing and TRADES of one score are those of
the two logits (0, z). The gradient is that in the scores.
"""
import json, pathlib
import torch
from torch.nn import functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
cases = []


def case(name, scores, y, parameter, value):
    gradient, = torch.autograd.grad(value, scores)
    cases.append({"loss": name, "parameter": parameter, "outputs": scores.shape[1] if scores.dim() == 2 else 1, "labels": y.tolist(),
                  "scores": scores.detach().flatten().tolist(), "value": value.item(), "gradient": gradient.flatten().tolist()})


for outputs in (1, 2, 4):
    z = (3 * torch.randn(6, outputs)).requires_grad_(True) if outputs > 1 else (3 * torch.randn(6)).requires_grad_(True)
    y = torch.randint(0, max(2, outputs), (6,))
    logits = z if outputs > 1 else torch.stack([torch.zeros_like(z), z], 1)
    sign = 2.0 * y - 1
    if outputs == 1:
        case("hinge", z, y, 0, F.relu(1 - sign * z).mean())
        case("square", z, y, 0, F.mse_loss(z, sign))
    else:
        others = z.masked_fill(F.one_hot(y, outputs).bool(), -torch.inf).max(1).values
        case("hinge", z, y, 0, F.relu(1 + others - z.gather(1, y[:, None])[:, 0]).mean())
        case("square", z, y, 0, F.mse_loss(z, F.one_hot(y, outputs).double(), reduction="sum") / 6)
    case("label smoothing", z, y, 0.1, F.cross_entropy(logits, y, label_smoothing=0.1))
    case("logit squeezing", z, y, 0.05, F.cross_entropy(logits, y) + 0.05 * (z ** 2).sum() / 6)
    clean, moved = logits[:3], logits[3:]
    kl = F.kl_div(F.log_softmax(moved, 1), F.log_softmax(clean, 1), reduction="batchmean", log_target=True)
    case("trades", z, y, 6.0, F.cross_entropy(clean, y[:3]) + 6.0 * kl)
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, indent=0).replace(",\n", ", ").replace("[\n", "[").replace("\n]", "]") + "\n")
print(len(cases), "cases")
