"""Non-maximum suppression that stops early: the boxes of Ultralytics' own, in its order."""

import pytest
import torch
import torchvision  # without it, Ultralytics has another function for it, which is slow
from ultralytics.utils import nms

from tintbox.plugins.precision import arithmetic
from tintbox.plugins.precision.suppression import FIRST, stop_early

STOCK = nms.non_max_suppression.__wrapped__


def predict(pictures, boxes, classes, spread, seed=0):
    """Return raw predictions (B, 4 + nc, N); the less they are spread, the more of them overlap."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(pictures, 2, boxes, generator=generator) * spread
    sides = 20 + 60 * torch.rand(pictures, 2, boxes, generator=generator)
    order = [torch.randperm(classes * boxes, generator=generator) for _ in range(pictures)]  # no two scores are equal
    scores = (torch.stack(order).view(pictures, classes, boxes) + 1) / (classes * boxes + 1)
    return torch.cat([centres, sides, scores], 1)


def count_calls(predictions, **arguments):
    """Return the result, and for every call of the stock function how many pictures it had."""
    calls = []

    def suppress(prediction, *args, **kwargs):
        calls.append(len(prediction))
        return STOCK(prediction, *args, **kwargs)

    return stop_early(suppress)(predictions, **arguments), calls


@pytest.mark.parametrize(
    ("boxes", "spread", "multi_label", "calls"),
    [
        (2 * FIRST, 5000, True, [3]),  # enough boxes among the first
        (2 * FIRST, 30, True, [3, 3]),  # nearly all overlap: the others have to be looked at
        (FIRST // 8, 300, True, [3]),  # few candidates at all
        (2 * FIRST, 5, False, [3, 3]),
    ],
)
def test_the_boxes_are_those_of_stock(boxes, spread, multi_label, calls):
    raw = predict(3, boxes, 3, spread)
    settings = {"conf_thres": 0.001, "iou_thres": 0.6, "multi_label": multi_label, "max_det": 300}
    expected = STOCK(raw.clone(), **settings)
    found, made = count_calls((raw, None), **settings)
    assert made == calls
    assert [len(x) for x in found] == [len(x) for x in expected]
    assert all(torch.equal(a, b) for a, b in zip(found, expected))


def test_pictures_are_looked_at_again_one_by_one():
    raw = torch.cat([predict(1, 2 * FIRST, 1, 5000), predict(1, 2 * FIRST, 1, 20)])
    found, calls = count_calls(raw, conf_thres=0.001, max_det=300)
    assert calls == [2, 1]
    assert all(torch.equal(a, b) for a, b in zip(found, STOCK(raw, conf_thres=0.001, max_det=300)))


@pytest.mark.parametrize("arguments", [{"max_nms": 50}, {"return_idxs": True}, {"rotated": True, "nc": 2}])
def test_what_it_does_not_know_is_left_to_stock(arguments):
    raw = predict(1, 200, 3, 100)
    found, calls = count_calls(raw, **arguments)
    assert calls == [1]
    expected = STOCK(raw, **arguments)
    assert str(found) == str(expected)


def test_end_to_end_predictions_are_left_to_stock():
    raw = torch.rand(2, 300, 6)
    found, calls = count_calls(raw)
    assert calls == [2] and all(torch.equal(a, b) for a, b in zip(found, STOCK(raw)))


def test_only_validations_of_a_fast_training_stop_early(monkeypatch):
    raw = predict(1, 20 * FIRST, 3, 5000)
    sizes = []
    monkeypatch.setattr("torchvision.ops.nms", lambda boxes, *rest: sizes.append(len(boxes)) or torch.arange(300))
    nms.non_max_suppression(raw, 0.001, multi_label=True)
    with arithmetic.validating():
        nms.non_max_suppression(raw, 0.001, multi_label=True)
    assert sizes == [30000, FIRST]


def test_the_validator_calls_it_so_that_it_stops_early(monkeypatch, tmp_path):
    """As Ultralytics writes its arguments, by place and by name."""
    from ultralytics.models.yolo.detect import DetectionValidator

    validator = DetectionValidator(save_dir=tmp_path, args={"conf": 0.001})
    validator.nc, validator.end2end = 3, False
    raw = predict(2, 2 * FIRST, 3, 5000)
    expected = validator.postprocess(raw)
    sizes, nms_of = [], torchvision.ops.nms
    monkeypatch.setattr("torchvision.ops.nms", lambda boxes, *rest: sizes.append(len(boxes)) or nms_of(boxes, *rest))
    with arithmetic.validating():
        found = validator.postprocess(raw)
    assert sizes == [FIRST, FIRST]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(found, expected) for name in a)
