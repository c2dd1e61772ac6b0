"""COCO evaluations as data."""

import json
import math
import os

import pytest

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.reports import evaluations

from .conftest import section


def test_an_evaluation_below_the_run(detector, copy):
    run = copy(detector, "moved")
    (run / "val").mkdir()
    (run / "coco.json").rename(run / "val" / "coco.json")
    entry = section(run).entries[0]
    assert entry.coco.folder == run / "val"
    assert entry.coco.parts["bbox"].metrics["AP"] == section(detector).entries[0].coco.parts["bbox"].metrics["AP"]


VALUE = {"value": 0.5, "low": 0.25, "high": 0.75}
PART = {
    "images": 3, "level": 0.95, "resamples": 10, "seed": 0, "metrics": {"AP50": VALUE, "AP": {**VALUE, "low": None}},
    "classes": {"cat": {"objects": 4, "metrics": {"AP": VALUE}}},
    "errors": {"pos": 0.5, "overall": {"gain": {"missed": 0.125}, "count": {"missed": 2}}},
    "precision_recall": {"recall": [0, 1], "precision": {"cat": [[1.0, 0.5], [0, 0]], "dog": [[0.5, 0.0]]}},
}  # fmt: skip


def test_numbers_are_read_and_none_is_nan():
    found = evaluations.part(PART)
    assert list(found.metrics) == ["AP", "AP50"], "the main one first"
    assert found.metrics["AP50"] == Estimate(0.5, 0.25, 0.75) and found.metrics["AP50"].bounded
    assert not found.metrics["AP"].bounded and not Estimate(1.0).bounded
    assert found.classes["cat"] == (4, found.metrics["AP50"])
    assert found.measure == "AP50" and found.errors == {"missed": (0.125, 2)}
    assert found.precision == [0.75, 0.25] and found.recall == [0, 1], "the mean over the classes at the first IoU"


def test_what_images_without_objects_would_gain_is_nan():
    errors = {"pos": 0.5, "overall": {"gain": {"missed": None}, "count": {"missed": 0}}}
    gain, count = evaluations.part({**PART, "errors": errors}).errors["missed"]
    assert math.isnan(gain) and count == 0


def test_without_errors_and_curves():
    found = evaluations.part({key: value for key, value in PART.items() if key not in ("errors", "precision_recall")})
    assert found.errors == {} and found.precision == found.recall == [] and found.measure == "AP50"
    assert evaluations.part({**PART, "errors": None, "precision_recall": None}) == found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"images": "many"}, "ValueError"),
        ({"metrics": {}}, "KeyError: 'AP'"),
        ({"level": 2}, "ValueError: level=2: give a number between 0 and 1"),
        ({"resamples": None}, "ValueError: resamples=None"),
        ({"classes": [1]}, "AttributeError"),
        ({"precision_recall": {"recall": [0] * 2000, "precision": {}}}, "ValueError: 2,000 recalls, more than 1,001"),
        (None, "holds no evaluation"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, change, problem):
    content = {} if change is None else {"bbox": {**PART, **change}}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    found, said = evaluations.read(tmp_path)
    assert found is None and said.startswith(str(tmp_path / "coco.json")) and problem in said and "\n" not in said


@pytest.mark.parametrize("place", ["", "val"])
def test_one_from_before_the_last_epoch_is_told(tmp_path, place):
    (tmp_path / place).mkdir(exist_ok=True)
    file = tmp_path / place / "coco.json"
    file.write_text(json.dumps({"bbox": PART}))
    (tmp_path / "results.csv").write_text("epoch\n1\n")
    assert evaluations.read(tmp_path)[0], "in a copy of the folder, dates differ little"
    os.utime(file, (10, 10))
    assert evaluations.read(tmp_path) == (
        None, f"{file} is older than {tmp_path / 'results.csv'}, so it is of other weights; evaluate again"
    )  # fmt: skip


def test_the_runs_own_goes_before_the_newest_below_it(tmp_path):
    assert evaluations.read(tmp_path) == (None, "")
    for place, (name, split) in enumerate((("val", "old"), ("val2", "new"), ("", "own"))):
        (tmp_path / name).mkdir(exist_ok=True)
        file = tmp_path / name / "coco.json"
        file.write_text(json.dumps({"split": split, "bbox": PART}))
        os.utime(file, (place, place))
        assert evaluations.read(tmp_path)[0].split == split
    (tmp_path / "coco.json").write_text("{")
    found, said = evaluations.read(tmp_path)
    assert found.split == "new" and said == "", "one that is whole is shown"
