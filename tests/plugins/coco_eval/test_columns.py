"""Truth and detections as columns of numbers."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.columns import Columns, find_outside, ranks, sorted_ids
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.plugins.coco_eval.data.truth import Truth

TRUTH = Truth(
    [{"id": 9}, {"id": 4}],
    [
        {"image_id": 9, "category_id": 5, "bbox": [0, 0, 2, 3], "area": 5.5},
        {"image_id": 4, "category_id": 2, "bbox": [1, 1, 4, 4], "area": 16, "iscrowd": 1},
    ],
    [{"id": 5, "name": "b"}, {"id": 2, "name": "a"}],
)


def found(**changes):
    values = {"image_id": [4, 9, 9], "category_id": [2, 2, 5], "bbox": [[1, 1, 4, 4.0]] * 3, "score": [0.5, 1, 0]}
    return Detections(*(np.array(values[key]) for key in ("image_id", "category_id", "bbox", "score")), **changes)


def test_pictures_and_classes_go_by_their_rank():
    columns = Columns.of(TRUTH, found())
    assert (columns.images, columns.class_ids.tolist(), len(columns)) == (2, [2, 5], 3)
    assert columns.truth_image.tolist() == [1, 0] and columns.truth_class.tolist() == [1, 0]
    assert columns.image.tolist() == [0, 1, 1] and columns.label.tolist() == [0, 0, 1]
    assert columns.truth_area.tolist() == [5.5, 16] and columns.area.tolist() == [16] * 3
    assert columns.crowd.tolist() == [False, True] and columns.crowd.dtype == bool
    assert columns.overlap(np.array([0]), np.array([1])).tolist() == [1]


def test_the_area_is_the_masks_where_there_is_no_other_box():
    masks = encode(np.tri(4, dtype=bool)[None].repeat(3, 0))
    for own, area in ((True, 16), (False, 10)):
        columns = Columns.of(TRUTH, found(segmentation=masks, own_boxes=own))
        assert columns.area.tolist() == [area] * 3


def test_nothing_at_all():
    columns = Columns.of(Truth([], [], []), Detections.empty())
    assert len(columns) == 0 and columns.images == 0 and len(columns.truth_area) == 0
    columns = Columns.of(TRUTH, Detections.empty())
    assert len(columns) == 0 and len(columns.truth_area) == 2


@pytest.mark.parametrize(("image", "label", "name"), [(5, 2, "image_id 5"), (4, 3, "category_id 3")])
def test_what_the_truth_does_not_list(image, label, name):
    wrong = Detections(np.array([image]), np.array([label]), np.ones((1, 4)), np.ones(1))
    with pytest.raises(TintboxError, match=f"detections: {name} is not in the truth"):
        Columns.of(TRUTH, wrong)


def test_both_ends_of_a_range_are_in_it():
    assert find_outside(np.array([0.9, 1, 1.5, 2, 2.1]), (1, 2)).tolist() == [True, False, False, False, True]


def test_ranks_are_places_in_the_sorted_ids():
    ids = [2**62, -5, 7, 0, 2**53 + 1, 2**53]
    known = sorted_ids([*ids, 7])
    assert known.tolist() == sorted(ids)
    assert ranks(known, ids, "image").tolist() == [sorted(ids).index(i) for i in ids]


def test_no_ids():
    assert ranks(sorted_ids([]), [], "image").dtype == np.int64


@pytest.mark.parametrize("lost", [-1, 4, 9])
def test_an_unknown_id_is_named(lost):
    with pytest.raises(TintboxError, match=rf"image {lost} is not in the truth \(2 such rows\)"):
        ranks(sorted_ids([0, 3, 8]), [3, lost, lost], "image")
