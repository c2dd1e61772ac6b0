"""Shared by the tests of all capabilities: a tiny dataset, a short training run, and its log messages."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

WEIGHTS = Path(os.environ.get("TINTBOX_WEIGHTS") or Path(__file__).resolve().parents[3] / "shared" / "weights")


@pytest.fixture(scope="session")
def squares(write_dataset):
    """A dataset YAML of 8 training and 4 validation images of 64x64 with squares of the classes a, b and c."""
    rng = np.random.default_rng(0)

    def draw(i):
        picture = rng.integers(0, 60, (64, 64, 3), np.uint8)
        lines = []
        for c, (x, y) in zip((0, 0, 1, 2)[: 3 + (i < 2)], ((0, 0), (32, 0), (0, 32), (32, 32))):
            side = 20 + 2 * ((i + c) % 4)
            picture[y + 2 : y + 2 + side, x + 2 : x + 2 + side, c] = 255
            lines.append(f"{c} {(x + 2 + side / 2) / 64} {(y + 2 + side / 2) / 64} {side / 64} {side / 64}")
        return picture, lines

    return write_dataset("squares", "abc", {split: [*map(draw, range(n))] for split, n in (("train", 8), ("val", 4))})


@pytest.fixture(scope="session")
def train_tiny(tmp_path_factory):
    """Train a model on images of 64x64; returns the trainer."""
    from ultralytics import YOLO

    def train(model, data, callbacks=(), **kwargs):
        yolo = YOLO(model)
        for event, function in callbacks:
            yolo.add_callback(event, function)
        settings = {
            "data": str(data), "epochs": 1, "batch": 4, "imgsz": 64, "workers": 0, "plots": False, "seed": 1,
            "device": "cpu", "project": str(tmp_path_factory.mktemp("runs")), "name": "run", "mosaic": 0,
        }  # fmt: skip
        yolo.train(**{**settings, **kwargs})
        return yolo.trainer

    return train


@pytest.fixture
def log():
    """Ultralytics' log messages."""
    from ultralytics.utils import LOGGER

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    LOGGER.addHandler(handler)
    yield lines
    LOGGER.removeHandler(handler)
