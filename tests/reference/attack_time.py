"""foolbox's side of `cargo bench --bench attack`: PGD-20 Linf 8/255 in steps of 2/255 on the cross-entropy, once for each line read.

Arguments: the folder with net.safetensors and data.safetensors, the network's name, the number of threads. Writes found.safetensors
and answers with seconds and success flags. Needs torch, safetensors and foolbox 3.3.4.
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
peer = foolbox.PyTorchModel(Scores().eval(), bounds=(0, 1))
attack = foolbox.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=2 / 255, steps=20, random_start=False)
attack(peer, data["x"][:8], data["y"][:8], epsilons=8 / 255)
for line in sys.stdin:
    start = time.perf_counter()
    _, found, success = attack(peer, data["x"], data["y"], epsilons=8 / 255)
    seconds = time.perf_counter() - start
    save_file({"x": found}, f"{folder}/found.safetensors")
    print(json.dumps({"seconds": seconds, "success": success.tolist()}), flush=True)
    time.sleep(0.3)   # its threads spin for a while
