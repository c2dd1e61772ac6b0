"""Average precision, and its value after one kind of error is corrected."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tintbox.plugins.coco_eval.errors.oracles import Hits, put_right


def hits(label, right, objects):
    return Hits(np.array(label, int), np.array(right, bool), np.array(objects))


def test_by_hand():
    """Right, wrong, right, of two objects: precision 1 up to recall 1/2 (51 of 101), 2/3 beyond."""
    assert hits([0, 0, 0], [1, 0, 1], [2]).average_precision() == pytest.approx([(51 + 50 * 2 / 3) / 101])
    assert hits([0], [1], [1]).average_precision() == pytest.approx([1])
    assert hits([0], [0], [1]).average_precision() == pytest.approx([0])
    found = hits([1, 1], [1, 0], [0, 1, 3]).average_precision()
    assert np.isnan(found[0]) and found[1:] == pytest.approx([1, 0]), "no objects: no AP; nothing found: 0"


@pytest.mark.parametrize("seed", range(6))
def test_the_definition_is_that_of_pycocotools(seed):
    """Each object has its own image and is found or not, so that true positives are known without matching."""
    rng = np.random.default_rng(seed)
    n, classes = 40, 3
    label, right = rng.integers(0, classes, n), rng.random(n) < 0.6
    own = [(i, int(c)) for i, (c, r) in enumerate(zip(label, right)) if r]
    lost = [(n + i, int(c)) for i, c in enumerate(rng.integers(0, classes, 6))]
    boxes = [
        {"id": k, "image_id": i, "category_id": c, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0}
        for k, (i, c) in enumerate([*own, *lost], 1)
    ]
    scores = np.sort(rng.random(n))[::-1]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i} for i in range(n + 6)], "annotations": boxes, "info": {},
            "categories": [{"id": c} for c in range(classes)],
        }  # fmt: skip
        truth.createIndex()
        rows = [{"image_id": i, "category_id": int(label[i]), "bbox": [0, 0, 50, 50], "score": float(scores[i])}
                for i in range(n)]  # fmt: skip
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    expected = evaluation.eval["precision"][0, :, :, 0, 2].mean(0)
    objects = np.bincount([c for _, c in [*own, *lost]], minlength=classes)
    assert Hits(label, right, objects).average_precision() == pytest.approx(expected, abs=1e-9)


def repaired(kinds, becomes=None, right=None, label=None, objects=(2, 2), missed=(0, 0), lost=(0, 0)):
    n = len(kinds)
    right = [kind == "true positive" for kind in kinds] if right is None else right
    found = put_right(
        hits([0] * n if label is None else label, right, objects),
        np.array(kinds, object),
        np.array([-1] * n if becomes is None else becomes),
        np.array(missed),
        np.array(lost),
    )
    return dict(found)


def test_a_repaired_class_moves_the_detection_and_one_that_finds_nothing_goes():
    found = repaired(["classification", "true positive"], becomes=[1, -1], label=[0, 0], objects=[1, 1])
    assert found["classification"] == pytest.approx([1, 1])
    found = repaired(["classification", "true positive"], becomes=[-1, -1], label=[0, 0], objects=[1, 1])
    assert found["classification"] == pytest.approx([1, 0])


def test_a_repaired_box_finds_its_object():
    found = repaired(["localisation", "true positive"], becomes=[0, -1], objects=[2, 0])
    assert found["localisation"][0] == pytest.approx(1) and found["background"][0] < 1


@pytest.mark.parametrize("kind", ["both", "duplicate", "background"])
def test_what_is_only_wrong_is_left_out(kind):
    found = repaired([kind, "true positive"], objects=[1, 0])
    assert found[kind][0] == pytest.approx(1)
    assert found["false positives"][0] == pytest.approx(1)
    others = {"both", "duplicate", "background"} - {kind}
    assert all(found[other][0] == pytest.approx(0.5) for other in others)


def test_missed_objects_are_no_longer_asked_for():
    found = repaired(["true positive"], objects=[2, 1], missed=[1, 0], lost=[1, 1])
    assert found["missed"] == pytest.approx([1, 0])
    assert found["false negatives"] == pytest.approx([1, 1]), "a class without detections that is emptied is perfect"
    found = repaired(["background"], objects=[1, 0], lost=[1, 0])
    assert found["false negatives"][0] == 0, "one in which something was detected is not"


def test_every_kind_is_put_right_once_and_nothing_is_lost_by_it():
    rng = np.random.default_rng(0)
    kinds = rng.choice(["true positive", "classification", "localisation", "both", "duplicate", "background"], 60)
    found = repaired(list(kinds), becomes=rng.integers(-1, 2, 60), label=rng.integers(0, 2, 60), objects=[40, 40])
    assert len(found) == 8
    plain = Hits(np.zeros(0, int), np.zeros(0, bool), np.array([40, 40])).average_precision()
    assert all((ap >= plain).all() and (ap <= 1).all() for ap in found.values())
