"""The names of columns, and the metric by which runs are compared."""

import math
from pathlib import Path

import pytest

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.reports import metrics
from tintbox.reports.entries import Entry, Section
from tintbox.reports.evaluations import CocoFile, Part
from tintbox.run_folder import RunFolder

MAP = "metrics/mAP50-95(B)"


def run(arguments=None, **columns):
    curves = {"epoch": [1.0, 2.0], **{name.replace("__", "/"): values for name, values in columns.items()}}
    return RunFolder(Path("r"), {"task": "detect", **(arguments or {})}, curves)


def coco(value, split="val", kinds=("bbox",), images=9, level=0.95, data="d.yaml"):
    part = Part(images, level, 10, 0, {"AP": Estimate(value, value, value)}, {}, "AP50", {}, [], [])
    return CocoFile(Path("r"), data, split, dict.fromkeys(kinds, part))


def section(*runs, task="detect"):
    """A section of runs, or of pairs of a run and its evaluation."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in runs]
    return Section(task, [Entry(i, i, str(i), r, c) for i, (r, c) in enumerate(pairs)])


@pytest.mark.parametrize(
    ("column", "task", "name"),
    [
        (MAP, "detect", "mAP50-95"),
        (MAP, "segment", "mAP50-95 (boxes)"),
        ("metrics/mAP50(M)", "segment", "mAP50 (masks)"),
        ("metrics/mAP50(P)", "pose", "mAP50 (keypoints)"),
        ("val/box_loss", "detect", "val/box_loss"),
        ("metrics/accuracy", "colorize", "accuracy"),
        ("", "detect", ""),
    ],
)
def test_titles(column, task, name):
    assert metrics.title(column, task) == name


def test_the_value_of_the_best_epoch():
    one = run(**{"metrics__mAP50-95(B)": [0.5, 0.25], "val__loss": [math.inf, 2]})
    assert metrics.read_best(one, MAP) == 0.5
    assert math.isnan(metrics.read_best(one, "val/loss")) and math.isnan(metrics.read_best(one, "nothing"))


def test_minus_one_is_no_ap_and_zeros_by_size_nobody_computed():
    one = run(**{"metrics__mAP_small(B)": [0, 0.0], "metrics__mAP_large(B)": [-1, 0.5], "val__loss": [-1, 2]})
    assert all(map(math.isnan, metrics.read_known(one, "metrics/mAP_small(B)")))
    large = metrics.read_known(one, "metrics/mAP_large(B)")
    assert math.isnan(large[0]) and large[1] == 0.5
    assert metrics.read_known(one, "val/loss") == [-1, 2], "a loss may be"


def test_columns_that_any_run_has_and_that_are_not_empty():
    one = run(**{"metrics__a": [1, 2], "metrics__b": [math.nan, math.nan], "val__c": [1, 1]})
    two = run(**{"metrics__d": [math.nan, 1], "metrics__a": [0, 0]})
    assert metrics.columns(section(one, two).entries, "metrics/") == ["metrics/a", "metrics/d"]
    assert metrics.columns([], "metrics/") == []


BOXES = {"metrics__mAP50-95(B)": [0.5, 0.75]}


def test_all_evaluated_alike_are_compared_by_coco():
    found = metrics.criterion(section((run(**BOXES), coco(0.1)), (run(**BOXES), coco(math.nan))))
    assert (found.title, found.level, found.kind) == ("COCO AP on val", 0.95, "bbox")
    assert found.values[0] == Estimate(0.1, 0.1, 0.1) and math.isnan(found.values[1].value)


@pytest.mark.parametrize(
    "second",
    [
        None,
        coco(0.2, split="test"),
        coco(0.2, images=8),
        coco(0.2, level=0.9),
        coco(0.2, kinds=("segm",)),
        coco(0.2, data="other.yaml"),
    ],
)
def test_else_by_the_best_epoch(second):
    found = metrics.criterion(section((run(**BOXES), coco(0.1)), (run(**BOXES), second)))
    assert found.title == "mAP50-95 at the best epoch" and found.kind == "" and math.isnan(found.level)
    assert {index: value.value for index, value in found.values.items()} == {0: 0.75, 1: 0.75}


def test_a_dataset_may_be_written_with_its_folder_or_without():
    found = metrics.criterion(section((run(**BOXES), coco(0.1)), (run(**BOXES), coco(0.2, data="/data/d.yaml"))))
    assert found.kind == "bbox"


def test_runs_of_other_data_are_not_compared_by_coco():
    one, two = (run({"data": name}, **BOXES) for name in ("a.yaml", "b.yaml"))
    assert metrics.other_data(section(one, two)) and not metrics.other_data(section(one, one))
    assert metrics.criterion(section((one, coco(0.1)), (two, coco(0.2)))).kind == ""


def test_evaluations_without_any_number_say_nothing():
    assert metrics.criterion(section((run(**BOXES), coco(math.nan)))).kind == ""


@pytest.mark.parametrize(
    ("column", "kinds", "kind"),
    [(MAP, ("bbox", "segm"), "bbox"), ("metrics/mAP50-95(M)", ("bbox", "segm"), "segm"),
     ("metrics/mAP50-95(M)", ("bbox",), "bbox"), (MAP, (), "")],
)  # fmt: skip
def test_which_part_goes_with_a_column(column, kinds, kind):
    entry = section((run(**BOXES), coco(0.1, kinds=kinds))).entries[0]
    assert metrics.iou_type(entry, column) == kind
    assert metrics.iou_type(section(run(**BOXES)).entries[0], column) == ""
