"""Shared by the tests of resuming: stopped runs, and copies of them to resume."""

import contextlib
import shutil

import pytest
import yaml
from ultralytics import YOLO

EPOCHS = 4


# A detector of Ultralytics' own layers, small enough to be trained repeatedly.
TINY = {
    "nc": 80,
    "backbone": [[-1, 1, "Conv", [8, 3, 4]], *([[-1, 1, "Conv", [8, 3, 2]]] * 3)],
    "head": [[[1, 2, 3], 1, "Detect", ["nc"]]],
}
# All kinds have pending gradients at the end of epochs (Ultralytics steps once per 64 images) unless `nbs` is set.
KINDS = {
    "colorize": ("colorize-pool.yaml", {"palette": 4, "crop": 0.1, "fliplr": 0.5}),
    "frozen": (TINY, {"freeze": "backbone", "close_mosaic": 1, "optimizer": "SGD"}),
    "closing": (TINY, {"cls_pos_weight": 2, "close_mosaic": 2, "nbs": 12, "batch": 2}),
    "plain": (TINY, {}),
    "fast": (TINY, {"amp": "auto"}),
    "end-to-end": (
        {**TINY, "end2end": True, "reg_max": 1},
        {"freeze": "backbone", "unfreeze": {2: "all"}, "optimizer": "MuSGD"},
    ),
}


class StoppedError(Exception):
    """Simulates `kill -9` after an epoch."""


@pytest.fixture(scope="session")
def train():
    """Train one kind of run; with ``stop``, stop after that many epochs."""
    return begin


def begin(kind, data, folder, stop=None):
    model, settings = KINDS[kind]
    if isinstance(model, dict):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(model))
        model = folder / "tiny.yaml"
    model = YOLO(model)

    def end(trainer):
        if trainer.epoch + 1 == stop:
            raise StoppedError

    model.add_callback("on_fit_epoch_end", end)
    settings = {"batch": 4, "epochs": EPOCHS, "imgsz": 64, "plots": False, "seed": 3, "workers": 0, **settings}
    with contextlib.suppress(StoppedError):
        model.train(data=str(data), project=str(folder), name="run", **settings)
    return folder / "run"


@pytest.fixture(scope="session")
def stopped(fruit, tmp_path_factory):
    """A run with a frozen backbone and a colouriser's run, stopped after two of four epochs."""
    folder = tmp_path_factory.mktemp("stopped")
    return {kind: begin(kind, fruit, folder / kind, stop=2) for kind in ("frozen", "colorize")}


@pytest.fixture
def copy(stopped, tmp_path):
    """Return a copy of a stopped run, in the folder in which it is resumed."""

    def make(kind):
        run = tmp_path / "run"
        shutil.copytree(stopped[kind], run)
        return run

    return make
