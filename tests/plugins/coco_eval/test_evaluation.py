"""The evaluation of one model."""

from dataclasses import replace

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import evaluation
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import Evaluation, evaluate
from tintbox.plugins.coco_eval.matcher import match
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings


@pytest.mark.parametrize("explain", [False, True])
def test_one_evaluation_matches_once(synthetic, monkeypatch, explain):
    """Numbers, intervals and errors share one matching."""
    truth, detections = synthetic.case(2, images=20)
    matched = []
    monkeypatch.setattr(evaluation, "match", lambda columns: matched.append(columns) or match(columns))
    evaluate(truth, detections, settings=Settings(resamples=10, explain=explain))
    assert len(matched) == 1


def test_numbers_and_counts_are_those_of_their_parts(pair, synthetic):
    truth, detections = pair
    found = evaluate(truth, detections, settings=Settings(resamples=3, explain=False))
    stats = synthetic.pycocotools(truth, detections).stats
    np.testing.assert_allclose(np.nan_to_num(found.values, nan=-1), stats, atol=1e-9)
    assert found.names == [f"class {k}" for k in range(4)] and found.images == len(truth.images)
    own = [a["category_id"] for a in truth.annotations if not a["iscrowd"]]
    assert found.truths == [own.count(3 + 2 * k) for k in range(4)]
    assert found.samples.shape == (3, 4, 12) and found.errors is None


TRUTH = Truth(
    [{"id": 1, "height": 9, "width": 9}],
    [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16}],
    [{"id": 1, "name": "a"}],
)
ONE = Detections(np.array([1]), np.array([1]), np.array([[0, 0, 4, 4.0]]), np.array([0.5]))
MASK = encode(np.ones((1, 9, 9)))


@pytest.mark.parametrize(
    ("truth", "detections", "more", "line"),
    [
        (TRUTH, ONE, {"iou_type": "segm"}, "iou_type=segm: the predictions have no masks; use iou_type=bbox"),
        (TRUTH, replace(ONE, segmentation=MASK), {"iou_type": "segm"},
         "iou_type=segm: the ground truth has boxes without masks; use iou_type=bbox"),
        (Truth([], [], TRUTH.categories), Detections.empty(), {},
         "the ground truth has no images or no categories: there is nothing to evaluate"),
        (Truth(TRUTH.images, [], []), Detections.empty(), {},
         "the ground truth has no images or no categories: there is nothing to evaluate"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated(truth, detections, more, line):
    with pytest.raises(TintboxError) as caught:
        evaluate(truth, detections, **more)
    assert str(caught.value) == line


def test_groups_of_some_images_only_are_refused():
    """Without the one image, the intervals would silently be those of independent images."""
    images = [{"id": i, "height": 9, "width": 9, "tintbox_group": "clip"} for i in range(1, 4)]
    del images[1]["tintbox_group"]
    with pytest.raises(TintboxError) as caught:
        evaluate(replace(TRUTH, images=images), ONE)
    assert str(caught.value) == (
        "the ground truth: 1 of 3 images has no tintbox_group, the first with id 2; give one to all images or to none"
    )


def test_more_resamples_than_the_memory_holds(monkeypatch):
    monkeypatch.setattr(evaluation, "COCO_WEIGHTS", 60)
    evaluate(TRUTH, ONE, settings=Settings(resamples=5))
    with pytest.raises(
        TintboxError, match=r"resamples=6: too many for 1 image \(classes: 1\); give up to 5, 0 for no intervals"
    ):
        evaluate(TRUTH, ONE, settings=Settings(resamples=6))


def test_a_fingerprint_is_of_the_content_in_whatever_order(pair):
    truth, _ = pair
    mixed = Truth(truth.images[::-1], truth.annotations[::-1], truth.categories[::-1])
    assert evaluation.fingerprint(mixed) == evaluation.fingerprint(truth)
    first = truth.annotations[0]
    for change in ({"area": first["area"] + 1e-9}, {"iscrowd": 1 - first["iscrowd"]}, {"bbox": [0, 0, 1, 1]}):
        other = Truth(truth.images, [{**first, **change}, *truth.annotations[1:]], truth.categories)
        assert evaluation.fingerprint(other) != evaluation.fingerprint(truth)
    fewer = Truth([i for i in truth.images if i["id"] != first["image_id"]], [], truth.categories)
    assert evaluation.fingerprint(fewer) != evaluation.fingerprint(Truth(truth.images, [], truth.categories))
    assert evaluation.fingerprint(Truth([], [], [])) == evaluation.fingerprint(Truth([], [], []))


def test_masks_belong_to_the_truth_where_they_are_evaluated():
    masks = (MASK[0], encode(np.eye(9)[None])[0], [[0, 0, 4, 0, 4, 4]], [[0, 0, 4, 0, 4, 5]])
    rows = [{**TRUTH.annotations[0], "segmentation": mask} for mask in masks]
    assert len({evaluation.fingerprint(Truth([], [row], []), masks=True) for row in rows}) == len(masks)
    assert len({evaluation.fingerprint(Truth([], [row], [])) for row in rows}) == 1
    both = [evaluation.fingerprint(Truth([], rows[::step], []), masks=True) for step in (1, -1)]
    assert both[0] == both[1]


def test_masks_are_evaluated_where_all_have_them():
    masked = Truth(TRUTH.images, [{**TRUTH.annotations[0], "segmentation": MASK[0]}], TRUTH.categories)
    with_masks = replace(ONE, segmentation=MASK)
    assert evaluation.iou_types(masked, with_masks, with_masks) == ["bbox", "segm"]
    assert evaluation.iou_types(masked, with_masks, ONE) == ["bbox"]
    assert evaluation.iou_types(masked, with_masks, Detections.empty()) == ["bbox", "segm"], "it found nothing"
    assert evaluation.iou_types(masked, Detections.empty()) == ["bbox"]
    assert evaluation.iou_types(TRUTH, with_masks) == ["bbox"]
    assert evaluation.masks_left_out(TRUTH, with_masks) == (
        "1 of 1 objects in the ground truth have no mask, so boxes alone are evaluated"
    )
    assert not any((evaluation.masks_left_out(masked, with_masks), evaluation.masks_left_out(TRUTH, with_masks, ONE)))


def estimated(classes, samples, level=0.9):
    classes, samples = np.array(classes, float), np.array(samples, float)
    names = [str(k) for k in range(len(classes))]
    many = np.full((len(names) + 1, 12), 1234)
    settings = Settings(level=level)
    return Evaluation(
        "bbox", names, [1] * len(names), 1234, None, classes, samples, many, None, settings, "x", [], None
    )


def test_values_are_means_over_the_classes_that_have_one():
    found = estimated([[0.2] * 12, [0.4] * 12, [np.nan] * 12], np.zeros((0, 3, 12)))
    assert found.values == pytest.approx([0.3] * 12)
    for place, key in enumerate(KEYS):
        assert found[key] == found.values[place] and type(found[key]) is float
    with pytest.raises(KeyError, match="no metric 'mAP'"):
        found["mAP"]
    assert repr(found) == "<boxes of 1,234 images: AP=0.300, AP50=0.300, AP75=0.300, AR100=0.300>"


def test_without_resamples_there_are_no_intervals():
    found = estimated([[0.2] * 12], np.zeros((0, 1, 12)))
    assert found.intervals.shape == (12, 2) and np.isnan(found.intervals).all()
    assert found.class_intervals.shape == (1, 12, 2) and np.isnan(found.class_intervals).all()


def test_intervals_hold_the_value_and_stay_within_0_and_1():
    rng = np.random.default_rng(0)
    samples = np.clip(rng.normal(0.97, 0.05, (200, 2, 12)), 0, None)
    found = estimated([[0.97] * 12, [0.99] * 12], samples)
    for low, high in (found.intervals.T, np.moveaxis(found.class_intervals, -1, 0)):
        assert (low >= 0).all() and (high <= 1).all() and (low < high).all()
    assert (found.intervals[:, 0] <= found.values).all() and (found.values <= found.intervals[:, 1]).all()
    wide, narrow = (estimated(found.classes, samples, level).intervals for level in (0.99, 0.5))
    assert (np.diff(wide) > np.diff(narrow)).all()
