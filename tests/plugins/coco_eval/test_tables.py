"""Evaluations and comparisons as text."""

import math

import pytest

from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


def test_the_table_has_the_same_numbers_rounded(pair):
    truth, detections = pair
    evaluation = evaluate(truth, detections, settings=FEW)
    shown = tables.text({"bbox": evaluation})
    assert "boxes: 24 images" in shown and "95% intervals from 60 resamples" in shown
    assert "of the images, none where fewer than 6 of them have an object\n" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    for key, value, (low, high) in zip(KEYS, evaluation.values, evaluation.intervals):
        bounds = "" if math.isnan(low) else f"   [{low:.3f}, {high:.3f}]"
        assert lines[key].endswith("n/a" if math.isnan(value) else f"{value:.3f}{bounds}")
    for name, values in zip(evaluation.names, evaluation.classes):
        (line,) = [line for line in shown.splitlines() if line.startswith(name)]
        assert line.split()[-4:] == [tables.number(values[KEYS.index(k)]) for k in ("AP", "AP50", "AP75", "AR100")]
    loss = evaluation.errors.overall
    for kind, gain in loss.gain.items():
        (line,) = [line for line in shown.splitlines() if line.startswith(kind)]
        assert line.split()[-2:] == [f"{gain:.3f}", f"{loss.count[kind]:,}"]
    assert "class 0" not in tables.text({"bbox": evaluation}, classes=False)


@pytest.mark.parametrize(
    ("estimate", "sign", "shown"),
    [
        (Estimate(0.2, 0.1, 0.3), "", "[0.100, 0.300]"),
        (Estimate(0.0, -0.1, 0.3), "+", "[-0.100, +0.300]"),
        (Estimate(0.2, math.nan, math.nan), "", ""),
        (Estimate(0.2), "", ""),
    ],
)
def test_an_interval(estimate, sign, shown):
    assert tables.span(estimate.bounds, sign) == shown and estimate.bounded == bool(shown)
