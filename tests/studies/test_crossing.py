"""`tintbox study ... folds=`: rejected inputs, the arguments of a fold's run, and a study end to end."""

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
from tintbox.errors import TintboxError
from tintbox.folds import files as fold_files
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.studies import checks, command, crossing, outcome, place, worker
from tintbox.studies.grid import parse

from .conftest import wait_for

TINTBOX = Path(sys.executable).with_name("tintbox")
TINY = ("model=yolo11n.yaml", "imgsz=32", "epochs=2", "batch=3", "plots=False", "workers=0", "device=cpu")


def draw(i):
    """A picture of 32x32 with a bright square, and its label."""
    picture = np.full((32, 32, 3), 40, np.uint8)
    x, y = 2 + i % 14, 3 + (5 * i) % 14
    picture[y : y + 14, x : x + 14] = (20, 200, 250) if i % 2 else (250, 40, 40)
    return picture, [f"{i % 2} {(x + 7) / 32} {(y + 7) / 32} {14 / 32} {14 / 32}"]


@pytest.fixture(scope="module")
def clips(write_dataset):
    """A dataset YAML of 12 training and 6 validation pictures, named as frames of clips."""
    file = write_dataset("clips", ["blue", "gold"], {"train": [*map(draw, range(12))], "val": [*map(draw, range(6))]})
    for split in ("train", "val"):
        for old in [*file.parent.glob(f"*/{split}/*.png"), *file.parent.glob(f"*/{split}/*.txt")]:
            old.rename(old.with_name(f"{split}clip{int(old.stem) // 3}_{int(old.stem):03}{old.suffix}"))
    return file


def test_a_grid_with_folds(clips):
    grid = parse([*TINY, f"data={clips}", "folds=3", "freeze=None,backbone", "seed=0,1"])
    assert grid.size == len(grid.runs()) == 12 and grid.pooled().size == 4
    names = [run.name for run in grid.runs()]
    assert names[:4] == [*(f"freeze_None-seed_0-fold_{fold}" for fold in range(3)), "freeze_None-seed_1-fold_0"]
    assert grid.pooled().runs()[0].name == "freeze_None-seed_0"
    assert len({run.cell for run in grid.runs()}) == 2
    notes = checks.check_arguments(grid, many=False)
    assert notes[0] == "3 folds of 6 images, from 12 of train and 6 of val; the test split is not touched"
    assert notes[1].startswith("groups: 6 of 3 images by their names, e.g. trainclip0 (")


def test_what_a_run_of_a_fold_is_given(clips, tmp_path):
    run = parse([*TINY, f"data={clips}", "folds=3", "groups=none", "coco_eval={seed: 3, examples: 2}"]).runs()[2]
    words = worker.words(tmp_path / "study" / run.name, run.arguments)
    assert f"data={tmp_path / 'study/folds/fold_2.yaml'}" in words
    assert {"val=False", "save_json=True"} <= set(words)
    assert "coco_eval={'seed': 3, 'examples': 2, 'resamples': 0, 'explain': False}" in words
    assert not any(word.startswith(("folds=", "groups=", "fold=", "fold_seed=")) for word in words)
    assert crossing.evaluation_settings(run.arguments).seed == 3


def test_how_a_trained_run_is_judged(tmp_path):
    """`args.yaml` of a run without ``device=`` has an empty text there."""
    run = tmp_path / "freeze_None-fold_0"
    run.mkdir()
    (run / "args.yaml").write_text("{device: '', imgsz: 32, batch: 3, conf: null, plots: false, lr0: 0.01}")
    words = crossing.validation(run, run / "weights/best.pt", {"data": "fold_0.yaml", "coco_eval": {"seed": 3}})
    assert words[:2] == ["val", f"model={run / 'weights/best.pt'}"]
    assert {"imgsz=32", "batch=3", "plots=False", "data=fold_0.yaml", "save_json=True"} <= set(words)
    assert not any(word.startswith(("device=", "conf=", "lr0=")) for word in words)
    (run / "predictions.json").write_text("[]")
    assert crossing.validation(run, run / "weights/best.pt", {}) is None


@pytest.fixture
def attempt(monkeypatch, refused, clips):
    """Run `tintbox study` with arguments that must be rejected in one line, creating nothing; return the line."""
    monkeypatch.setattr(command, "begin", lambda *_: pytest.fail("it trains"))

    def run(*words, data=clips):
        return refused("study", *TINY, *([f"data={data}"] if data else []), *words)

    return run


@pytest.mark.attack("folds")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["folds=19"], "folds=19: {data} has 18 images for training and validation; give fewer"),
        (["folds=1"], "folds=1: give a whole number of 2 or more"),
        (["folds=0"], "folds=0: give a whole number"),
        (["folds=-3"], "folds=-3: give a whole number"),
        (["folds=many"], "folds=many: give a whole number"),
        (["folds=2.5"], "folds=2.5: give a whole number"),
        (["folds=True"], "folds=True: give a whole number"),
        (["folds=None"], "folds=None: give a whole number"),
        (["folds=999999999999"], "folds=999999999999: {data} has 18 images"),
        (["folds=2,3"], "folds=2,3: a study has one folds"),
        (["folds=2", "fold_seed=-1"], "fold_seed=-1: give a whole number of 0 or more"),
        (["folds=2", "groups=nowhere.csv"], "groups=nowhere.csv: no such file"),
        (["folds=2", "groups={a: 1}"], "give a CSV file, auto, names or none"),
        (["folds=7", "groups=names"], "groups=names: 6 groups of images, too few for 7 folds"),
        (["groups=none"], "groups=None: it says how folds are made; give folds=5"),
        (["folds=2", "val=True"], "val= does not go with folds=2: a fold is looked at once"),
        (["folds=2", "split=test"], "split= does not go with folds=2"),
        (["folds=2", "fold=1"], "'fold' is no argument"),
        (["folds=2", "data={data},coco8.yaml"], "folds= splits one dataset; give one"),
        (["folds=2", "model=yolo11n-cls.yaml"], "pooled for detect and segment, not for classify"),
        (["folds=2", "model=yolo11n-pose.yaml"], "pooled for detect and segment, not for pose"),
        (["folds=2", "data=nowhere.yaml"], "nowhere.yaml"),
        (["folds=2", "data=**.yaml"], "data=**.yaml"),
        (["folds=2", f"data={'x' * 5000}.yaml"], "data=xxx"),
        (["folds=2", "data=http://nowhere.invalid/a.yaml"], "nowhere.invalid"),
        (["folds=2", "data=3"], "data=3"),
        (["folds=15", "groups=none", "seed=" + ",".join(map(str, range(20)))], "300 runs (20 seed x 15 folds)"),
    ],
)  # fmt: skip
def test_what_is_refused(attempt, clips, words, said):
    assert said.format(data=clips) in attempt(*(word.replace("{data}", str(clips)) for word in words))


@pytest.mark.attack("folds")
def test_no_data_and_no_labels(attempt, write_dataset):
    assert "data= is missing: folds=2 needs a dataset to split" in attempt("folds=2", data=None)
    blank = np.zeros((32, 32, 3), np.uint8)
    said = {
        None: "no label file for any of the 4 images in split 'train'",
        (): "no labels for its images (train, val)",
    }
    for lines, line in said.items():
        data = write_dataset("blank", ["a"], {"train": [(blank, lines)] * 4, "val": [(blank, lines)] * 2})
        assert line in attempt("folds=2", data=data)
    data = write_dataset("wrong", ["a"], {"train": [(blank, ["1 .5 .5 .1 .1"])] * 4, "val": [(blank, [])] * 2})
    assert "class 1 is not among the dataset's 1 classes" in attempt("folds=2", data=data)


@pytest.mark.attack("folds")
def test_a_group_file_that_lacks_a_picture(attempt, clips, tmp_path):
    names = sorted(path.name for path in clips.parent.glob("images/*/*.png"))
    (tmp_path / "groups.csv").write_text("".join(f"{name},{name[:5]}\n" for name in names[1:]))
    assert f"1 of 18 images are not in it: {names[0]}; add them" in attempt("folds=2", "groups=groups.csv")


@pytest.mark.attack("folds")
def test_folds_of_pictures_that_have_changed(clips, tmp_path):
    copied = shutil.copytree(clips.parent, tmp_path / "data") / clips.name
    content = yaml.safe_load(copied.read_text())
    copied.write_text(yaml.safe_dump({**content, "path": str(copied.parent)}))
    grid = parse([*TINY, f"data={copied}", "folds=3"])
    first = crossing.prepare(tmp_path / "study", grid)
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "study/folds").iterdir()}
    assert crossing.prepare(tmp_path / "study", grid) == first
    assert {file: file.stat().st_mtime_ns for file in times} == times, "they were written again"
    for name in ("fold_1.yaml", "fold_2-val.txt"):
        (tmp_path / "study/folds" / name).unlink()
        crossing.prepare(tmp_path / "study", grid)
        assert (tmp_path / "study/folds" / name).is_file()
    for gone in copied.parent.glob("*/train/trainclip0_000.*"):
        gone.unlink()
    crossing.split.cache_clear()
    with pytest.raises(TintboxError, match="0 more images and 1 fewer than when its folds were made"):
        crossing.prepare(tmp_path / "study", grid)


@pytest.mark.attack("folds")
def test_folds_of_pictures_that_have_moved(clips, tmp_path):
    """The folds stay, with the new paths; so do the image ids of the runs that are there."""

    def place(folder):
        content = yaml.safe_load(clips.read_text())
        (folder / clips.name).write_text(yaml.safe_dump({**content, "path": str(folder)}))
        crossing.split.cache_clear()
        return parse([*TINY, f"data={folder / clips.name}", "folds=3", "fold_seed=1"])

    old = shutil.copytree(clips.parent, tmp_path / "data")
    first = crossing.prepare(tmp_path / "study", place(old))
    run = tmp_path / "study" / "fold_0"
    run.mkdir()
    (run / "image_ids.json").write_text(json.dumps({file: i for i, file in enumerate(first.files)}))

    new = shutil.copytree(old, tmp_path / "elsewhere")
    with pytest.raises(TintboxError, match="18 more images and 18 fewer than when its folds were made"):
        crossing.prepare(tmp_path / "study", place(new))  # the first are still there: these may be others
    shutil.rmtree(old)
    second = crossing.prepare(tmp_path / "study", place(new))
    files = [file.replace(str(old), str(new)) for file in first.files]
    assert second.files == files and second == fold_files.read(tmp_path / "study/folds")
    assert (second.folds, second.splits) == (first.folds, first.splits)
    assert json.loads((run / "image_ids.json").read_text()) == {file: i for i, file in enumerate(files)}
    listed = (tmp_path / "study/folds/fold_1-val.txt").read_text().split()
    assert listed == [file for file, fold in zip(files, first.folds) if fold == 1]


@pytest.fixture(scope="module")
def crossed(clips, tmp_path_factory):
    """A study of two cells on two folds, killed in its second run and resumed: its folder and its output."""
    cwd = tmp_path_factory.mktemp("crossed")
    words = [TINTBOX, "study", *TINY, f"data={clips}", "folds=2", "freeze=None,backbone"]
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_table_says_what_the_pooled_predictions_say(crossed):
    folder, printed = crossed
    found = {}
    for name in ("freeze_None", "freeze_backbone"):
        truth = Truth.read(folder / name / "annotations.json")
        found[name] = evaluate(truth, Detections.read(folder / name / "predictions.json", truth))
        told = json.loads((folder / name / "coco.json").read_text())["bbox"]["metrics"]["AP"]
        assert told["value"] == found[name]["AP"] and told["low"] == found[name].intervals[0][0]
    first, second = csv.DictReader((folder / "study.csv").open())
    assert float(first["AP"]) == found["freeze_None"]["AP"]
    assert float(second["against_first"]) == pytest.approx(found["freeze_backbone"]["AP"] - found["freeze_None"]["AP"])
    assert first["against_first"] == ""
    assert "over all 18 images, each predicted by the run of 2 that had not learnt from it" in printed
    assert "from 1,000 resamples of the 6 groups of images" in printed
    gap = Comparison(found["freeze_None"], found["freeze_backbone"])  # the output of `tintbox compare`
    assert float(second["against_first_low"]) == pytest.approx(gap.intervals[0][0])


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.attack("folds")
def test_a_run_that_was_killed_while_it_was_judged_is_judged(crossed, forked, tmp_path):
    """Its weights are fully trained; and the folder has been moved since."""
    folder, _ = crossed
    moved = shutil.copytree(folder, tmp_path / "moved")
    run = moved / "freeze_None-fold_1"
    before = (run / "predictions.json").read_bytes()
    (run / "predictions.json").unlink()
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
