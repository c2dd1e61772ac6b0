"""`tintbox compare`; errors that it shares with `coco-eval` are tested in test_command.py."""

import csv
import json
import shutil

import pytest

from tintbox.plugins.coco_eval import command
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.outcome import Predictions
from tintbox.plugins.coco_eval.sources import name_both

from .conftest import QUICK, values

pytestmark = pytest.mark.usefixtures("one_thread")


def compared(folder):
    """The content of compare.json, and of compare.csv by class and metric."""
    with (folder / "compare.csv").open() as file:
        rows = {(row["iou_type"], row["class"], row["metric"]): row for row in csv.DictReader(file)}
    return json.loads((folder / "compare.json").read_text()), rows


def test_two_models_and_two_folders_compare_alike(
    tintbox, rectangles, detectors, weaker, written, tmp_path, monkeypatch, log
):
    data = f"data={rectangles['detect']}"
    words = detectors["detect"], weaker, data, *QUICK, "resamples=200", "out=models"
    with monkeypatch.context() as patch:
        patch.setattr(command, "evaluate", lambda *_: pytest.fail("a validation evaluates, and once is enough"))
        status, output, errors = tintbox("compare", *words)
    assert status == 0, errors
    folder = tmp_path / "here" / "models"
    assert sorted(p.name for p in folder.iterdir()) == ["compare.csv", "compare.json", "compare.png"]
    status, shown, errors = tintbox("compare", written["detect"], written["weaker"], "resamples=200", "out=folders")
    assert status == 0, errors
    content, rows = compared(folder)
    again, _ = compared(tmp_path / "here" / "folders")
    assert content["bbox"]["metrics"] == again["bbox"]["metrics"]
    assert (again["bbox"]["first"], again["bbox"]["second"]) == ("detect", "weaker")

    old, new = values(written["detect"]), values(written["weaker"])
    assert new[0] < old[0] - 0.05, "the weaker is weaker"
    for key, a, b in zip(KEYS, old, new):
        row = content["bbox"]["metrics"][key]
        if a == -1:
            assert row["first"] is row["second"] is row["difference"] is None
            continue
        assert (row["first"], row["second"]) == (a, b) and row["difference"] == pytest.approx(b - a, abs=1e-12)
        assert float(rows["bbox", "all", key]["difference"]) == row["difference"]
    assert content["bbox"]["metrics"]["AP"]["distinguishable"] and content["bbox"]["metrics"]["AP"]["high"] < 0
    assert not any(line.split()[:1] == ["blue"] for _, line in log), "no class table of Ultralytics' own"
    for text in (output, shown):
        (line,) = [line for line in text.splitlines() if line.startswith("AP ") and "class" not in line]
        assert line.split()[-1] == "worse"


def test_segment_models_are_compared_by_boxes_and_masks(tintbox, written, tmp_path):
    folder = shutil.copytree(written["segment"], tmp_path / "other")
    rows = json.loads((folder / "predictions.json").read_text())
    (folder / "predictions.json").write_text(json.dumps(rows[::2]))
    status, output, errors = tintbox("compare", written["segment"], folder, "resamples=40", "out=c")
    assert status == 0, errors
    content, _ = compared(tmp_path / "here" / "c")
    assert list(content) == ["bbox", "segm"]
    assert content["segm"]["metrics"]["AR100"]["difference"] < 0
    assert (tmp_path / "here" / "c" / "compare_segm.png").is_file()
    assert output.count("other against segment") == 2


def test_a_plot_of_masks_does_not_stay_beside_a_comparison_of_boxes(tintbox, pair, tmp_path):
    for name in ("a", "b"):
        Predictions(*pair).save(tmp_path / name)
    (tmp_path / "a" / "compare_segm.png").touch()
    status, _, errors = tintbox("compare", tmp_path / "a", tmp_path / "b", "resamples=0", f"out={tmp_path / 'a'}")
    assert status == 0 and [p.name for p in (tmp_path / "a").glob("*.png")] == ["compare.png"], errors


def test_a_model_is_equal_to_itself(tintbox, written, tmp_path):
    status, output, errors = tintbox("compare", written["detect"], written["detect"], "resamples=40")
    assert status == 0, errors
    assert "may be chance" not in output and output.count(" equal") == 12 - 2 + 2
    assert output.splitlines()[-1] == "runs/compare"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda truth: truth["images"][0].update(file_name="x.png"),
         "were evaluated on different images: 1 only in {}, 1 only in {}"),
        (lambda truth: truth["images"].append({"id": 99, "file_name": "99.png"}), "0 only in {}, 1 only in {}"),
        (lambda truth: truth["annotations"][0].update(iscrowd=1), "against different labels of the same images"),
        (lambda truth: truth["categories"][2].update(name="cell"),
         "the two have different classes: {} has blue, red, never there; {} has blue, red, cell"),
    ],
)  # fmt: skip
def test_folders_of_different_truth(spoil, message, tintbox, written, tmp_path):
    folder = shutil.copytree(written["detect"], tmp_path / "other")
    truth = json.loads((folder / "annotations.json").read_text())
    spoil(truth)
    (folder / "annotations.json").write_text(json.dumps(truth))
    status, _, errors = tintbox("compare", written["detect"], folder)
    assert status == 1 and len(errors.splitlines()) == 1
    assert message.format(*name_both(str(written["detect"]), str(folder))) in errors
