"""A study with folds from end to end: killed, resumed, compared and reported."""

import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tintbox import run_folder
from tintbox.folds import files as fold_files
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.studies import outcome, place

from .conftest import FOLDED, wait_for

TINTBOX = Path(sys.executable).with_name("tintbox")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crossed(clips, tmp_path_factory):
    """A study of two cells on two folds, killed in its second run and resumed: its folder and its output."""
    cwd = tmp_path_factory.mktemp("crossed")
    words = [TINTBOX, "study", *FOLDED, f"data={clips}", "folds=2", "freeze=None,backbone"]
    folder = cwd / "runs/study/study"
    second = folder / "freeze_None-fold_1"
    with subprocess.Popen(words, cwd=cwd, stdout=subprocess.DEVNULL) as study:
        wait_for(lambda: (second / "results.csv").is_file() or study.poll() is not None)
        study.send_signal(signal.SIGKILL)
    assert outcome.read(second).state == outcome.STARTED
    first = {file: file.stat().st_mtime_ns for file in folder.glob("freeze_None-fold_0/*") if file.is_file()}
    lists = {file: file.read_bytes() for file in (folder / "folds").iterdir()}
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {file: file.stat().st_mtime_ns for file in first} == first, "a finished run was touched"
    assert {file: file.read_bytes() for file in lists} == lists
    return folder, done.stdout


@pytest.mark.attack("folds")
def test_a_killed_study_goes_on(crossed):
    folder, printed = crossed
    assert "4 runs, 1 of them done" in printed
    for name, fold in itertools.product(("freeze_None", "freeze_backbone"), range(2)):
        run = folder / f"{name}-fold_{fold}"
        assert outcome.read(run).state == outcome.FINISHED
        assert yaml.safe_load((run / "args.yaml").read_text())["val"] is False, "a fold is looked at once"
        (last, best) = ((run / f"weights/{which}.pt").stat().st_size for which in ("last", "best"))
        assert last and best
    head = [line for line in printed.splitlines() if line.startswith("| freeze")]
    assert head == [
        "| freeze | n | AP | interval | against the first | interval of that | verdict | AP50 | time of all folds |"
    ]


def test_every_picture_is_predicted_by_a_run_that_had_not_learnt_from_it(crossed, clips):
    folder, _ = crossed
    folds = fold_files.read(folder / "folds")
    ids = json.loads((folder / "freeze_None/image_ids.json").read_text())
    assert sorted(ids) == folds.files == sorted(map(str, clips.parent.glob("images/*/*.png")))
    clips_of = {}
    for fold in range(2):
        learnt = (folder / f"folds/fold_{fold}-train.txt").read_text().split()
        judged = set(json.loads((folder / f"freeze_None-fold_{fold}/image_ids.json").read_text()))
        assert judged.isdisjoint(learnt) and judged | set(learnt) == set(folds.files)
        clips_of[fold] = {Path(file).name.split("_")[0] for file in judged}
    assert clips_of[0].isdisjoint(clips_of[1]), "a clip was torn"


def test_the_table_says_what_the_pooled_predictions_say(crossed):
    folder, printed = crossed
    found = {}
    for name in ("freeze_None", "freeze_backbone"):
        truth = Truth.read(folder / name / "annotations.json")
        found[name] = evaluate(truth, Detections.read(folder / name / "predictions.json", truth))
        told = json.loads((folder / name / "coco.json").read_text())["bbox"]["metrics"]["AP"]
        assert told["value"] == found[name]["AP"] == 0
        assert told["low"] is None and np.isnan(found[name].intervals[0]).all(), "no resample differs"
    first, second = csv.DictReader((folder / "study.csv").open())
    assert float(first["AP"]) == found["freeze_None"]["AP"]
    assert float(second["against_first"]) == pytest.approx(found["freeze_backbone"]["AP"] - found["freeze_None"]["AP"])
    assert first["against_first"] == ""
    assert "over all 18 images, each predicted by the run of 2 that had not learnt from it" in printed
    assert "from 1,000 resamples of the 6 groups of images" in printed
    gap = Comparison(found["freeze_None"], found["freeze_backbone"])  # the output of `tintbox compare`
    assert float(second["against_first_low"]) == pytest.approx(gap.intervals[0][0])


def test_compare_and_report_take_it(crossed, forked, tmp_path):
    folder, _ = crossed
    done = forked(TINTBOX, "compare", folder / "freeze_None", folder / "freeze_backbone", "resamples=50")
    assert done.returncode == 0 and "freeze_backbone against freeze_None, boxes: 18 images" in done.stdout, done.stderr
    both = forked(TINTBOX, "compare", folder, folder)
    assert both.returncode == 1 and "a study of several settings or seeds (freeze_None, freeze_backbone)" in both.stderr
    done = forked(TINTBOX, "report", folder, "pictures=False")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text()
    assert "Detection: 2 runs" in page and "freeze_None-fold_0" not in page
    read = run_folder.read(folder / "freeze_None")
    assert read.epochs == 2 and read.arguments["freeze"] is None


@pytest.mark.attack("folds")
@pytest.mark.parametrize("name", ["predictions.json", "image_ids.json"])
def test_a_run_that_was_killed_while_it_was_judged_is_judged(name, crossed, forked, tmp_path):
    """Its weights are fully trained; and the folder has been moved since. A file may be missing, or damaged."""
    folder, _ = crossed
    moved = shutil.copytree(folder, tmp_path / "moved")
    run = moved / "freeze_None-fold_1"
    before = (run / "predictions.json").read_bytes()
    if name == "predictions.json":
        (run / name).write_bytes(before[: len(before) // 2])
    else:
        (run / name).unlink()
    weights = (run / "weights/best.pt").read_bytes()
    env = {key: value for key, value in os.environ.items() if key.startswith("YOLO")}
    done = forked(TINTBOX, "study", moved, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 runs, 3 of them done" in done.stdout
    assert (run / "weights/best.pt").read_bytes() == weights, "it was trained again"
    one, other = (json.loads(raw) for raw in (before, (run / "predictions.json").read_bytes()))
    assert len(one) == len(other)
    assert [row["score"] for row in one] == pytest.approx([row["score"] for row in other], abs=1e-4)
    assert place.read(moved).folds == 2
