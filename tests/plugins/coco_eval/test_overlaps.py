"""Overlaps of pairs, compared with pycocotools and with all pairs computed one by one."""

import numpy as np
import pytest
from pycocotools import mask

from tintbox.plugins.coco_eval import overlaps
from tintbox.plugins.coco_eval.data.run_lengths import encode
from tintbox.plugins.coco_eval.data.truth import Truth


@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_all_those_of_equal_keys(monkeypatch, seed, chunk):
    monkeypatch.setattr(overlaps, "CHUNK", chunk)
    rng = np.random.default_rng(seed)
    keys, own = np.sort(rng.integers(0, 6, 12)), rng.integers(0, 6, 9)
    parts = list(overlaps.pairs(keys, own))
    found = [(int(d), int(o)) for part in parts for d, o in zip(*part, strict=True)]
    assert found == [(d, o) for d in range(12) for o in range(9) if keys[d] == own[o]]


def test_no_pairs():
    none = np.zeros(0, int)
    assert list(overlaps.pairs(none, np.array([1]))) == []
    ((found, objects),) = overlaps.pairs(np.array([1, 2]), none)
    assert len(found) == len(objects) == 0


def every_pair(n, m):
    """Rows of all pairs, ordered by detection."""
    return np.repeat(np.arange(n), m), np.tile(np.arange(m), n)


def test_boxes_are_those_of_pycocotools_to_the_last_bit():
    rng = np.random.default_rng(0)
    boxes, objects = (np.concatenate([rng.random((n, 2)) * 50, rng.random((n, 2)) * 40], 1) for n in (40, 30))
    boxes[0], boxes[1] = (0, 0, 10, 10), (10, 0, 10, 10)
    objects[0], objects[1], objects[2] = (0, 0, 10, 10), (5, 0, 0, 10), (20, 0, 0, 0)
    crowd = rng.random(30) < 0.4
    found = overlaps.of_boxes(boxes, objects, crowd)(*every_pair(40, 30)).reshape(40, 30)
    assert np.array_equal(found, mask.iou(boxes, objects, crowd.astype(np.uint8)))
    assert found[0, 0] == 1 and found[1, 0] == 0, "boxes that touch do not overlap"


def test_boxes_smaller_than_any_float_do_not_overlap():
    tiny = np.array([[0, 0, 1e-200, 1e-200]])
    assert overlaps.of_boxes(tiny, tiny, np.array([False]))(np.array([0]), np.array([0])).tolist() == [0]


@pytest.mark.parametrize("form", ["compressed", "plain", "polygon"])
def test_masks_are_those_of_pycocotools_in_each_of_cocos_forms(form):
    rng = np.random.default_rng(1)
    found = rng.random((5, 12, 10)) < 0.5
    objects = np.zeros((4, 12, 10), bool)
    for i, (top, left) in enumerate(((0, 0), (2, 3), (5, 5), (1, 6))):
        objects[i, top : top + 5, left : left + 4] = True
    segments = encode(objects)
    if form == "plain":
        borders = [np.flatnonzero(np.diff(m.T.ravel().astype(int), prepend=0)) for m in objects]
        segments = [{"size": [12, 10], "counts": np.diff([0, *b, 120]).tolist()} for b in borders]
    if form == "polygon":
        segments = [[[x, y, x + 4, y, x + 4, y + 5, x, y + 5]] for y, x in ((0, 0), (2, 3), (5, 5), (1, 6))]
    truth = Truth(
        [{"id": 7, "height": 12, "width": 10}, {"id": 3, "height": 12, "width": 10}],
        [{"image_id": [7, 7, 3, 3][i], "segmentation": segments[i]} for i in range(4)],
        [],
    )
    crowd = np.array([False, True, False, True])
    rows, columns = np.array([0, 0, 1, 1, 2, 3, 4]), np.array([0, 1, 0, 1, 2, 3, 2])
    values = overlaps.of_masks(truth, encode(found), crowd)(rows, columns)
    expected = []
    for row, column in zip(rows, columns):
        both = (found[row] & objects[column]).sum()
        expected.append(both / (found[row].sum() if crowd[column] else (found[row] | objects[column]).sum()))
    assert values == pytest.approx(expected, abs=1e-12)
    none = np.zeros(0, int)
    assert len(overlaps.of_masks(truth, encode(found), crowd)(none, none)) == 0
