"""A tiny dataset with boxes, tiny anchor models, and a classic model with its classes."""

import copy
import sys
import types

import pytest
import torch
import yaml
from torch import nn

from ..conftest import WEIGHTS

TINY = {
    "nc": 3,
    "anchors": [[10, 10, 16, 16], [24, 24, 40, 40]],
    "backbone": [
        [-1, 1, "Conv", [8, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
    ],
    "head": [[-1, 1, "Conv", [16, 1, 1]], [[2, 4], 1, "AnchorDetect", ["nc", "anchors"]]],
}


@pytest.fixture(scope="session")
def weights():
    """The folder of genuine classic weights, if available."""
    if not WEIGHTS.is_dir():
        pytest.skip(f"no shared weights at {WEIGHTS}; set TINTBOX_WEIGHTS")
    return WEIGHTS


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A model YAML with an anchor head of two levels and three classes."""
    file = tmp_path_factory.mktemp("model") / "tiny-anchor.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture(scope="module")
def train(squares, tiny_model, train_tiny):
    """Train a tiny anchor model; returns the trainer."""
    return lambda model=tiny_model, **kwargs: train_tiny(model, squares, **kwargs)


YAML = {
    "nc": 2,
    "depth_multiple": 1.0,
    "width_multiple": 1.0,
    "anchors": [[9, 9, 9, 9], [9, 9, 9, 9]],  # replaced by autoanchor
    "backbone": [[-1, 1, "Conv", [8, 3, 2]], [-1, 2, "Bottleneck", [8]], [-1, 1, "Conv", [16, 3, 2]]],
    "head": [[-1, 1, "Bottleneck", [16, False]], [-1, 1, "Conv", [16, 3, 2]], [[3, 4], 1, "Detect", ["nc", "anchors"]]],
}
PIXELS = torch.tensor([[[8.0, 12.0], [20.0, 16.0]], [[40.0, 24.0], [48.0, 64.0]]])


class Conv(nn.Module):
    def __init__(self, c1, c2, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c1, c2, shortcut=True):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c2 // 2), Conv(c2 // 2, c2, 3)
        self.add = shortcut and c1 == c2

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class Detect(nn.Module):
    def __init__(self, nc, channels):
        super().__init__()
        self.nc, self.nl, self.na = nc, 2, 2
        self.stride = torch.tensor([4.0, 8.0])
        self.register_buffer("anchors", PIXELS / self.stride.view(-1, 1, 1))
        self.m = nn.ModuleList(nn.Conv2d(c, 2 * (nc + 5), 1) for c in channels)

    def forward(self, x):
        found = []
        for i, xi in enumerate(x):
            y = self.m[i](xi)
            b, _, ny, nx = y.shape
            y = y.view(b, 2, self.nc + 5, ny, nx).permute(0, 1, 3, 4, 2).sigmoid()
            grid = torch.stack(torch.meshgrid(torch.arange(nx), torch.arange(ny), indexing="xy"), 2)
            xy = (y[..., :2] * 2 - 0.5 + grid) * self.stride[i]
            wh = (y[..., 2:4] * 2) ** 2 * (self.anchors[i] * self.stride[i]).view(1, 2, 1, 1, 2)
            found.append(torch.cat((xy, wh, y[..., 4:]), -1).view(b, -1, self.nc + 5))
        return torch.cat(found, 1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [
            Conv(3, 8, 3, 2), nn.Sequential(Bottleneck(8, 8), Bottleneck(8, 8)), Conv(8, 16, 3, 2),
            Bottleneck(16, 16, False), Conv(16, 16, 3, 2), Detect(2, [16, 16]),
        ]  # fmt: skip
        self.model = nn.Sequential(*layers)
        self.yaml, self.names = copy.deepcopy(YAML), ["cat", "dog"]

    def forward(self, x):
        for layer in self.model[:4]:
            x = layer(x)
        return self.model[5]([x, self.model[4](x)])


@pytest.fixture
def classic(monkeypatch):
    """Make a classic model and save things, with its classes in the modules of the classic repositories."""
    torch.manual_seed(0)
    model = Model()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    for p in model.parameters():
        p.data = p.data.half().float()
    for b in model.buffers():
        b.data = b.data.half().float() if b.is_floating_point() else b.data

    def save(content, path, **options):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "models", types.ModuleType("models"))
            for name, classes in (("models.common", (Conv, Bottleneck)), ("models.yolo", (Detect, Model))):
                module = types.ModuleType(name)
                for kind in classes:
                    setattr(module, kind.__name__, kind)
                    patch.setattr(kind, "__module__", name)
                patch.setitem(sys.modules, name, module)
            torch.save(content, path, **options)
        return path

    return model.eval(), save
