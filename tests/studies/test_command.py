"""`tintbox study` end to end, with the smallest possible runs."""

import csv
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import tintbox
from tintbox.cli import app
from tintbox.studies import local, outcome
from tintbox.threads import cores

from .conftest import wait_for

TINTBOX = Path(sys.executable).with_name("tintbox")
TINY = ("task=colorize", "model=colorize-convt.yaml", "imgsz=32", "plots=False")


def rows(folder):
    """The complete lines of a run's results.csv, without the time."""
    file = folder / "results.csv"
    text = file.read_text() if file.is_file() else ""
    return [
        [v for k, v in row.items() if k != "time"] for row in csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    ]


def workers(place):
    """The processes that train runs of a study, including their forked loaders."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "tintbox.studies.worker" in words and str(place) in " ".join(words) and process.info["status"] != "zombie":
            found.append(process)
    return found


@pytest.fixture(scope="module")
def grid(tiny_data, tmp_path_factory):
    """A study of 2x2 runs, two in parallel: its folder, its output, and the arguments of its processes."""
    cwd = tmp_path_factory.mktemp("a study")
    command = [TINTBOX, "study", *TINY, f"data={tiny_data}", "epochs=2", "batch=4,8", "seed=0,1", "--workers", "2"]
    limits = ("OMP_NUM_THREADS", "TINTBOX_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in limits}
    given = {}
    with subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            for worker in psutil.Process(process.pid).children():
                if worker.pid not in given and "tintbox.studies.worker" in worker.cmdline():
                    given[worker.pid] = worker.cmdline(), worker.environ()
            time.sleep(0.2)
        printed = process.stdout.read()
    assert process.returncode == 0, printed
    return cwd / "runs/study/study", printed, list(given.values())


def test_each_run_is_an_ordinary_folder(grid):
    folder, printed, _ = grid
    names = [f"batch_{batch}-seed_{seed}" for batch, seed in itertools.product((4, 8), (0, 1))]
    for name in names:
        assert len(rows(folder / name)) == 2
        assert (folder / name / "weights/best.pt").is_file()
        assert outcome.read(folder / name).state == outcome.FINISHED
        assert f"{name}: started" in printed
        assert f"{name}: finished" in printed
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [*names, ".study.lock", "study.yaml", "study.md", "study.csv", "runs.csv", "curves.png", "batch.png"]
    )
    assert "| batch | n | accuracy | accuracy, against the first |" in printed
    assert printed.strip().endswith("runs/study/study")


def test_runs_side_by_side_share_the_cores(grid):
    _, _, given = grid
    part = str(max(1, cores() // 2))
    assert len(given) == 4
    for words, environment in given:
        assert environment["TINTBOX_THREADS"] == part
        assert environment["TINTBOX_ENVIRONMENT"] == "1", "where a plain run was made is kept"
        assert "OMP_NUM_THREADS" not in environment, "Ultralytics sets it as it does in every run"
        assert words[-1] == f"workers={min(local.LOADERS, int(part))}"


def test_threads_are_limited(forked):
    code = (
        "import torch, ultralytics.utils.torch_utils as t\n"
        "from tintbox.threads import use_all_cores\n"
        "t.select_device('cpu'); print(torch.get_num_threads()); use_all_cores(torch.device('cpu'))\n"
        "print(torch.get_num_threads())"
    )
    done = forked("-c", code, env={"TINTBOX_THREADS": "1", "OMP_NUM_THREADS": ""})
    assert done.stdout.split()[-2:] == ["1", "1"], done.stderr


def test_what_the_user_says_of_loaders_and_threads_holds(monkeypatch):
    words, _ = local.share(2, {"workers": 0})
    assert words == []
    assert local.share(1, {})[0] == [], "a run that is alone is as `yolo train` makes it"
    monkeypatch.setattr(local, "USER_THREADS", "3")
    assert local.share(2, {})[1]["OMP_NUM_THREADS"] == "3"


@pytest.mark.slow
def test_the_same_command_does_nothing_and_more_seeds_are_added(grid, forked, yolo, tiny_data):
    folder, _, _ = grid
    times = {file: file.stat().st_mtime_ns for file in folder.glob("*/**/*") if file.is_file()}
    arguments = (*TINY, f"data={tiny_data}", "epochs=2")
    again = forked(TINTBOX, "study", *arguments, "batch=4,8", "seed=0,1", cwd=folder.parents[2])
    assert again.returncode == 0, again.stderr
    assert "4 runs, 4 of them done" in again.stdout
    assert "started" not in again.stdout

    more = forked(TINTBOX, "study", folder, "seed=0,1,2", cwd=folder.parents[2])
    assert more.returncode == 0, more.stderr
    assert "6 runs, 4 of them done" in more.stdout
    assert more.stdout.count("started") == 2
    assert {file: file.stat().st_mtime_ns for file in times} == times
    with (folder / "study.csv").open() as stream:
        assert [row["n"] for row in csv.DictReader(stream)] == ["3", "3"]

    # A run of a study equals `yolo train` with the same arguments.
    plain = yolo("train", *arguments, "batch=8", "seed=2", f"project={folder.parent / 'plain'}", "name=run")
    assert plain.returncode == 0, plain.stderr
    assert rows(folder.parent / "plain/run") == rows(folder / "batch_8-seed_2")


@pytest.mark.slow
def test_a_killed_study_goes_on(tiny_data, tmp_path):
    words = [*TINY, f"data={tiny_data}", "epochs=12", "batch=4", "workers=0", "seed=0,1"]
    folder = tmp_path / "runs/study/study"
    first, second = folder / "seed_0", folder / "seed_1"
    with subprocess.Popen([TINTBOX, "study", *words], cwd=tmp_path, stdout=subprocess.DEVNULL) as study:
        wait_for(lambda: len(rows(second)) > 2 and (second / "weights/last.pt").is_file())
        study.send_signal(signal.SIGKILL)
    wait_for(lambda: not workers("seed_1"), seconds=10)
    assert outcome.read(second).state == outcome.STARTED
    before = rows(second)
    assert 2 < len(before) < 12
    times = {file: file.stat().st_mtime_ns for file in first.rglob("*") if file.is_file()}

    moved = tmp_path / "moved here"
    folder.rename(moved)
    second = moved / "seed_1"
    with subprocess.Popen([TINTBOX, "study", moved], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as study:
        # A run whose process is killed is retried.
        wait_for(lambda: workers("seed_1"))[0].kill()
        printed = study.communicate()[0]
    assert study.returncode == 0, printed
    assert "2 runs, 1 of them done" in printed
    after = rows(second)
    done = before[: len(before) - 1]  # the epoch of the kill may not have been saved, and is then repeated
    assert after[: len(done)] == done, "it began anew"
    assert [int(float(row[0])) for row in after][-1] == 12
    assert "Resuming training" in (second / outcome.LOG).read_text()
    assert {moved / file.relative_to(folder): when for file, when in times.items()} == {
        file: file.stat().st_mtime_ns for file in (moved / "seed_0").rglob("*") if file.is_file()
    }
    assert not folder.exists(), "a study that was moved went on in its old place"


def test_an_interrupted_study_says_how_to_go_on(tiny_data, tmp_path, monkeypatch, capsys):
    """In Python by an exception that no `except TintboxError` catches; on the command line as any other mistake."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local.LocalRuns, "poll", interrupt)
    line = "stopped; go on with: tintbox study runs/study/study"
    with pytest.raises(KeyboardInterrupt, match=line):
        tintbox.study(task="colorize", model="colorize-convt.yaml", data=tiny_data, imgsz=32, plots=False)
    monkeypatch.setattr(sys, "argv", ["tintbox", "study", *TINY, f"data={tiny_data}"])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == 1 and capsys.readouterr().err == f"tintbox: {line}\n"


@pytest.mark.slow
def test_a_failing_run_stops_no_other(tiny_data, tmp_path, forked):
    words = [*TINY, f"data={tiny_data}", "epochs=1", "palette=nopalette,4", "name=a b"]
    done = forked(TINTBOX, "study", *words)
    folder = tmp_path / "runs/study/a b"
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("tintbox: 1 of 2 runs failed, e.g. palette_nopalette; its log is ")
    assert "Traceback" not in done.stdout
    reason = "yolo: palette 'nopalette': no such name (ab313, horses24) and no path to a .yaml file"
    assert f"[1/2] palette_nopalette: failed: {reason}" in done.stdout
    assert outcome.read(folder / "palette_nopalette").reason == reason
    assert f"- palette_nopalette failed: {reason}" in (folder / "study.md").read_text()
    assert outcome.read(folder / "palette_4").state == outcome.FINISHED


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "epoch 1\nTraceback (most recent call last):\n  File x\n    raise ValueError\n"
            "ValueError: \x1b[31mInvalid 'device=7'\x1b[0m requested.\n\ndevice_count: 0\n\n",
            "ValueError: Invalid 'device=7' requested. device_count: 0",
        ),
        ("said\nyolo: data=x: no such file\n", "yolo: data=x: no such file"),
        ("", "exit status 1"),
        ("x" * 1000, "x" * 296 + " ..."),
    ],
)
def test_the_reason_of_a_failure(tmp_path, log, reason):
    (tmp_path / outcome.LOG).write_text(log)
    assert outcome.reason(tmp_path, 1) == reason
    assert outcome.reason(tmp_path, -9) == "killed by signal 9 (SIGKILL); out of memory?"
