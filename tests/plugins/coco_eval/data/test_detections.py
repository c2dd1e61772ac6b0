"""Detections: COCO's result format is checked, and written so that pycocotools loads it."""

import json

import numpy as np
import pytest
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth

TRUTH = Truth(
    [{"id": i, "file_name": f"{i}.png", "width": 30, "height": 20} for i in (1, 2)],
    [],
    [{"id": 5, "name": "cat"}, {"id": 9, "name": "dog"}],
)


def row(**values):
    return {"image_id": 1, "category_id": 5, "bbox": [1, 2, 3.5, 4], "score": 0.5, **values}


def run_lengths(seed, height=20, width=30):
    """Return a random mask's run lengths in the format of COCO's JSON, and the mask."""
    pixels = np.random.default_rng(seed).random((height, width)) < 0.3
    rle = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
    return {"size": [height, width], "counts": rle["counts"].decode()}, pixels


def plain(pixels):
    """Return a mask's run lengths as a list."""
    flat = pixels.T.reshape(-1)
    borders = np.flatnonzero(np.diff(flat.astype(int), prepend=0))
    return {"size": list(pixels.shape), "counts": np.diff([0, *borders, flat.size]).tolist()}


@pytest.fixture
def file(tmp_path):
    """Write a file of detections."""

    def write(content):
        path = tmp_path / "preds.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def message(path, truth=TRUTH):
    """Return the one-line message of the error that reading raises."""
    with pytest.raises(TintboxError) as error:
        Detections.read(path, truth)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def assert_same(a, b):
    for name in ("image_id", "category_id", "bbox", "score"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), strict=True)
    assert a.segmentation == b.segmentation and a.own_boxes == b.own_boxes


def test_columns(file):
    found = Detections.read(file([row(), row(image_id=2, category_id=9.0, score=1, bbox=[0, 0, -0.5, 2])]), TRUTH)
    assert found.image_id.tolist() == [1, 2] and found.image_id.dtype == np.int64
    assert found.category_id.tolist() == [5, 9] and found.category_id.dtype == np.int64
    assert found.bbox.tolist() == [[1, 2, 3.5, 4], [0, 0, -0.5, 2]] and found.bbox.dtype == np.float64
    assert found.score.tolist() == [0.5, 1] and found.score.dtype == np.float64
    assert found.segmentation is None and len(found) == 2


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize("content", [b"", b" \n"])
def test_an_empty_file_is_no_list_of_detections(file, content):
    """A full disk or a broken download leaves an empty file; a model that finds nothing leaves []."""
    assert "empty" in message(file(content)) and "[]" in message(file(content))


def test_no_detections(file):
    found = Detections.read(file(b"[]"), TRUTH)
    assert_same(found, Detections.empty())
    assert found.bbox.shape == (0, 4)
    found.save(file(b""))
    assert file([]).read_bytes() == b"[]"


@pytest.mark.parametrize(
    ("case", "truth", "results"),
    [
        ("cocoapi_fakebbox100", "instances_val2014_100.json", "instances_val2014_fakebbox100_results.json"),
        ("padilla_review", "sampled_gts_bbox_area.json", "sampled_bbox_results_as_list.json"),
    ],
)
def test_published_numbers_survive_reading_and_saving(shared_data, tmp_path, case, truth, results):
    folder = shared_data / "cocoeval" / case
    gt = Truth.read(folder / truth)
    found = Detections.read(folder / results, gt)
    assert len(found) == len(json.loads((folder / results).read_text()))
    gt.save(tmp_path / "gt.json")
    found.save(tmp_path / "new" / "dt.json")
    assert_same(Detections.read(tmp_path / "new" / "dt.json", gt), found)
    coco = COCO(tmp_path / "gt.json")
    evaluation = COCOeval(coco, coco.loadRes(str(tmp_path / "new" / "dt.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    published = json.loads((folder.parent / "expected.json").read_text())[case]["stats"]
    np.testing.assert_allclose(evaluation.stats, published, atol=1e-6)


def test_every_digit_is_saved(tmp_path):
    rng = np.random.default_rng(0)
    found = Detections(np.ones(50, np.int64), np.full(50, 9), rng.random((50, 4)) * 1000 / 3, rng.random(50))
    found.save(tmp_path / "dt.json")
    assert_same(Detections.read(tmp_path / "dt.json", TRUTH), found)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("boxes", [False, True])
def test_masks(file, tmp_path, listed, boxes):
    masks = [run_lengths(seed) for seed in range(4)]
    rows = [row(segmentation=plain(m) if listed else rle) for rle, m in masks]
    if not boxes:
        for r in rows:
            del r["bbox"]
    found = Detections.read(file(rows), TRUTH)
    assert found.segmentation == [rle for rle, _ in masks]
    assert found.own_boxes == boxes
    columns = np.array([np.flatnonzero(m.any(axis=0))[[0, -1]] for _, m in masks])
    expected = [1, 2, 3.5, 4] if boxes else [columns[0, 0], 0, columns[0, 1] - columns[0, 0] + 1, 20]
    assert found.bbox[0].tolist() == expected
    found.save(tmp_path / "dt.json")
    assert_same(Detections.read(tmp_path / "dt.json", TRUTH), found)
    TRUTH.save(tmp_path / "gt.json")
    loaded = COCO(tmp_path / "gt.json").loadRes(str(tmp_path / "dt.json"))
    assert [loaded.annToMask(loaded.anns[i + 1]).tolist() for i in range(4)] == [m.tolist() for _, m in masks]
    # pycocotools takes the area from the mask only if the file has no boxes.
    assert loaded.anns[1]["area"] == (14 if boxes else masks[0][1].sum())


RLE, _ = run_lengths(0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(), row(image_id=3), row(image_id=4), row(image_id=3)],
         ["unknown image_id 3, 4 (3 of 4 rows, the first is [1])", "2, 1 to 2"]),
        ([row(image_id=i) for i in range(3, 10)], ["unknown image_id 3, 4, 5, 6, 7 and 2 more (7 of 7 rows"]),
        ([row(), row(category_id=1)], ["unknown category_id 1 (1 of 2 rows, the first is [1])", "2, 5 to 9"]),
        ([row(), row(image_id="1")], ["[1] has image_id '1', which is no whole number"]),
        ([row(), row(image_id=1.5)], ["[1] has image_id 1.5"]),
        ([row(image_id=True)], ["[0] has image_id True"]),
        ([row(image_id=None)], ["[0] has image_id None"]),
        ([row(), {"image_id": 1}, {"image_id": 1}], ["[1] has no 'category_id' (2 rows like that)"]),
        ([{"image_id": 1, "category_id": 5, "score": 0.5}], ["[0] has no 'bbox'"]),
        ([row(), row(score=1.5), row(score=-1)], ["[1] has score 1.5, outside 0..1 (2 rows like that)"]),
        ([row(score=float("nan"))], ["[0] has score nan"]),
        ([row(score="0.5")], ["[0] has score '0.5', which is no number"]),
        ([row(score=None)], ["[0] has score None"]),
        ([row(), row(bbox=[1, 2, 3, float("nan")])], ["[1] has bbox [1, 2, 3, nan]", "finite"]),
        ([row(), row(bbox=[1, 2, float("inf"), 3])], ["[1] has bbox [1, 2, inf, 3]"]),
        ([row(bbox=[1, 2, 3])], ["[0] has bbox [1, 2, 3], not"]),
        ([row(bbox="1234")], ["[0] has bbox '1234', not"]),
        ([row(bbox=[1, 2, 3, None])], ["[0] has bbox [1, 2, 3, None], not"]),
        ([row(), 3], ["[1] is no object"]),
        ({"images": []}, ["not a list of detections", "is it the annotations?"]),
        (3, ["the whole is no list"]),
        ([row(segmentation=RLE), row()], ["[1] has no 'segmentation'"]),
        ([row(segmentation=[[1, 1, 5, 1, 5, 5]])], ["[0] has segmentation [[1, 1", "no run lengths"]),
        ([row(segmentation={**RLE, "size": [30, 20]})], ["[0] has a mask of size [30, 20]"]),
        ([row(segmentation={**RLE, "counts": "garbage"})], ["[0] has a mask whose counts do not add up"]),
        ([row(segmentation={**RLE, "counts": [10, 20]})], ["[0] has a mask whose counts do not add up"]),
        ([row(segmentation={**RLE, "counts": [-10, 610]})], ["[0] has a mask whose counts do not add up"]),
        ([row(segmentation={**RLE, "counts": RLE["counts"] + RLE["counts"]})], ["counts do not add up"]),
    ],
)  # fmt: skip
def test_faults(file, rows, words):
    text = message(file(rows))
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'[{"image_id": 1},\n {"image_id" 2}]', ":2:14: broken JSON"),
        (b'[{"image_id": 1},', ":1:18: broken JSON"),
        (b'["\xff"]', ":1: broken JSON"),
        (b"[" * 200_000, "broken JSON"),
    ],
)
def test_broken_json(file, content, place):
    assert place in message(file(content))


def test_byte_order_mark(file):
    assert len(Detections.read(file(b"\xef\xbb\xbf" + json.dumps([row()]).encode()), TRUTH)) == 1


def test_garbage_collection_goes_on_after_an_error(file):
    import gc

    assert gc.isenabled()
    message(file(b"["))
    assert gc.isenabled()
