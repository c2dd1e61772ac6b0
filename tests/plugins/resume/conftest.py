"""What the tests of resuming share: runs that were stopped, and copies of them that go on."""

import contextlib
import shutil

import pytest
from ultralytics import YOLO

EPOCHS = 4


# Every kind has pending gradients at the end of its epochs (Ultralytics steps once per 64 pictures) but where `nbs` is.
KINDS = {
    "colorize": ("colorize-pool.yaml", {"palette": 4, "crop": 0.1, "fliplr": 0.5}),
    "frozen": ("yolo11n.yaml", {"freeze": "backbone", "close_mosaic": 1, "optimizer": "SGD"}),
    "closing": ("yolo11n.yaml", {"cls_pos_weight": 2, "close_mosaic": 2, "nbs": 12, "batch": 2}),
    "plain": ("yolo11n.yaml", {}),
    "end-to-end": ("yolo26n.yaml", {"freeze": "backbone", "unfreeze": {2: "all"}, "optimizer": "MuSGD"}),
}


class StoppedError(Exception):
    """Stands for `kill -9` after an epoch."""


@pytest.fixture(scope="session")
def train():
    """Train a kind of run; with ``stop``, stop after so many epochs."""
    return begin


def begin(kind, data, folder, stop=None):
    model, settings = KINDS[kind]
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
    """A run with a frozen backbone and one of a colouriser, stopped after two epochs of four."""
    folder = tmp_path_factory.mktemp("stopped")
    return {kind: begin(kind, fruit, folder / kind, stop=2) for kind in ("frozen", "colorize")}


@pytest.fixture
def copy(stopped, tmp_path):
    """Return a copy of a stopped run, in the folder in which it goes on."""

    def make(kind):
        run = tmp_path / "run"
        shutil.copytree(stopped[kind], run)
        return run

    return make
