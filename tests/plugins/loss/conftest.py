"""Short runs with the loss options."""

import pytest

from ...tiny_models import YOLO11N

ALL = {"cls_pos_weight": "balanced", "cls_smoothing": 0.02, "cls_focal": {"gamma": 1.5, "alpha": 0.4}}


@pytest.fixture(scope="session")
def train(squares, train_tiny):
    """Train a tiny model; returns the trainer."""
    return lambda model=YOLO11N, **kwargs: train_tiny(model, squares, **kwargs)


@pytest.fixture(scope="session")
def run(train):
    """A run of two epochs with all three options."""
    return train(epochs=2, **ALL)
