"""The cost of errors in small cases with known results; test_references.py compares with other programs."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import matcher
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors.tide import KINDS, SPECIALS

from .conftest import detections_of, explain, truth_of

A, B = 1, 2
HERE, THERE = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 10.0, 10.0)
NEAR_HERE = (0.0, 0.0, 10.0, 4.0)  # IoU 0.4
NEAR_THERE = (50.0, 50.0, 10.0, 3.0)  # IoU 0.3
NOWHERE = (80.0, 0.0, 10.0, 10.0)
HALF = 51 / 101  # AP if one object of two is found first: 51 of the 101 recalls are at most 0.5


# name: objects, detections, kinds of the detections, AP, non-zero gains, non-zero counts
TINY = {
    "perfect": ([(A, HERE)], [(A, HERE, 0.9)], ["true positive"], 1, {}, {}),
    "classification": (  # the wrong detection has the highest score: it halves a's precision, and b has no detection
        [(A, HERE), (B, THERE)],
        [(A, HERE, 0.9), (A, THERE, 0.95)],
        ["true positive", "classification"],
        0.25,
        {"classification": 0.75, "false positives": 0.25, "false negatives": 0.5},
        {"classification": 1, "false positives": 1, "false negatives": 1},
    ),
    "localisation": (
        [(A, HERE), (A, THERE)],
        [(A, THERE, 0.9), (A, NEAR_HERE, 0.8)],
        ["true positive", "localisation"],
        HALF,
        {"localisation": 50 / 101, "false negatives": 50 / 101},
        {"localisation": 1, "false positives": 1, "false negatives": 1},
    ),
    "both": (
        [(A, HERE), (B, THERE)],
        [(A, HERE, 0.9), (A, NEAR_THERE, 0.95)],
        ["true positive", "both"],
        0.25,
        # without its only object, b has nothing to find and no detections: AP 1
        {"both": 0.25, "missed": 0.5, "false positives": 0.25, "false negatives": 0.5},
        {"both": 1, "missed": 1, "false positives": 1, "false negatives": 1},
    ),
    "duplicate": (  # precision 1 up to recall 0.5, then 2/3
        [(A, HERE), (A, THERE)],
        [(A, HERE, 0.9), (A, HERE, 0.8), (A, THERE, 0.7)],
        ["true positive", "duplicate", "true positive"],
        (51 + 50 * 2 / 3) / 101,
        {"duplicate": 50 / 3 / 101, "false positives": 50 / 3 / 101},
        {"duplicate": 1, "false positives": 1},
    ),
    "background": (
        [(A, HERE)],
        [(A, NOWHERE, 0.95), (A, HERE, 0.9)],
        ["background", "true positive"],
        0.5,
        {"background": 0.5, "false positives": 0.5},
        {"background": 1, "false positives": 1},
    ),
    "missed": (
        [(A, HERE), (A, THERE)],
        [(A, HERE, 0.9)],
        ["true positive"],
        HALF,
        {"missed": 50 / 101, "false negatives": 50 / 101},
        {"missed": 1, "false negatives": 1},
    ),
    "a repair that would find an object twice": (
        [(A, HERE)],
        [(A, NEAR_HERE, 0.9), (A, NEAR_HERE, 0.8)],
        ["localisation", "localisation"],
        0,
        {"localisation": 1},
        {"localisation": 2, "false positives": 2, "false negatives": 1},
    ),
    "a repair of what is found": (
        [(A, HERE)],
        [(A, NEAR_HERE, 0.95), (A, HERE, 0.9)],
        ["localisation", "true positive"],
        0.5,
        {"localisation": 0.5, "false positives": 0.5},
        {"localisation": 1, "false positives": 1},
    ),
    "one object, two kinds": (  # the higher score is repaired, whichever oracle applies; b's wrong detection is removed
        [(A, HERE), (B, THERE)],
        [(A, NEAR_HERE, 0.9), (B, HERE, 0.8), (B, THERE, 0.7)],
        ["localisation", "classification", "true positive"],
        0.25,
        {"localisation": 0.5, "classification": 0.25, "false positives": 0.25},
        {"localisation": 1, "classification": 1, "false positives": 2, "false negatives": 1},
    ),
    "nothing detected": (
        [(A, HERE), (B, THERE)],
        [],
        [],
        0,
        {"missed": 1, "false negatives": 1},
        {"missed": 2, "false negatives": 2},
    ),
    "IoU as large as the threshold": (  # 50 / 100, and already found: a duplicate
        [(A, HERE), (A, THERE)],
        [(A, HERE, 0.9), (A, (0.0, 0.0, 10.0, 5.0), 0.8), (A, THERE, 0.7)],
        ["true positive", "duplicate", "true positive"],
        (51 + 50 * 2 / 3) / 101,
        {"duplicate": 50 / 3 / 101, "false positives": 50 / 3 / 101},
        {"duplicate": 1, "false positives": 1},
    ),
}


@pytest.mark.parametrize("name", TINY)
def test_one_picture_by_hand(name):
    objects, found, kinds, ap, gains, counts = TINY[name]
    labels = {label for label, _ in objects}
    result = explain(truth_of([(1, *o) for o in objects], classes=2), detections_of([(1, *d) for d in found]))
    assert result.detection_kind.tolist() == kinds
    assert result.overall.ap == pytest.approx(ap, abs=1e-9)
    assert result.overall.gain == pytest.approx(dict.fromkeys(KINDS + SPECIALS, 0.0) | gains, abs=1e-9)
    assert result.overall.count == dict.fromkeys(KINDS + SPECIALS, 0) | counts
    if labels == {A}:
        assert result.classes[0].gain == pytest.approx(result.overall.gain)
        assert np.isnan(result.classes[1].ap) and np.isnan(list(result.classes[1].gain.values())).all()
        assert result.classes[1].as_dict()["AP"] is None


def test_each_detection_and_object_by_hand():
    truth = truth_of([(1, A, HERE), (1, A, THERE), (1, B, (20.0, 20.0, 10.0, 10.0)), (2, A, HERE)], images=3)
    found = [
        (1, A, HERE, 0.9),  # finds row 0
        (1, A, HERE, 0.8),  # again
        (1, A, NEAR_THERE, 0.7),  # poorly localised on row 1
        (1, B, THERE, 0.6),  # row 1 is an a
        (1, A, (20.0, 20.0, 10.0, 4.0), 0.5),  # poorly localised on row 2, which is a b
        (3, A, HERE, 0.4),  # an empty image
    ]
    result = explain(truth, detections_of(found))
    kinds = ["true positive", "duplicate", "localisation", "classification", "both", "background"]
    assert result.detection_kind.tolist() == kinds
    assert result.detection_truth.tolist() == [0, 0, 1, 1, 2, -1]
    assert result.truth_kind.tolist() == ["found", "covered", "missed", "missed"]
    assert [loss.count["false positives"] for loss in result.classes] == [4, 1]
    assert [loss.count["false negatives"] for loss in result.classes] == [2, 1]
    assert [loss.objects for loss in result.classes] == [3, 1]


def test_the_class_that_was_meant_gains_from_a_repaired_class():
    result = explain(truth_of([(1, A, HERE), (1, B, THERE)]), detections_of([(1, A, HERE, 0.9), (1, A, THERE, 0.95)]))
    assert [loss.gain["classification"] for loss in result.classes] == pytest.approx([0.5, 1.0])


def test_crowd_regions_and_what_is_beyond_the_limit_count_for_nothing(monkeypatch):
    monkeypatch.setattr(matcher, "MAX_DETECTIONS", (1, 2))
    truth = truth_of([(1, A, HERE), (1, A, (40.0, 40.0, 60.0, 60.0))], crowd=[1])
    found = [(1, A, HERE, 0.9), (1, A, THERE, 0.8), (1, A, NOWHERE, 0.7)]
    result = explain(truth, detections_of(found))
    assert result.detection_kind.tolist() == ["true positive", "ignored", "ignored"]
    assert result.detection_truth.tolist() == [0, 1, -1]
    assert result.truth_kind.tolist() == ["found", "ignored"]
    assert result.overall.ap == pytest.approx(1) and result.overall.objects == 1
    assert not any(result.overall.count.values())


def test_without_objects_there_is_no_ap():
    result = explain(truth_of([]), detections_of([(1, A, HERE, 0.5)]))
    assert np.isnan(result.overall.ap) and np.isnan(result.overall.gain["background"])
    assert result.overall.count["background"] == 1
    assert result.as_dict()["overall"]["gain"]["background"] is None


def test_an_emptied_class_in_which_something_was_detected_keeps_no_precision():
    result = explain(truth_of([(1, A, HERE)]), detections_of([(1, A, NOWHERE, 0.5)]))
    assert result.overall.gain == pytest.approx(dict.fromkeys(KINDS + SPECIALS, 0.0))
    assert result.overall.count["missed"] == 1


def test_an_unknown_picture_is_refused():
    with pytest.raises(TintboxError, match=r"image_id 7 is not in the truth \(1 such"):
        explain(truth_of([(1, A, HERE)]), detections_of([(7, A, HERE, 0.5)]))


def test_pictures_without_sizes_and_no_detections_at_all():
    truth = truth_of([(1, A, HERE)])
    bare = Truth([{"id": 1}], truth.annotations, truth.categories)
    assert explain(bare, detections_of([(1, A, HERE, 0.5)])).overall.ap == pytest.approx(1)
    assert explain(Truth([], [], []), detections_of([])).overall.objects == 0
