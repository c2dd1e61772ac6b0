"""Trained detectors to extend, and images."""

import pytest
import torch
from torch import nn

from tintbox.plugins.extend import forks, network
from tintbox.plugins.extend.head import ALL_LEVELS

from ...tiny_models import YOLO11N, YOLO26N, YOLOV8N

KINDS = {"yolov8n": YOLOV8N, "yolo11n": YOLO11N, "yolo26n": YOLO26N}
WITHOUT_FINEST, WITHOUT_COARSEST = slice(1, None), slice(0, -1)
OLD = ("a", "b", "x", "y")  # two of the fruit dataset's classes, and two others


def add_branch(model, value, names, levels=ALL_LEVELS):
    """Extend a model as ``extend=value`` does, with some of the levels."""
    fork = forks.find(value, network.trunk_groups(model), "m")
    return network.extend(model, fork, list(names), forks.room(value), levels)


@pytest.fixture(scope="session")
def old(tmp_path_factory):
    """Checkpoints of detectors that detect something everywhere, by kind."""
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    folder = tmp_path_factory.mktemp("old")

    def make(kind):
        torch.manual_seed(0)
        yolo = YOLO(KINDS[kind])
        yolo.model = DetectionModel(KINDS[kind], nc=len(OLD), verbose=False)
        yolo.model.names = dict(enumerate(OLD))
        for module in yolo.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.8, 1.2)
                module.momentum = None
        with torch.no_grad():  # set the BatchNorm statistics, or the signal would vanish
            yolo.model.train()(torch.rand(8, 3, 64, 64))
        for module in yolo.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.03
        head = yolo.model.model[-1]
        for branch in [*head.cv3, *getattr(head, "one2one_cv3", ())]:
            nn.init.normal_(branch[-1].weight, std=0.05)
            nn.init.uniform_(branch[-1].bias, -2, 0)
        yolo.model.requires_grad_(False)  # as in the checkpoint of a finished run
        yolo.save(folder / f"{kind}.pt")
        return folder / f"{kind}.pt"

    return {kind: make(kind) for kind in KINDS}


@pytest.fixture(scope="session")
def pictures():
    """Images, (6, 3, 96, 64)."""
    return torch.rand(6, 3, 96, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def load():
    """Load a checkpoint's network in evaluation mode."""
    from ultralytics import YOLO

    return lambda file: YOLO(str(file)).model.eval()


@pytest.fixture(scope="session")
def extended(old, fruit, train_tiny):
    """Finished runs with new classes, each with a different fork, by kind; trained when they are first asked for."""
    values = {"yolov8n": "slim", "yolo11n": True, "yolo26n": "head"}

    class Runs(dict):
        def __missing__(self, kind):
            self[kind] = train_tiny(old[kind], fruit, extend=values[kind], epochs=2, lr0=0.01)
            return self[kind]

    return Runs()
