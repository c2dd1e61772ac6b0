"""Ground-truth masks are checked before pycocotools rasterizes them."""

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.limits import MASK_SIDE, POLYGON_LENGTH
from tintbox.plugins.coco_eval.data import outlines
from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.plugins.coco_eval.data.truth import Truth

TRIANGLE = [0, 0, 9, 0, 9, 9]
RLE = encode(np.eye(12, 10)[None])[0]
PLAIN = {"size": [12, 10], "counts": [20, 30, 70]}


def truth(*segmentations, **size):
    picture = {"id": 4, "height": 12, "width": 10, **size}
    rows = [{"id": i, "image_id": 4, "segmentation": value} for i, value in enumerate(segmentations)]
    return Truth([picture], rows, [])


def test_all_of_cocos_forms_beside_each_other():
    outlines.check_masks(truth([TRIANGLE], RLE, PLAIN, [TRIANGLE, [1.5, 2, 3, 4, 5, 6, 7, 8]]))
    outlines.check_masks(truth())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"\[1\] has segmentation None, neither polygons"),
        ([], r"\[1\] has segmentation \[\], neither polygons"),
        ([[]], "neither polygons"),
        ([[0, 0, 9, 0]], "neither polygons"),
        ([[0, 0, 9, 0, 9, 9, 1]], "neither polygons"),
        ([[0, 0, 9, 0, 9, "9"]], "neither polygons"),
        ([[0, 0, 9, 0, 9, True]], "neither polygons"),
        ([TRIANGLE, 3], "neither polygons"),
        ({"size": [12, 10]}, "neither polygons"),
        (np.eye(12, 10, dtype=int).tolist(), "neither polygons"),  # an array
        ({**RLE, "size": [10, 12]}, "has a mask that is not of its image's height and width"),
        ({**PLAIN, "counts": [20, 30]}, "has a mask whose counts do not add up to its height times width"),
        ({**PLAIN, "counts": [20, -30, 130]}, "has a mask whose counts do not add up"),
        ({**RLE, "counts": "zz{"}, "has a mask whose counts do not add up"),
        ([[0, 0, 1e9, 0, 5, 5]], f"has polygons of more than {POLYGON_LENGTH:,} pixels around"),
        ([[0, 0, float("nan"), 0, 5, 5]], "has polygons of more than"),
        ([[0, 0, float("inf"), 0, 5, 5]], "has polygons of more than"),
        ([[0, 0, 10**400, 0, 5, 5]], "has polygons of more than"),
        ([TRIANGLE, [0, 0, -1e300, 0, 5, 5]], "has polygons of more than"),
    ],
)
def test_what_is_no_mask(value, message):
    with pytest.raises(TintboxError, match=message) as caught:
        outlines.check_masks(truth([TRIANGLE], value, RLE))
    assert "\n" not in str(caught.value) and "[1]" in str(caught.value)


@pytest.mark.parametrize("size", [{"height": None}, {"width": 0}, {"height": MASK_SIDE + 1}, {"width": 10.0}])
def test_a_picture_without_a_size(size):
    with pytest.raises(TintboxError, match=f"masks need both, from 1 to {MASK_SIDE}"):
        outlines.check_masks(truth([TRIANGLE], **size))


def test_all_objects_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(outlines, "POLYGON_LENGTHS", 53)
    with pytest.raises(TintboxError, match="its polygons are 54 pixels around, 53 are the most"):
        outlines.check_masks(truth([TRIANGLE], RLE, [TRIANGLE]))
    monkeypatch.setattr(outlines, "POLYGON_LENGTHS", 54)
    outlines.check_masks(truth([TRIANGLE], RLE, [TRIANGLE]))


def test_lengths_are_those_around_an_object_s_polygons():
    square = [5, 5, 8, 5, 8, 8, 5, 8]
    found = outlines._lengths([[square], [TRIANGLE, square], [[0, 0, 10, 5, 0, 5]]])
    # The length of a step is its larger component, along which pycocotools draws a polygon pixel by pixel.
    assert found.tolist() == [12, 27 + 12, 10 + 10 + 5]
    assert outlines._lengths([]).tolist() == []
