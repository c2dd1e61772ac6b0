"""Tables, JSON, CSV and plots of evaluations and comparisons: the numbers are pycocotools'."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tintbox import limits
from tintbox.plugins.coco_eval import output, tables
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

FEW = Settings(resamples=60)


def by_class(synthetic, truth, detections, iou_type):
    """pycocotools' twelve numbers of every class, from runs on that class alone."""
    for category in sorted(truth.categories, key=lambda c: c["id"]):
        kept = detections.category_id == category["id"]
        masks = detections.segmentation and [m for m, k in zip(detections.segmentation, kept) if k]
        columns = {key: getattr(detections, key)[kept] for key in ("image_id", "category_id", "bbox", "score")}
        annotations = [a for a in truth.annotations if a["category_id"] == category["id"]]
        own = Truth(truth.images, annotations, [category])
        yield synthetic.pycocotools(own, Detections(**columns, segmentation=masks), iou_type).stats


def near(values, expected):
    """Return whether numbers (None for "n/a") equal pycocotools' (-1 for "n/a") within 1e-9."""
    values = [-1 if v is None else v for v in values]
    return np.abs(np.array(values) - expected).max() < 1e-9


def test_the_files_have_pycocotools_numbers(synthetic, tmp_path):
    truth, detections = synthetic.case(3, images=24, masks=True)
    found = {kind: evaluate(truth, detections, kind, FEW) for kind in ("bbox", "segm")}
    output.save(tmp_path / "new" / "folder", found, {"model": "a.pt"}, pictures=False)
    content = json.loads((tmp_path / "new" / "folder" / "coco.json").read_text())
    assert content["model"] == "a.pt" and content["tintbox"]
    with (tmp_path / "new" / "folder" / "coco.csv").open() as file:
        rows = {(row["iou_type"], row["class"]): row for row in csv.DictReader(file)}
    assert len(rows) == 2 * (1 + len(truth.categories))
    for kind in found:
        trusted = synthetic.pycocotools(truth, detections, kind)
        metrics = content[kind]["metrics"]
        assert near([metrics[key]["value"] for key in KEYS], trusted.stats)
        cells = [rows[kind, "all"][key] for key in KEYS]
        assert near([None if cell == "n/a" else float(cell) for cell in cells], trusted.stats)
        classes = list(by_class(synthetic, truth, detections, kind))
        for (name, row), stats in zip(content[kind]["classes"].items(), classes):
            assert near([row["metrics"][key]["value"] for key in KEYS], stats)
            cells = [rows[kind, name][key] for key in KEYS]
            assert near([None if cell == "n/a" else float(cell) for cell in cells], stats)
        curves = content[kind]["precision_recall"]
        assert curves["iou"] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
        for k, name in enumerate(found[kind].names):
            expected = trusted.eval["precision"][:, :, k, 0, 2]
            if expected.min() < 0:
                assert curves["precision"][name] is None
            else:
                assert np.abs(np.array(curves["precision"][name]) - expected).max() < 1e-9
    assert content["bbox"]["metrics"] != content["segm"]["metrics"]


@pytest.mark.parametrize("classes", [limits.CURVE_CLASSES, limits.COCO_CLASSES])
def test_the_file_is_within_the_report_s_limits(synthetic, tmp_path, monkeypatch, classes):
    if classes > limits.CURVE_CLASSES:
        monkeypatch.setattr(output, "CURVE_CLASSES", 0)
    truth, detections = synthetic.case(3, images=24, masks=True)
    found = {kind: evaluate(truth, detections, kind, FEW) for kind in ("bbox", "segm")}
    for kind, evaluation in found.items():
        # As long as a number gets, and no class without objects.
        numbers, samples, precision = (
            np.full_like(array, math.pi / 10)
            for array in (evaluation.classes, evaluation.samples, evaluation.curves.precision)
        )
        curves, support = replace(evaluation.curves, precision=precision), np.full_like(evaluation.support, 1_000)
        found[kind] = replace(evaluation, classes=numbers, samples=samples, curves=curves, support=support)
    output.save(tmp_path, found, {}, pictures=False)
    text = (tmp_path / "coco.json").read_text()
    share = classes / len(truth.categories)
    assert text.count(",") * share < limits.JSON_VALUES and len(text) * share < limits.EVALUATION_BYTES


def test_drawings_of_an_earlier_evaluation_are_removed_and_other_files_are_not(pair, tmp_path):
    ours = ["coco_pr.png", "coco_sizes_segm.png", "worst/01_a.jpg", "worst_segm/123_b.jpg"]
    for name in (*ours, "coco_mine.png", "worst/notes.txt", "worst/a_01.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    output.save(tmp_path, {"bbox": evaluate(*pair, settings=Settings(resamples=0))}, {}, pictures=False)
    left = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*")}
    assert left == {"coco.json", "coco.csv", "coco_mine.png", "worst/notes.txt", "worst/a_01.jpg"}


def test_intervals_and_counts_in_the_files(pair, tmp_path):
    truth, detections = pair
    evaluation = evaluate(truth, detections, settings=FEW)
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    content = json.loads((tmp_path / "coco.json").read_text())["bbox"]
    assert (content["images"], content["resamples"], content["level"], content["seed"]) == (24, 60, 0.95, 0)
    counts = {c["name"]: sum(a["category_id"] == c["id"] and not a["iscrowd"] for a in truth.annotations)
              for c in truth.categories}  # fmt: skip
    assert {name: row["objects"] for name, row in content["classes"].items()} == counts
    for key, (low, high) in zip(KEYS, evaluation.intervals):
        row = content["metrics"][key]
        assert (row["low"], row["high"]) == (None if math.isnan(low) else low, None if math.isnan(high) else high)
        if row["low"] is not None:
            assert 0 <= row["low"] <= row["value"] + 1e-9 and row["value"] - 1e-9 <= row["high"] <= 1
    assert content["errors"]["overall"]["AP"] == pytest.approx(content["metrics"]["AP50"]["value"], abs=1e-9)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "b", "a"], ["a (0)", "b", "a (2)"]),
        (["a", "a", "a (0)"], ["a (0) (0)", "a (1)", "a (0)"]),
        (["a", "a (0)", "a", "a (0)"], ["a (0)", "a (0) (1)", "a (2)", "a (0) (3)"]),
        (["a (1)", "a", "a (1) (1)", "a"], ["a (1)", "a (1) (1) (1)", "a (1) (1)", "a (3)"]),
    ],
)
def test_classes_of_any_names_have_keys_of_their_own(names, keys):
    images = [{"id": 1, "width": 40, "height": 40}]
    categories = [{"id": i, "name": name} for i, name in enumerate(names)]
    annotations = [
        {"id": i, "image_id": 1, "category_id": i, "bbox": [9 * i, 0, 8, 8], "area": 64, "iscrowd": 0}
        for i in range(len(names))
    ]
    truth = Truth(images, annotations, categories)
    boxes = np.array([annotation["bbox"] for annotation in annotations], float)
    ids = np.arange(len(names))
    found = evaluate(truth, Detections(np.ones(len(names), int), ids, boxes, np.ones(len(names))), settings=FEW)
    content = output.as_dict(found)
    assert list(content["classes"]) == list(content["precision_recall"]["precision"]) == keys


def test_without_objects_of_a_size_it_is_na_and_never_0(pair, tmp_path):
    truth, detections = pair
    part = Truth(truth.images, [a for a in truth.annotations if a["area"] >= 32**2], truth.categories)
    evaluation = evaluate(part, detections, settings=FEW)
    assert math.isnan(evaluation["AP_small"]) and math.isnan(evaluation["AR_small"])
    assert not math.isnan(evaluation["AP_medium"])
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    row = json.loads((tmp_path / "coco.json").read_text())["bbox"]["metrics"]["AP_small"]
    assert row == {"value": None, "low": None, "high": None}
    with (tmp_path / "coco.csv").open() as file:
        first = next(csv.DictReader(file))
    assert [first[f"AP_small{end}"] for end in ("", "_low", "_high")] == ["n/a"] * 3
    (line,) = [line for line in tables.text({"bbox": evaluation}).splitlines() if line.startswith("AP_small")]
    assert line.split()[-1] == "n/a"


def test_no_resamples_no_intervals(pair, tmp_path):
    evaluation = evaluate(*pair, settings=Settings(resamples=0))
    assert "resamples" not in tables.text({"bbox": evaluation})
    output.save(tmp_path, {"bbox": evaluation}, {})
    rows = json.loads((tmp_path / "coco.json").read_text())["bbox"]["metrics"]
    assert rows["AP"]["value"] > 0 and rows["AP"]["low"] is None


def test_classes_of_one_name_are_both_kept(pair, tmp_path):
    truth, detections = pair
    truth.categories[1]["name"] = truth.categories[0]["name"] = "cell"
    evaluation = evaluate(truth, detections, settings=FEW)
    output.save(tmp_path, {"bbox": evaluation}, {}, pictures=False)
    content = json.loads((tmp_path / "coco.json").read_text())["bbox"]
    assert [row["metrics"]["AP"]["value"] for row in content["classes"].values()][:2] == list(evaluation.classes[:2, 0])
    assert len(content["precision_recall"]["precision"]) == len(truth.categories)
