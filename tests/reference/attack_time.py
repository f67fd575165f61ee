"""foolbox's side of `cargo bench --bench attack`: PGD-20 Linf 8/255 in steps of 2/255 on the cross-entropy, once for each line read.

Arguments: the folder with net.safetensors and data.safetensors, the network's name, the number of threads. Writes found.safetensors
(x: after 20 steps, early: after 2, exact: the first 100 after 20 steps in f64) and answers with seconds and success flags.
Needs torch, safetensors and foolbox 3.3.4.
"""
import json, sys, time
import foolbox, torch
from safetensors.torch import load_file, save_file
import networks

folder, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
net = networks.lenet(3, 32, 32, 2) if name == "lenet" else networks.convnet(3, 32, 32, 2)
net.load_state_dict(load_file(f"{folder}/net.safetensors"), strict=True)
net.eval().requires_grad_(False)
class Scores(torch.nn.Module):
    def __init__(self): super().__init__(); self.net = net
    def forward(self, x): return networks.scores(self.net, x)
data = load_file(f"{folder}/data.safetensors")
def attack(x, steps=20):
    peer = foolbox.PyTorchModel(Scores().eval(), bounds=(0, 1))
    pgd = foolbox.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=2 / 255, steps=steps, random_start=False)
    _, found, success = pgd(peer, x, data["y"][:len(x)], epsilons=8 / 255)
    return found, success
early = attack(data["x"], steps=2)[0]
net.double()   # and back: no bit of an f32 is lost
exact = attack(data["x"][:100].double())[0]
net.float()
attack(data["x"][:8])
for line in sys.stdin:
    start = time.perf_counter()
    found, success = attack(data["x"])
    seconds = time.perf_counter() - start
    save_file({"x": found, "early": early, "exact": exact.float()}, f"{folder}/found.safetensors")
    print(json.dumps({"seconds": seconds, "success": success.tolist()}), flush=True)
    time.sleep(0.3)   # its threads spin for a while
