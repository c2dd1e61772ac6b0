"""Synthetic run folders, for tables and plots; a dataset to fold; and waiting for working processes."""

import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tintbox import run_folder
from tintbox.cli import app as cli
from tintbox.studies import command
from tintbox.studies.cells import Result
from tintbox.studies.grid import Grid
from tintbox.studies.outcome import Outcome

from ..tiny_models import YOLO11N

GOOD = ("task=colorize", "model=colorize-convt.yaml", "data=fruitbowl.yaml", "imgsz=32", "epochs=1")
FOLDED = (f"model={YOLO11N}", "imgsz=32", "epochs=2", "batch=3", "plots=False", "workers=0", "device=cpu")
STEADY = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def wait_for(condition, seconds=180):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def write_run(folder, curves, task="colorize"):
    """Write ``args.yaml`` and ``results.csv``; ``curves`` maps a column to its values."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "args.yaml").write_text(f"task: {task}\nepochs: {len(curves['epoch'])}\n")
    rows = [",".join(curves), *(",".join(map(str, row)) for row in zip(*curves.values()))]
    (folder / "results.csv").write_text("\n".join(rows) + "\n")


def curves(metric, loss, seconds=2.0, column="metrics/accuracy"):
    """Return the columns of a run with a metric and a loss per epoch."""
    epochs = range(1, len(metric) + 1)
    return {"epoch": [*epochs], "time": [seconds * e for e in epochs], column: metric, "val/loss": loss}


def result(folder, run, state="finished", reason=""):
    """The outcome of a run, if its folder exists."""
    return Result(
        run, Outcome(state, reason, run.arguments), run_folder.read(folder / run.name) if state == "finished" else None
    )


# (batch, seed) -> accuracy by epoch, loss by epoch; best epochs 2, 1, 3, 3, 2, 3 (the last of two equal ones).
MADE = {
    (4, 0): ([0.10, 0.30, 0.20], [3.0, 2.0, 2.5]),
    (4, 1): ([0.25, 0.24, 0.23], [2.8, 2.7, 2.6]),
    (8, 0): ([0.10, 0.20, 0.40], [3.0, 2.2, 1.8]),
    (8, 1): ([0.10, 0.20, 0.30], [3.0, 2.4, 2.1]),
    (8, 2): ([0.10, 0.35, 0.20], [3.0, 1.9, 2.4]),
    (64, 0): ([0.10, 0.15, 0.15], [3.0, 2.9, 2.8]),
}


@pytest.fixture
def folder_of(tmp_path):
    """Make a synthetic run folder, and return its outcome."""

    def make(run, curves, task="colorize"):
        write_run(tmp_path / run.name, curves, task)
        return result(tmp_path, run)

    return make


@pytest.fixture
def made(tmp_path):
    """The results of a study over batch and seed; one of its runs failed and two are missing."""
    runs = Grid({"task": "colorize"}, {"batch": [4, 8, 64], "seed": [0, 1, 2]}).runs()
    results = []
    for run in runs:
        key = run.settings["batch"], run.settings["seed"]
        if key in MADE:
            write_run(tmp_path / run.name, curves(*MADE[key]))
            results.append(result(tmp_path, run))
        elif key == (4, 2):
            results.append(result(tmp_path, run, "failed", "ValueError: a | b"))
        else:
            results.append(Result(run, None, None))
    return results


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


def content(folder):
    """The content of every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".study.lock"}


@pytest.fixture
def attempt(monkeypatch, capfd, tmp_path):
    """Run `tintbox study` in a folder where it must not train; return its last line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "LocalRuns", lambda *_: pytest.fail("it trains"))

    def run(*words, status=1):
        before, begun = content(tmp_path), time.monotonic()
        monkeypatch.setattr(sys, "argv", ["tintbox", "study", *words])
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
        said = capfd.readouterr()
        assert time.monotonic() - begun < 20
        assert code == status, said
        if code:
            assert said.err.startswith("tintbox: ") and said.err.count("\n") == 1, said.err
            assert content(tmp_path) == before, "a file was changed"
        return said.err if code else said.out

    return run
