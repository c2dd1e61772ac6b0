"""Runs that Ultralytics starts as `python -m ultralytics.cfg.__init__`: tuning, and training on several datasets."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tintbox import run_arguments

from ...tiny_models import YOLO11N

pytestmark = pytest.mark.attack("stock suite")

SMALL = {"epochs": 1, "imgsz": 32, "batch": 4, "workers": 0, "plots": False, "device": "cpu"}


@pytest.fixture
def datasets(fruit, tmp_path):
    """Two dataset YAMLs of the same few images."""
    return [shutil.copy(fruit, tmp_path / f"{name}.yaml") for name in "ab"]


@pytest.mark.parametrize("disable", ["0", "1"])
def test_the_first_argument_of_a_subprocess_is_stocks_path(python, disable, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import atexit, sys; atexit.register(lambda: print(sys.argv))\n")
    environment = {"TINTBOX_DISABLE": disable, "PYTHONPATH": str(tmp_path)}
    done = python("-m", "ultralytics.cfg.__init__", "version", env=environment)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    assert Path(first).parts[-3:] == ("ultralytics", "cfg", "__init__.py"), done.stdout
    assert second == "version"


def test_a_process_spawned_by_a_subprocess_does_not_run_the_command_again(python, tmp_path):
    """DataLoader workers are started like this on macOS and Windows: they import the main module under another name."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, multiprocessing, sys\n"
        "def start():\n"
        "    if sys.argv[1:] == ['version'] and multiprocessing.parent_process() is None:\n"
        "        process = multiprocessing.get_context('spawn').Process(target=print, args=('spawned',))\n"
        "        process.start(); process.join(); print('status', process.exitcode)\n"
        "atexit.register(start)\n"
    )
    done = python("-m", "ultralytics.cfg.__init__", "version", env={"PYTHONPATH": str(tmp_path)})
    assert done.stdout.split()[-3:] == ["spawned", "status", "0"], done.stdout + done.stderr
    assert len(done.stdout.split()) == 4, "the version is printed once"


def results(folder):
    """The rows of a run's results.csv as mappings."""
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def train(forked, call, **arguments):
    """Run ``model.CALL`` of a new yolo11n in a fresh process; returns its whole output."""
    code = f"from ultralytics import YOLO\nYOLO({YOLO11N!r}).{call}(**{ {**SMALL, **arguments}!r})"
    done = forked("-c", code)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert "failed, skipping" not in printed, printed
    return printed


@pytest.mark.slow
def test_tune_trains_and_passes_our_arguments_on(forked, datasets, tmp_path):
    ours = {"freeze": ["backbone", -9], "unfreeze": {1: "all"}, "lr_scale": {"backbone": 0.5}, "cls_pos_weight": 2}
    train(forked, "tune", iterations=1, epochs=2, data=str(datasets[0]), project=str(tmp_path / "runs"), **ours)
    (row,) = map(json.loads, (tmp_path / "runs" / "tune" / "tune_results.ndjson").read_text().splitlines())
    assert not row.get("failed_datasets")  # written only if one failed
    folder = Path(row["save_dirs"]["a"])
    assert len(results(folder)) == 2
    had = run_arguments.read(folder)
    assert {name: had[name] for name in ours} == ours


@pytest.mark.slow
def test_training_on_several_datasets(forked, datasets, tmp_path):
    train(forked, "train", data=[str(d) for d in datasets], project=str(tmp_path / "runs"), freeze="backbone")
    metrics = json.loads((tmp_path / "runs" / "multitrain" / "multitrain_results.json").read_text())["results"]
    assert set(metrics) == {"a", "b"}
    assert all(metrics.values())


@pytest.mark.slow
def test_the_command_trains_on_several_datasets(forked_yolo, datasets, tmp_path):
    words = [f"{key}={value}" for key, value in {**SMALL, "project": tmp_path / "runs"}.items()]
    done = forked_yolo("train", f"model={YOLO11N}", f"data={[str(d) for d in datasets]}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in "ab":
        assert len(results(tmp_path / "runs" / "multitrain" / name)) == 1
