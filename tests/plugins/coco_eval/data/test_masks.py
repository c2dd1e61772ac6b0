"""Masks as run lengths, decoded again by pycocotools."""

import json

import numpy as np
import pytest
from pycocotools import mask

from tintbox.plugins.coco_eval.data.masks import encode


@pytest.mark.parametrize("kind", [bool, np.uint8, np.float32, np.int64])
def test_masks_are_what_pycocotools_decodes(kind):
    masks = (np.random.default_rng(0).random((5, 7, 11)) < 0.4).astype(kind)
    masks[0], masks[1] = 0, 1
    found = encode(masks)
    assert json.loads(json.dumps(found)) == found, "texts and numbers, as JSON has them"
    assert all(rle["size"] == [7, 11] for rle in found)
    for one, rle in zip(masks, found, strict=True):
        assert np.array_equal(mask.decode(rle), one.astype(np.uint8))


def test_runs_go_down_the_columns():
    one = np.zeros((1, 3, 2))
    one[0, 2, 0] = one[0, 0, 1] = 1  # the last pixel of the first column and the first of the second are adjacent
    assert encode(one) == [{"size": [3, 2], "counts": "222"}]


def test_no_masks():
    assert encode(np.zeros((0, 4, 5))) == []
