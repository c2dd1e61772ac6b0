"""A tiny dataset of three classes, and runs on it with the loss options."""

import numpy as np
import pytest

ALL = {"cls_pos_weight": "balanced", "cls_smoothing": 0.02, "cls_focal": {"gamma": 1.5, "alpha": 0.4}}


@pytest.fixture(scope="session")
def boxes(write_dataset):
    """A dataset YAML of 8 training and 4 validation images of 64x64 with squares of the classes a, b and c."""
    rng = np.random.default_rng(0)

    def draw(i):
        picture = rng.integers(0, 60, (64, 64, 3), np.uint8)
        lines = []
        for c, (x, y) in zip((0, 0, 1, 2)[: 3 + (i < 2)], ((0, 0), (32, 0), (0, 32), (32, 32))):
            picture[y + 4 : y + 28, x + 4 : x + 28, c] = 255
            lines.append(f"{c} {(x + 16) / 64} {(y + 16) / 64} 0.375 0.375")
        return picture, lines

    return write_dataset("boxes", "abc", {split: [*map(draw, range(n))] for split, n in (("train", 8), ("val", 4))})


@pytest.fixture(scope="session")
def train(boxes, train_tiny):
    """Train a tiny model; returns the trainer."""
    return lambda model="yolo11n.yaml", **kwargs: train_tiny(model, boxes, **kwargs)


@pytest.fixture(scope="session")
def run(train):
    """A run of two epochs with all three options."""
    return train(epochs=2, **ALL)
