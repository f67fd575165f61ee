"""The networks as PyTorch modules, with the names and layouts of the Rust side. Used by the other scripts."""
from torch import nn

def linear(inputs, outputs):
    return classifier(nn.Sequential(nn.Flatten()), nn.Linear(inputs, outputs))

def mlp(inputs, hidden, features, outputs, slope=0.01):
    layers, width = [], inputs
    for size in [*hidden, features]:
        layers += [nn.Linear(width, size), nn.LeakyReLU(slope)]
        width = size
    return classifier(nn.Sequential(*layers), nn.Linear(width, outputs))

def lenet(channels, height, width, outputs, filters=(6, 16), hidden=120, features=84):
    side = lambda pixels: ((pixels - 4) // 2 - 4) // 2
    first, second = filters
    return classifier(nn.Sequential(
        nn.Conv2d(channels, first, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(side(height) * side(width) * second, hidden), nn.ReLU(), nn.Linear(hidden, features), nn.ReLU()), nn.Linear(features, outputs))

def convnet(channels, height, width, outputs, filters=32, features=256):
    layers = []
    for inputs, size in ((channels, filters), (filters, 2 * filters)):
        layers += [nn.Conv2d(inputs, size, 3, padding=1), nn.ReLU(), nn.Conv2d(size, size, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    flat = 2 * filters * (height // 4) * (width // 4)
    return classifier(nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, features), nn.ReLU()), nn.Linear(features, outputs))

class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = nn.Sequential(*normalised(inputs, outputs, 3, stride), nn.ReLU(), *normalised(outputs, outputs, 3, 1))
        self.shortcut = nn.Sequential(*(normalised(inputs, outputs, 1, 2) if stride > 1 else []))
    def forward(self, x):
        return self.main(x) + self.shortcut(x)

def normalised(inputs, outputs, size, stride):
    return [nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)]

def resnet(channels, side, outputs, filters=16, blocks=1):
    layers, width = [*normalised(channels, filters, 3, 1), nn.ReLU()], filters
    for stage in range(3):
        for block in range(blocks):
            layers += [Residual(width, filters << stage, 2 if stage > 0 and block == 0 else 1), nn.ReLU()]
            width = filters << stage
    return classifier(nn.Sequential(*layers, nn.AvgPool2d(side // 4), nn.Flatten()), nn.Linear(width, outputs))

def classifier(features, head):
    return nn.ModuleDict({"features": features, "head": head})

def scores(net, x):
    s = net["head"](net["features"](x))
    return s[:, 0] if s.shape[1] == 1 else s
