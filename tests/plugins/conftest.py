"""Shared by the tests of all capabilities: a short training run, and its log messages."""

import logging
import os
from pathlib import Path

import pytest

WEIGHTS = Path(os.environ.get("TINTBOX_WEIGHTS") or Path(__file__).resolve().parents[3] / "shared" / "weights")


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
