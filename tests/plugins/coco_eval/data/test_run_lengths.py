"""Run-length masks, compared with pycocotools' own encoder."""

import json

import numpy as np
import pytest
from pycocotools import mask

from tintbox.plugins.coco_eval.data import run_lengths
from tintbox.plugins.coco_eval.data.rows import Rows
from tintbox.plugins.coco_eval.data.run_lengths import encode, pixels


def test_pixels_of_run_lengths():
    rng = np.random.default_rng(1)
    texts, areas = [], []
    for i in range(200):
        height, width = rng.integers(1, 300, 2)
        share = rng.choice([0.0, 0.01, 0.5, 0.99, 1.0])
        m = rng.random((height, width)) < share
        m[: height // 2] &= bool(i % 2)
        texts.append(mask.encode(np.asfortranarray(m.astype(np.uint8)))["counts"].decode())
        areas.append(height * width)
    assert pixels(texts).tolist() == areas
    wrong = ["", "garbage", "zz{", "é", "`", "PPPPPPPPPPPPPP", "O"]
    mixed = [texts[0], *wrong, texts[1]]
    found = pixels(mixed).tolist()
    assert found[0] == areas[0] and found[-1] == areas[1]
    assert found[1] == found[4] == found[5] == found[6] == found[7] == -1
    assert pixels([]).tolist() == []


def rle(masks):
    return encode(np.asarray(masks))


def test_a_mask_is_read_in_both_forms():
    masks = np.random.default_rng(0).random((3, 5, 4)) < 0.5
    packed = rle(masks)
    borders = [np.flatnonzero(np.diff(m.T.ravel().astype(int), prepend=0)) for m in masks]
    plain = [{"size": [5, 4], "counts": np.diff([0, *b, 20]).tolist()} for b in borders]
    images = {1: {"height": 5, "width": 4}, 2: {}}
    for values in (packed, plain):
        rows = Rows("x.json", "", [{"segmentation": value} for value in values])
        assert run_lengths.read_masks(rows, np.array([1, 2, 1]), images) == packed


@pytest.mark.parametrize("count", [0, 1, run_lengths.CHUNK, run_lengths.CHUNK + 1, 3 * run_lengths.CHUNK])
def test_pixels_come_in_chunks(count):
    texts = [m["counts"] for m in rle(np.ones((count, 3, 7)))]
    assert pixels(texts).tolist() == [21] * count


def test_boxes_and_areas_are_pycocotools():
    masks = np.zeros((2, 8, 9))
    masks[0, 2:5, 3:9] = 1
    found = rle(masks)
    assert run_lengths.boxes_of(found).tolist() == [[3, 2, 6, 3], [0, 0, 0, 0]]
    assert run_lengths.areas_of(found).tolist() == [18, 0]
    assert run_lengths.boxes_of([]).shape == (0, 4) and run_lengths.areas_of([]).shape == (0,)


@pytest.mark.parametrize(
    ("counts", "covered"),
    [([3, 4], 7), ([], 0), ([0], 0), ([-1, 8], -1), ([1.0, 6], -1), ([True, 6], -1), (["7"], -1), ([2**32], -1)],
)
def test_plain_counts(counts, covered):
    assert run_lengths.cover([{"counts": counts}]).tolist() == [covered]


def test_both_forms_beside_each_other():
    masks = [{"counts": [7]}, rle(np.ones((1, 2, 3)))[0], {"counts": ["x"]}, {"counts": "~"}]
    assert run_lengths.cover(masks).tolist() == [7, 6, -1, -1]


@pytest.mark.parametrize(
    ("size", "is_one"),
    [([1, 1], True), ([65_535, 65_535], True), ([65_536, 1], False), ([0, 1], False), ([1], False), ([1, 2, 3], False),
     ((1, 2), False), ([1.0, 2], False), ([True, 2], False), (None, False)],
)  # fmt: skip
def test_sizes(size, is_one):
    assert run_lengths.is_size(size) is is_one
    assert run_lengths.are_run_lengths({"counts": "", "size": size}) is is_one


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
