"""Surveys made up, of datasets that are nowhere."""

import numpy as np
import pytest

from tintbox.recipes.labels import Labels
from tintbox.recipes.survey import Split, Survey


def split(pictures=100, counts=(100, 100), side=0.2, size=(640, 480), name="train"):
    classes = np.repeat(np.arange(len(counts)), counts)
    boxes = np.tile([0.5, 0.5, side, side * size[0] / size[1]], (len(classes), 1))
    labels = Labels(classes, boxes, np.arange(len(classes)) % pictures)
    return Split([f"/{name}/{i}.jpg" for i in range(pictures)], np.tile(size, (pictures, 1)), labels, {})


def make_survey(names=("cat", "dog"), colours=None, shared=None, **train):
    splits = {"train": split(**train), "val": split(20, (30,) * len(names), name="val")}
    return Survey("my.yaml", list(names), splits, shared or {}, colours)


@pytest.fixture
def survey():
    """What makes a survey of a dataset with pictures, boxes and classes as asked for."""
    return make_survey
