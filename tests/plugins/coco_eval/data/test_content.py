"""Conversion of a caller's data to the form of COCO's JSON."""

from datetime import datetime

import numpy as np
import pytest
import torch

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data import content

COLUMNS = {"image_id": [7, 7, 9], "category_id": np.array([2, 1, 2]), "bbox": torch.ones(3, 4)}


def test_columns_become_rows_and_their_ids_images_and_categories():
    truth = content.read_truth(COLUMNS)
    assert [row["image_id"] for row in truth["annotations"]] == [7, 7, 9]
    assert truth["annotations"][2]["bbox"] == [1.0, 1.0, 1.0, 1.0]
    assert truth["images"] == [{"id": 7}, {"id": 9}]
    assert truth["categories"] == [{"id": 2, "name": "2"}, {"id": 1, "name": "1"}]
    named = content.read_truth({**COLUMNS, "images": [9, 7, 8], "categories": {1: "a", 2: "b"}})
    assert [image["id"] for image in named["images"]] == [9, 7, 8]
    assert named["categories"] == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.mark.parametrize("ids", [range(7, 10), {7, 8, 9}, {7: "a", 8: "b", 9: "c"}.keys(), frozenset({7, 8, 9})])
def test_ids_are_any_collection(ids):
    truth = content.read_truth({**COLUMNS, "image_id": range(7, 10), "images": ids, "categories": range(3)})
    assert sorted(image["id"] for image in truth["images"]) == [row["image_id"] for row in truth["annotations"]]


def test_detections_are_rows_already_or_columns():
    row = {"image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1], "score": 0.5}
    assert content.read_detections([row]) == [row]
    columns = {key: np.array([value]) for key, value in row.items()}
    assert content.read_detections(columns) == [row]


def test_dates_in_fields_that_are_not_read_do_no_harm():
    truth = {"images": [{"id": 1, "date_captured": datetime(2026, 1, 2)}], "annotations": [], "categories": [{"id": 1}]}
    assert content.read_truth(truth)["images"] == [{"id": 1, "date_captured": "2026-01-02 00:00:00"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"bbox": torch.ones(2, 4)}, "truth"), ({"bbox": None}, "truth"), ({"category_id": object()}, "truth")],
)
def test_columns_that_do_not_go_together(change, message):
    with pytest.raises(TintboxError, match=message) as error:
        content.read_truth({**COLUMNS, **change})
    assert "\n" not in str(error.value)
