"""Non-maximum suppression that stops early: the same boxes as Ultralytics' own, in the same order."""

import inspect

import pytest
import torch
import torchvision  # without it, Ultralytics uses another, slow function
from ultralytics.utils import nms

from tintbox.plugins.precision import arithmetic
from tintbox.plugins.precision.suppression import FIRST, MARGIN, MOST, stop_early

STOCK = nms.non_max_suppression.__wrapped__


def predict(pictures, boxes, classes, spread, seed=0):
    """Return raw predictions (B, 4 + nc, N); the smaller the spread, the more of them overlap."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(pictures, 2, boxes, generator=generator) * spread
    sides = 20 + 60 * torch.rand(pictures, 2, boxes, generator=generator)
    order = [torch.randperm(classes * boxes, generator=generator) for _ in range(pictures)]  # no two scores are equal
    scores = (torch.stack(order).view(pictures, classes, boxes) + 1) / (classes * boxes + 1)
    return torch.cat([centres, sides, scores], 1)


def list_tries(predictions, **arguments):
    """Return the result, and the number of boxes in every call of the stock function."""
    tries = []

    def suppress(*args, max_nms=None, **kwargs):
        tries.append(max_nms)
        return STOCK(*args, **kwargs, **({"max_nms": max_nms} if max_nms else {}))

    return stop_early(suppress)(predictions, **arguments), tries


@pytest.mark.parametrize(
    ("boxes", "spread", "multi_label", "tries"),
    [
        (2 * FIRST, 5000, True, [FIRST]),  # enough boxes among the first
        (2 * FIRST, 50, True, [FIRST, 2 * FIRST]),  # not enough: twice as many
        (2 * FIRST, 30, True, [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]),  # nearly all of the 6 * FIRST overlap
        (FIRST // 8, 300, True, [FIRST]),  # few candidates at all
    ],
)
def test_the_boxes_are_those_of_stock(boxes, spread, multi_label, tries):
    raw = predict(1, boxes, 3, spread)
    settings = {"conf_thres": 0.001, "iou_thres": 0.6, "multi_label": multi_label, "max_det": 300}
    (found,), made = list_tries((raw, None), **settings)
    assert made == tries
    assert torch.equal(found, STOCK(raw.clone(), **settings)[0])


@pytest.mark.parametrize("multi_label", [True, False])
@pytest.mark.parametrize("max_det", [0, 1, 300])
def test_so_are_those_of_pictures_that_differ(multi_label, max_det):
    raw = torch.cat([predict(2, 2 * FIRST, 3, spread, seed=spread) for spread in (5000, 5, 80, 30, 5000)])
    settings = {"conf_thres": 0.001, "iou_thres": 0.6, "multi_label": multi_label, "max_det": max_det}
    expected = STOCK(raw.clone(), max_time_img=60, **settings)
    found = stop_early(STOCK)(raw, **settings)
    assert len(found) == len(expected) and all(torch.equal(a, b) for a, b in zip(found, expected))


def test_a_picture_begins_with_what_the_one_before_it_took():
    raw = predict(1, 2 * FIRST, 3, 50)
    _, tries = list_tries(torch.cat([raw] * 3), conf_thres=0.001, iou_thres=0.6, multi_label=True, max_det=300)
    first, second, third, fourth = tries
    assert (first, second) == (FIRST, 2 * FIRST) and third == fourth and FIRST < third < 1.5 * FIRST * MARGIN


@pytest.mark.parametrize("arguments", [{"max_nms": 50}, {"return_idxs": True}, {"rotated": True, "nc": 2}])
def test_what_it_does_not_know_is_left_to_stock(arguments):
    raw = predict(1, 200, 3, 100)
    found, tries = list_tries(raw, **arguments)
    assert tries == [arguments.get("max_nms")]
    expected = STOCK(raw, **arguments)
    assert str(found) == str(expected)


def test_end_to_end_predictions_are_left_to_stock():
    raw = torch.rand(2, 300, 6)
    found, tries = list_tries(raw)
    assert tries == [None] and all(torch.equal(a, b) for a, b in zip(found, STOCK(raw)))


def test_only_validations_of_a_fast_training_stop_early(monkeypatch):
    raw = predict(1, 20 * FIRST, 3, 5000)
    sizes = []
    monkeypatch.setattr("torchvision.ops.nms", lambda boxes, *rest: sizes.append(len(boxes)) or torch.arange(300))
    nms.non_max_suppression(raw, 0.001, multi_label=True)
    with arithmetic.validating():
        nms.non_max_suppression(raw, 0.001, multi_label=True)
    assert sizes == [MOST, FIRST]


def test_no_more_boxes_are_looked_at_than_by_stock():
    assert inspect.signature(STOCK).parameters["max_nms"].default == MOST
    raw = predict(1, MOST, 2, 60)  # so close that fewer than max_det are kept
    settings = {"conf_thres": 0.001, "multi_label": True, "max_det": 3000}
    found, tries = list_tries(raw, **settings)
    assert tries[-1] == MOST and len(found[0]) < 3000
    assert torch.equal(found[0], STOCK(raw, max_time_img=60, **settings)[0])


def test_the_validator_calls_it_so_that_it_stops_early(monkeypatch, tmp_path):
    """With its arguments written as in Ultralytics, positional and by keyword."""
    from ultralytics.models.yolo.detect import DetectionValidator

    validator = DetectionValidator(save_dir=tmp_path, args={"conf": 0.001})
    validator.nc, validator.end2end = 3, False
    raw = predict(2, 2 * FIRST, 3, 5000)
    expected = validator.postprocess(raw)
    sizes, nms_of = [], torchvision.ops.nms
    monkeypatch.setattr("torchvision.ops.nms", lambda boxes, *rest: sizes.append(len(boxes)) or nms_of(boxes, *rest))
    with arithmetic.validating():
        found = validator.postprocess(raw)
    assert sizes == [FIRST, MARGIN * 300]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(found, expected) for name in a)
