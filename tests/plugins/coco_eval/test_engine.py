"""The numbers are pycocotools'."""

import json

import numpy as np
import pytest

from tintbox.plugins.coco_eval import bootstrap, engine
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.engine import Evaluator
from tintbox.plugins.coco_eval.metrics import KEYS, METRICS, overall, per_class

TOLERANCE = 1e-9


def as_stats(values):
    """COCO's -1 for "n/a"."""
    return np.where(np.isnan(values), -1, values)


def assert_equal_to_pycocotools(synthetic, truth, detections, iou_type, fast=True):
    evaluator = Evaluator(truth, detections, iou_type, fast=fast)
    curves = evaluator.curves()
    theirs = synthetic.pycocotools(truth, detections, iou_type)
    np.testing.assert_allclose(curves.precision, theirs.eval["precision"], atol=TOLERANCE)
    np.testing.assert_allclose(curves.recall, theirs.eval["recall"], atol=TOLERANCE)
    classes = per_class(curves)
    np.testing.assert_allclose(as_stats(overall(classes)), theirs.stats, atol=TOLERANCE)
    # All images counted once is the evaluation itself.
    once = bootstrap.reweighted(evaluator.matches(), np.ones((len(truth.images), 1)))[0]
    np.testing.assert_allclose(once, classes, atol=TOLERANCE)
    for k in range(len(truth.categories)):  # pycocotools' own mean over one class
        precision = theirs.eval["precision"][:, :, k, 0, -1]
        expected = precision[precision > -1].mean() if (precision > -1).any() else np.nan
        np.testing.assert_allclose(classes[k, 0], expected, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.smoke
def test_random_cases(synthetic, seed, fast):
    truth, detections = synthetic.case(seed, crowded=seed % 2 == 0, ties=seed % 3 != 0)
    assert_equal_to_pycocotools(synthetic, truth, detections, "bbox", fast)


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
@pytest.mark.parametrize("fast", [True, False])
def test_masks(synthetic, iou_type, fast):
    truth, detections = synthetic.case(11, images=12, masks=True)
    assert_equal_to_pycocotools(synthetic, truth, detections, iou_type, fast)


def test_sizes_without_objects_are_not_zero(synthetic):
    truth, detections = synthetic.case(0)
    small = [a for a in truth.annotations if a["area"] < 32**2]
    values = overall(per_class(Evaluator(Truth(truth.images, small, truth.categories), detections).curves()))
    assert np.isnan(values[KEYS.index("AP_large")])
    assert np.isnan(values[KEYS.index("AR_medium")])
    assert values[KEYS.index("AP_small")] > 0


@pytest.mark.parametrize("fast", [True, False])
def test_no_detections_are_zero(synthetic, fast):
    truth, _ = synthetic.case(0)
    evaluator = Evaluator(truth, Detections.empty(), fast=fast)
    values = overall(per_class(evaluator.curves()))
    assert values[0] == 0
    assert values[KEYS.index("AR100")] == 0
    once = bootstrap.reweighted(evaluator.matches(), np.ones((len(truth.images), 2)))
    np.testing.assert_array_equal(overall(once)[0], values)


def test_published_values(synthetic, shared_data):
    folder = shared_data / "cocoeval"
    expected = json.loads((folder / "expected.json").read_text())
    for name, tolerance in (("cocoapi_fakebbox100", TOLERANCE), ("padilla_review", 1e-6)):
        case = expected[name]
        truth = Truth.read(folder / name / case["gt"])
        detections = Detections.read(folder / name / case["dt"], truth)
        values = overall(per_class(Evaluator(truth, detections).curves()))
        np.testing.assert_allclose(values, case["stats"], atol=tolerance)
        assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")


def test_the_twelve_are_in_cocos_order():
    assert KEYS[:6] == ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    assert [m.max_detections for m in METRICS[6:9]] == [1, 10, 100]


def test_missing_engine_is_told_in_a_line(synthetic, monkeypatch, caplog):
    def absent(name):
        raise engine.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(engine.metadata, "version", absent)
    engine.hotcoco.cache_clear()
    try:
        assert engine.hotcoco() is None
        truth, detections = synthetic.case(1, images=6)
        assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")
    finally:
        engine.hotcoco.cache_clear()


def test_old_engine_is_not_used(monkeypatch):
    monkeypatch.setattr(engine.metadata, "version", lambda name: "1.0.2")
    engine.hotcoco.cache_clear()
    try:
        assert engine.hotcoco() is None
    finally:
        engine.hotcoco.cache_clear()
