"""Pooled predictions of parts equal those of the whole."""

import json

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import pooling
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import GROUP, Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.outcome import Predictions
from tintbox.plugins.coco_eval.settings import Settings

NAMES = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
FEW = Settings(resamples=50, explain=False)


@pytest.fixture(scope="module")
def whole():
    """The truth and detections of 12 images."""
    rng = np.random.default_rng(0)
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 100, "height": 100} for i in range(1, 13)]
    annotations, rows = [], []
    for image in images:
        for _ in range(4):
            box = [*rng.uniform(0, 60, 2).round(3).tolist(), *rng.uniform(10, 40, 2).round(3).tolist()]
            kind = int(rng.integers(1, 3))
            annotations.append({"image_id": image["id"], "category_id": kind, "bbox": box})
            near = (np.array(box) + rng.normal(0, 3, 4)).clip(1).tolist()
            score = float(rng.uniform(0.1, 1))
            rows.append({"image_id": image["id"], "category_id": kind, "bbox": near, "score": score})
    truth = Truth.of({"images": images, "annotations": annotations, "categories": NAMES}, "truth")
    return truth, Detections.of(rows, "found", truth)


def write_part(folder, whole, ids, file=lambda i: f"/data/{i:02}.jpg"):
    """Write the files of a validation on some of the images, with ids starting at 1 again."""
    truth, detections = whole
    new = {old: place for place, old in enumerate(ids, start=1)}
    images = [{**image, "id": new[image["id"]]} for image in truth.images if image["id"] in new]
    annotations = [{**row, "image_id": new[row["image_id"]]} for row in truth.annotations if row["image_id"] in new]
    rows = [{**row, "image_id": new[row["image_id"]]} for row in detections.rows() if row["image_id"] in new]
    folder.mkdir(parents=True)
    content = {"images": images, "annotations": annotations, "categories": NAMES}
    for name, found in (("annotations", content), ("predictions", rows)):
        (folder / f"{name}.json").write_text(json.dumps(found))
    (folder / "image_ids.json").write_text(json.dumps({file(old): i for old, i in new.items()}))
    return folder


@pytest.fixture
def parts(tmp_path, whole):
    return [
        write_part(tmp_path / str(i), whole, ids) for i, ids in enumerate(([3, 5, 12, 1], [2, 4, 6, 8], [7, 9, 10, 11]))
    ]


def test_groups_named_by_bytes_that_are_not_utf8_can_be_saved(parts, tmp_path):
    pooling.pool(parts, {"/data/01.jpg": "a\udcff"}).save(tmp_path / "pooled")
    assert Predictions.read(tmp_path / "pooled").truth.images[0][GROUP] == r"a\udcff"


def test_the_parts_are_the_whole(parts, whole, tmp_path):
    found = pooling.pool(parts)
    one, other = evaluate(*whole, settings=FEW), evaluate(found.truth, found.detections, settings=FEW)
    np.testing.assert_array_equal(other.values, one.values)
    np.testing.assert_array_equal(other.intervals, one.intervals)
    assert other.fingerprint == one.fingerprint
    pooling.save(tmp_path / "cell", found, ["0", "1", "2"])
    read = Predictions.read(tmp_path / "cell")
    again = evaluate(read.truth, read.detections, settings=FEW)
    np.testing.assert_array_equal(again.values, one.values)


def test_pictures_of_a_group_are_drawn_together(parts, whole):
    groups = {f"/data/{i:02}.jpg": "ab"[i > 6] for i in range(1, 13)}
    found = pooling.pool(parts, groups)
    assert [image[GROUP] for image in found.truth.images] == ["a"] * 6 + ["b"] * 6
    grouped = evaluate(found.truth, found.detections, settings=FEW)
    # Two draws from two groups: each once, or one of them twice.
    assert len({sample.tobytes() for sample in grouped.samples}) == 3
    assert grouped.fingerprint != evaluate(*whole, settings=FEW).fingerprint


@pytest.mark.attack("folds")
def test_parts_that_do_not_go_together(parts, whole, tmp_path):
    with pytest.raises(TintboxError, match=r"is in .* too; only runs on different images can be pooled"):
        pooling.pool([*parts, parts[0]])
    content = json.loads((parts[0] / "annotations.json").read_text())
    content["categories"][0]["name"] = "c"
    (parts[0] / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(TintboxError, match="evaluated on other classes"):
        pooling.pool(parts)


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"/data/03.jpg": 1}',
        '{"a": 1, "b": 2, "c": 3, "d": 3}',
        "{" * 9999,
        '{"a": "1", "b": "2", "c": "3", "d": "4"}',
        '{"a": [1], "b": 2, "c": 3, "d": 4}',
    ],
)
def test_damaged_ids(parts, text):
    assert pooling.is_whole(parts[1])
    (parts[1] / "image_ids.json").write_text(text)
    assert not pooling.is_whole(parts[1])
    with pytest.raises(TintboxError, match=r"image_ids\.json"):
        pooling.pool(parts)


def test_a_study_of_one_setting_stands_for_it(parts, tmp_path):
    cell = tmp_path / "study" / "run"
    pooling.save(cell, pooling.pool(parts), ["0", "1", "2"])
    assert pooling.find_folder(str(tmp_path / "study")) == str(cell)
    assert pooling.find_folder(str(cell)) == str(cell)
    assert pooling.find_folder(str(tmp_path / "nowhere")) == str(tmp_path / "nowhere")
    pooling.save(tmp_path / "study" / "other", pooling.pool(parts), ["0"])
    with pytest.raises(TintboxError, match=r"a study of several settings or seeds .*; name one, e.g. .*other"):
        pooling.find_folder(str(tmp_path / "study"))


def test_a_folder_with_both_files_has_them(tmp_path):
    assert not pooling.has_files(tmp_path / "nowhere")
    (tmp_path / "annotations.json").touch()
    assert not pooling.has_files(tmp_path)
    (tmp_path / "predictions.json").touch()
    assert pooling.has_files(tmp_path)
