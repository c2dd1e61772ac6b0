"""A model's predictions for a picture."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tintbox.errors import TintboxError
from tintbox.limits import PREDICTED_SIDE
from tintbox.reports import prediction


@pytest.mark.parametrize("size", [32, PREDICTED_SIDE, [64], [64, 96], (64, 96)])
def test_sizes(size):
    prediction.check_size(size)


@pytest.mark.parametrize(
    ("size", "line"),
    [
        ([], "imgsz=[]: give a side in pixels, or [height, width]"),
        ([1, 2, 3], "imgsz=[1, 2, 3]: give a side in pixels, or [height, width]"),
        (31, f"imgsz=31: give a whole number from 32 to {PREDICTED_SIDE}"),
        ([64, PREDICTED_SIDE + 1], f"imgsz={PREDICTED_SIDE + 1}: give a whole number from 32 to {PREDICTED_SIDE}"),
        (64.0, f"imgsz=64.0: give a whole number from 32 to {PREDICTED_SIDE}"),
        (True, f"imgsz=True: give a whole number from 32 to {PREDICTED_SIDE}"),
        (None, f"imgsz=None: give a whole number from 32 to {PREDICTED_SIDE}"),
        ("a\n" * 99, f"imgsz={'a ' * 20}: give a whole number from 32 to {PREDICTED_SIDE}"),
    ],
)
def test_what_is_no_size(size, line):
    with pytest.raises(TintboxError) as caught:
        prediction.check_size(size)
    assert str(caught.value) == line
    with pytest.raises(TintboxError):
        prediction.predict(None, "a.png", 0.25, size)


def test_a_model_that_fails_is_one_line():
    def fail(*args, **kwargs):
        raise RuntimeError("no\nmemory")

    with pytest.raises(TintboxError) as caught:
        prediction.predict(SimpleNamespace(predict=fail), "a.png", 0.25, 64)
    assert str(caught.value) == "the model fails at a.png (RuntimeError: no memory)"


def result(rows, names, obb=False):
    """An Ultralytics result with boxes x1, y1, x2, y2, confidence, class, or x, y, w, h, angle, confidence, class."""
    from ultralytics.engine.results import Results

    kinds = {"obb" if obb else "boxes": torch.tensor(rows).reshape(-1, 7 if obb else 6)}
    return Results(np.zeros((50, 50, 3), np.uint8), "a.png", names, **kinds)


def test_boxes_of_a_result():
    found = prediction.boxes(result([[1, 2, 3, 4, 0.5, 1], [5, 6, 7, 8, 0.25, 0]], {0: "cat", 1: "dog"}))
    assert found.corners.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert found.names == ["dog", "cat"] and found.scores == [0.5, 0.25]


def test_nothing_found():
    found = prediction.boxes(result([], {0: "cat"}))
    assert found.corners.shape == (0, 4) and found.names == [] and found.scores == []


def test_oriented_boxes_are_shown_upright():
    found = prediction.boxes(result([[20.0, 20, 10, 4, np.pi / 2, 0.5, 0]], {0: "ship"}, obb=True))
    assert found.corners[0].tolist() == pytest.approx([18, 15, 22, 25], abs=1e-4)


def test_a_class_without_a_name():
    with pytest.raises(TintboxError, match="the model has no names for its classes"):
        prediction.boxes(result([[1, 2, 3, 4, 0.5, 7]], {0: "cat"}))
