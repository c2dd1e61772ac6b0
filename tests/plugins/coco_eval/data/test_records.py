"""Recorded predictions, and the validated part of a split."""

import numpy as np

from tintbox.plugins.coco_eval.data import records
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Split, Truth

SPLIT = Split(
    Truth(
        [{"id": 1}, {"id": 2}],
        [{"id": 1, "image_id": 1, "category_id": 5}, {"id": 2, "image_id": 2, "category_id": 6}],
        [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}],
    ),
    {"a.jpg": 1, "b.jpg": 2},
    {0: 5, 1: 6},
)


def test_pictures_that_were_not_validated_are_left_out_and_named(log):
    records.keep_validated(SPLIT, {"a.jpg", "b.jpg"})
    assert not log
    part = records.keep_validated(SPLIT, {"b.jpg"})
    assert part.truth.images == [{"id": 2}] and part.image_ids == {"b.jpg": 2}
    assert [row["id"] for row in part.truth.annotations] == [2] and part.truth.categories == SPLIT.truth.categories
    assert "1 of 2 images left out with their 1 object, as in Ultralytics (" in log[0][1] and log[0][1].endswith(
        ": a.jpg"
    )


def test_classes_that_were_left_out():
    part = records.keep_classes(SPLIT, {1})
    assert part.category_ids == {1: 6} and part.truth.categories == [{"id": 6, "name": "dog"}]
    assert [row["id"] for row in part.truth.annotations] == [2] and part.truth.images == SPLIT.truth.images


def test_a_single_class():
    one = records.single_class(SPLIT)
    assert {row["category_id"] for row in one.truth.annotations} == {1} and one.category_ids == {0: 1}
    assert SPLIT.truth.annotations[0]["category_id"] == 5, "the other split is as it was"


def test_predictions_of_classes_without_a_category_are_dropped():
    record = {"bbox": np.arange(12.0).reshape(3, 4), "score": np.array([0.9, 0.8, 0.7]), "class": np.array([1, 7, 0])}
    found = records.collect({"b.jpg": record, "a.jpg": {**record, "class": np.array([7, 7, 7])}}, SPLIT, masks=False)
    assert found.image_id.tolist() == [2, 2] and found.category_id.tolist() == [6, 5]
    assert found.bbox.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]] and found.score.tolist() == [0.9, 0.7]
    assert found.segmentation is None
    assert records.collect({}, SPLIT, masks=True).segmentation == []


def test_a_box_with_its_sides_the_wrong_way_round_stays_as_it_is(tmp_path):
    boxes = np.array([[-5.0, 2, 3, -1], [8, 9, -0.5, 11]])
    record = {"bbox": boxes, "score": np.array([0.9, 0.7]), "class": np.array([0, 1])}
    found = records.collect({"a.jpg": record}, SPLIT, masks=False)
    found.save(tmp_path / "predictions.json")
    assert Detections.read(tmp_path / "predictions.json", SPLIT.truth).bbox.tolist() == boxes.tolist()
