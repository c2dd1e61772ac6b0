"""The numbers equal pycocotools'."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import bootstrap, matcher, overlaps
from tintbox.plugins.coco_eval.accumulation import accumulate
from tintbox.plugins.coco_eval.columns import Columns
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.matcher import match
from tintbox.plugins.coco_eval.metrics import KEYS, METRICS, overall, per_class

TOLERANCE = 1e-9


def as_stats(values):
    """The values with COCO's -1 for "n/a"."""
    return np.where(np.isnan(values), -1, values)


def matches_of(truth, detections, iou_type="bbox"):
    return match(Columns.of(truth, detections, iou_type))


def numbers_of(truth, detections, iou_type="bbox"):
    return per_class(accumulate(matches_of(truth, detections, iou_type)[0]))


def assert_equal_to_pycocotools(synthetic, truth, detections, iou_type):
    matched, _ = matches_of(truth, detections, iou_type)
    theirs = synthetic.pycocotools(truth, detections, iou_type)
    curves = accumulate(matched)
    np.testing.assert_allclose(curves.precision, theirs.eval["precision"], atol=TOLERANCE)
    np.testing.assert_allclose(curves.recall, theirs.eval["recall"], atol=TOLERANCE)
    classes = per_class(curves)
    np.testing.assert_allclose(as_stats(overall(classes)), theirs.stats, atol=TOLERANCE)
    # With every image counted once, the result is the evaluation itself.
    once = bootstrap.reweight(matched, np.ones((len(truth.images), 1)))[0]
    np.testing.assert_allclose(once, classes, atol=TOLERANCE)
    for k in range(len(truth.categories)):  # pycocotools' own mean over one class
        precision = theirs.eval["precision"][:, :, k, 0, -1]
        expected = precision[precision > -1].mean() if (precision > -1).any() else np.nan
        np.testing.assert_allclose(classes[k, 0], expected, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.smoke
def test_random_cases(synthetic, seed):
    truth, detections = synthetic.case(seed, crowded=seed % 2 == 0, ties=seed % 3 != 0)
    assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")


@pytest.mark.parametrize("flipped", [(2,), (3,), (2, 3)])
def test_boxes_with_their_sides_the_wrong_way_round(synthetic, flipped):
    """End-to-end heads, such as YOLO26's, sometimes output such boxes."""
    truth, detections = synthetic.case(1)
    boxes = detections.bbox.copy()
    boxes[::3, flipped] *= -1
    assert_equal_to_pycocotools(synthetic, truth, replace(detections, bbox=boxes), "bbox")


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_masks(synthetic, iou_type):
    truth, detections = synthetic.case(11, images=12, masks=True)
    assert_equal_to_pycocotools(synthetic, truth, detections, iou_type)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), chunk=st.sampled_from([1, 7, 1 << 20]))
def test_equal_overlaps(synthetic, seed, chunk):
    """Boxes on a grid: equal overlaps, overlaps equal to a threshold, sizes on both sides of a limit, and crowds."""
    rng = np.random.default_rng(seed)
    images, objects, found = 3, int(rng.integers(0, 25)), int(rng.integers(1, 60))
    truth_box, box = (
        np.concatenate([20 * rng.integers(0, 3, (n, 2)), rng.choice([20, 32, 33, 40], (n, 2))], axis=1).astype(float)
        for n in (objects, found)
    )
    annotations = [
        {"id": i + 1, "image_id": int(rng.integers(images)), "category_id": int(rng.integers(2)), "bbox": own.tolist(),
         "area": float(own[2] * own[3] * rng.choice([0.5, 1])), "iscrowd": int(rng.random() < 0.15)}
        for i, own in enumerate(truth_box)
    ]  # fmt: skip
    truth = Truth([{"id": i} for i in range(images)], annotations, [{"id": i, "name": str(i)} for i in range(2)])
    places = rng.integers(0, images, found), rng.integers(0, 2, found)
    detections = Detections(*places, box, rng.integers(0, 4, found) / 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlaps, "CHUNK", chunk)
        patch.setattr(matcher, "STEP", chunk)
        assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")
        assert_equal_partners(synthetic, truth, detections, "bbox")


def assert_equal_partners(synthetic, truth, detections, iou_type):
    theirs = synthetic.pycocotools(truth, detections, iou_type)
    found, ignored = np.full(len(detections), -1), np.ones(len(detections), bool)
    for entry in theirs.evalImgs:
        if entry is not None and entry["aRng"] == theirs.params.areaRng[0]:
            rows = np.array(entry["dtIds"], int) - 1
            found[rows], ignored[rows] = np.array(entry["dtMatches"][0], int) - 1, entry["dtIgnore"][0]
    _, partners = matches_of(truth, detections, iou_type)
    np.testing.assert_array_equal(partners.truth, found)
    np.testing.assert_array_equal(partners.ignored, ignored)


def renamed(truth, detections, images, categories, objects):
    """Return both with other ids, given three functions from old to new ids."""
    new = Truth(
        [{**image, "id": images(image["id"])} for image in truth.images],
        [
            {
                **row,
                "id": objects(row["id"]),
                "image_id": images(row["image_id"]),
                "category_id": categories(row["category_id"]),
            }
            for row in truth.annotations
        ],
        [{**category, "id": categories(category["id"])} for category in truth.categories],
    )
    image = np.array([images(i) for i in detections.image_id.tolist()], np.int64)
    label = np.array([categories(i) for i in detections.category_id.tolist()], np.int64)
    return new, replace(detections, image_id=image, category_id=label)


@pytest.mark.attack("numbers")
@pytest.mark.parametrize("start", [2**53 + 1, 2**62, -(2**53) - 1, -(2**63), -3, 0])
@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_large_and_negative_ids(synthetic, start, iou_type, tmp_path):
    """Adjacent integers above 2**53 are equal as floats."""
    truth, detections = synthetic.case(3, images=9, masks=iou_type == "segm")
    places = [sorted(row["id"] for row in rows) for rows in (truth.images, truth.categories)]
    plain = numbers_of(truth, detections, iou_type)
    truth, detections = renamed(
        truth,
        detections,
        *(lambda i, known=known: start + known.index(i) for known in places),
        lambda i: start + 100 + i,
    )
    assert_equal_to_pycocotools(synthetic, truth, detections, iou_type)
    np.testing.assert_array_equal(numbers_of(truth, detections, iou_type), plain)
    truth.save(tmp_path / "gt.json")
    detections.save(tmp_path / "dt.json")
    read = Truth.read(tmp_path / "gt.json")
    assert read == truth
    again = Detections.read(tmp_path / "dt.json", read)
    assert again.image_id.tolist() == detections.image_id.tolist()
    assert again.category_id.tolist() == detections.category_id.tolist()


IDS = st.integers(-(2**63), 2**63 - 1) | st.integers(2**53 - 3, 2**53 + 3) | st.integers(-9, 9)


@pytest.mark.attack("numbers")
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), seed=st.integers(0, 50))
def test_any_ids(synthetic, data, seed):
    truth, detections = synthetic.case(seed, images=6, many=False)
    names = [
        dict(zip(old, data.draw(st.lists(IDS.filter(bool) if rows is truth.annotations else IDS, min_size=len(old),
                                         max_size=len(old), unique=True))))
        for rows in (truth.images, truth.categories, truth.annotations)
        for old in [sorted(row["id"] for row in rows)]
    ]  # fmt: skip
    truth, detections = renamed(truth, detections, *(name.__getitem__ for name in names))
    assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")


def test_sizes_without_objects_are_not_zero(synthetic):
    truth, detections = synthetic.case(0)
    small = [a for a in truth.annotations if a["area"] < 32**2]
    values = overall(numbers_of(Truth(truth.images, small, truth.categories), detections))
    assert np.isnan(values[KEYS.index("AP_large")])
    assert np.isnan(values[KEYS.index("AR_medium")])
    assert values[KEYS.index("AP_small")] > 0


def test_no_detections_are_zero(synthetic):
    truth, _ = synthetic.case(0)
    values = overall(numbers_of(truth, Detections.empty()))
    assert values[0] == 0
    assert values[KEYS.index("AR100")] == 0
    once = bootstrap.reweight(matches_of(truth, Detections.empty())[0], np.ones((len(truth.images), 2)))
    np.testing.assert_array_equal(overall(once)[0], values)


def test_published_values(synthetic, shared_data):
    folder = shared_data / "cocoeval"
    expected = json.loads((folder / "expected.json").read_text())
    for name, tolerance in (("cocoapi_fakebbox100", TOLERANCE), ("padilla_review", 1e-6)):
        case = expected[name]
        truth = Truth.read(folder / name / case["gt"])
        detections = Detections.read(folder / name / case["dt"], truth)
        values = overall(numbers_of(truth, detections))
        np.testing.assert_allclose(values, case["stats"], atol=tolerance)
        assert_equal_to_pycocotools(synthetic, truth, detections, "bbox")


def test_the_twelve_are_in_cocos_order():
    assert KEYS[:6] == ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    assert [m.max_detections for m in METRICS[6:9]] == [1, 10, 100]


@pytest.mark.parametrize(("seed", "iou_type"), [(0, "bbox"), (1, "bbox"), (2, "bbox"), (11, "segm")])
def test_partners_are_those_of_pycocotools(synthetic, seed, iou_type):
    """With equal scores, crowds, and more than 100 detections of a class in an image."""
    truth, detections = synthetic.case(seed, images=12, masks=iou_type == "segm")
    assert_equal_partners(synthetic, truth, detections, iou_type)


@pytest.mark.attack("numbers")
def test_an_unknown_negative_id_is_told(synthetic):
    truth, detections = synthetic.case(1, images=3)
    below = {image["id"]: -10 - i for i, image in enumerate(truth.images)}
    truth, detections = renamed(truth, detections, below.__getitem__, int, int)
    detections.image_id[0] = -1
    with pytest.raises(TintboxError, match=r"image_id -1 is not in the truth \(1 such"):
        Columns.of(truth, detections)
