"""What all tests share: an Ultralytics that stays offline with settings of its own, and the shared data."""

import atexit
import contextlib
import gc
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Before anything imports Ultralytics, here or in a worker of pytest-xdist.
CONFIG = Path(tempfile.mkdtemp(prefix="tintbox-tests-"))
atexit.register(shutil.rmtree, CONFIG, ignore_errors=True)
os.environ.update(YOLO_OFFLINE="true", YOLO_CONFIG_DIR=str(CONFIG), YOLO_AUTOINSTALL="false", MPLBACKEND="Agg")
for name in ("TINTBOX_DISABLE", "COLUMNS"):  # the second folds tables
    os.environ.pop(name, None)
if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker's share of the cores: more threads would spin while they wait for one another. OMP_NUM_THREADS stays as
    # it is, since tintbox takes it for the user's.
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cores // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ.setdefault("TINTBOX_THREADS", str(share))
    torch.set_num_threads(share)

import pytest  # noqa: E402


class StandardOutput(logging.StreamHandler):
    """A log handler that writes to the standard output of the moment: pytest gives every test another one."""

    stream = property(lambda self: sys.stdout, lambda self, value: None)


REPO = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINTBOX_DATA") or REPO.parent / "shared" / "data")


def settings():
    """The environment variables that steer Ultralytics and tintbox."""
    return {name: value for name, value in os.environ.items() if name.startswith(("YOLO_", "TINTBOX_", "ULTRALYTICS_"))}


def pytest_collection_finish(session):
    """Ultralytics collects garbage after every training, and would visit each of the 650,000 objects made by now."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def environment_is_left_alone():
    """No call of ours may change how later processes behave."""
    before = settings()
    yield
    assert settings() == before


@pytest.fixture(autouse=True)
def numbers_are_the_same_in_any_order():
    """A test that seeds nothing must not depend on the tests before it."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def no_runs_are_left_beside_ultralytics():
    """Under pytest, Ultralytics puts runs without `project` there, in a folder `tests`, which would hide this one."""
    yield
    if "ultralytics" in sys.modules:
        tests = Path(sys.modules["ultralytics"].__file__).parents[1] / "tests"
        runs = tests / "tmp" / "runs"
        shutil.rmtree(runs / os.environ.get("PYTEST_XDIST_WORKER", ""), ignore_errors=True)
        for folder in (runs, tests / "tmp", tests):
            with contextlib.suppress(OSError):  # others are still at work, or it was there before
                folder.rmdir()


@pytest.fixture(scope="module")
def one_thread():
    """Tensors of a few numbers: more threads only wait for one another on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def shared_data():
    """The folder of real pictures and labels, where there is one."""
    if not DATA.is_dir():
        pytest.skip(f"no shared data at {DATA}; set TINTBOX_DATA")
    return DATA


@pytest.fixture(scope="session")
def write_dataset(tmp_path_factory):
    """Write pictures and labels into a new folder, and return the dataset's YAML."""
    import cv2
    import yaml

    def write(title, names, splits, stem=""):
        """``splits``: split -> pictures (H, W, 3), uint8 BGR, each with the lines of its labels, None for no file."""
        root = tmp_path_factory.mktemp(title)
        for split, pictures in splits.items():
            images, labels = root / "images" / split, root / "labels" / split
            images.mkdir(parents=True)
            labels.mkdir(parents=True)
            for i, (picture, lines) in enumerate(pictures):
                cv2.imwrite(str(images / f"{stem}{i}.png"), picture)
                if lines is not None:
                    (labels / f"{stem}{i}.txt").write_text("".join(f"{line}\n" for line in lines))
        folders = {split: f"images/{split}" for split in splits}
        file = root / f"{title}.yaml"
        file.write_text(yaml.safe_dump({"path": str(root), **folders, "names": dict(enumerate(names))}))
        return file

    return write


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """A dataset YAML of 12 training and 4 validation pictures of 32x32: coloured stripes."""
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        folder = root / "images" / split
        folder.mkdir(parents=True)
        for i in range(count):
            picture = np.zeros((32, 32, 3), np.uint8)
            picture[:, :16] = (20, 30, 200)
            picture[:, 16:] = (60, 220, 40)
            picture = np.clip(picture + rng.integers(-20, 20, picture.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"{i}.png"), picture)
    file = root / "tiny.yaml"
    file.write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames: {{0: stripe}}\n")
    return file


@pytest.fixture(scope="session")
def fruit(tmp_path_factory):
    """A dataset YAML of 8 training and 4 validation pictures with boxes, drawn."""
    from tintbox.datasets.fruitbowl import generate

    folder = generate(tmp_path_factory.mktemp("data") / "fruit", train=8, val=4)
    file = folder / "data.yaml"
    file.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames: {list('abcdefgh')}\n")
    return file


@pytest.fixture(scope="session")
def trained(tiny_data, tmp_path_factory):
    """A colouriser trained for two epochs: the folder of the run."""
    from ultralytics import YOLO

    project = tmp_path_factory.mktemp("runs")
    YOLO("colorize-unet.yaml").train(
        data=str(tiny_data), epochs=2, batch=4, imgsz=32, palette=4, project=str(project), name="run", workers=0
    )
    return project / "run"


@pytest.fixture(scope="session")
def stop_at():
    """Let a function train until an event, as if the process had been killed there; returns the trainer."""

    class StoppedError(Exception):
        pass

    def run(train, event, *words, **arguments):
        stopped = []

        def stop(trainer):
            stopped.append(trainer)
            raise StoppedError

        with pytest.raises(StoppedError):
            train(*words, **arguments, callbacks=[(event, stop)])
        return stopped[0]

    return run


@pytest.fixture
def python(tmp_path):
    """Run Python in a fresh process and an empty folder; returns the finished process with its output as text."""

    def run(*words, env=None, executable=sys.executable, cwd=tmp_path, timeout=300):
        command = [str(executable), *map(str, words)]
        environment = {**os.environ, **(env or {})}
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=timeout)

    return run


@pytest.fixture
def yolo(python):
    """Run the stock `yolo` command in a fresh process."""
    command = Path(sys.executable).with_name("yolo")
    return lambda *words, **kwargs: python(command, *words, **kwargs)


@pytest.fixture(scope="session")
def forks():
    """A process that runs others as its forks: see forking.py."""
    command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.stdin.close()
    process.wait()


@pytest.fixture
def forked(request, python, tmp_path, tmp_path_factory):
    """As `python`, but for the start of an interpreter: for what is not about how one starts."""
    if not hasattr(os, "fork"):
        return python
    forks = request.getfixturevalue("forks")

    def run(*words, env=None, cwd=tmp_path, timeout=300):
        out = tmp_path_factory.mktemp("said")
        call = {"words": [*map(str, words)], "env": {**os.environ, **(env or {})}, "cwd": str(cwd)}
        forks.stdin.write(json.dumps({**call, "timeout": timeout, "out": str(out)}) + "\n")
        forks.stdin.flush()
        status = json.loads(forks.stdout.readline())
        said = [(out / name).read_text(errors="replace") for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(words, status, *said)

    return run


@pytest.fixture
def forked_yolo(forked, yolo):
    """As `yolo`, in a fork."""
    if not hasattr(os, "fork"):
        return yolo
    return lambda *words, **kwargs: forked(Path(sys.executable).with_name("yolo"), *words, **kwargs)


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    """Run the `yolo` command in this process and an empty folder; returns exit status and everything it printed."""
    import ultralytics.cfg
    from ultralytics.utils import LOGGER

    monkeypatch.chdir(tmp_path)
    for handler in LOGGER.handlers:
        if type(handler) is logging.StreamHandler:
            handler.__class__ = StandardOutput

    def run(*words):
        monkeypatch.setattr(ultralytics.cfg, "ARGV", ["yolo", *map(str, words)])
        try:
            ultralytics.cfg.entrypoint()
        except SystemExit as stop:
            return stop.code, "".join(capfd.readouterr())
        return 0, "".join(capfd.readouterr())

    return run


@pytest.fixture
def refusal(cli, tmp_path):
    """Run a `yolo` command that must fail with one line and status 1 and create nothing; returns the line."""

    def run(*words):
        before = sorted(tmp_path.rglob("*"))
        code, text = cli(*words)
        assert code == 1, text
        assert "Traceback" not in text, text
        line = [line for line in text.splitlines() if line.strip()][-1]
        assert line.startswith("yolo: "), text
        assert sorted(tmp_path.rglob("*")) == before, "something was created"
        return line

    return run


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Run a `tintbox` command that must fail with one line and status 1 and create nothing; returns the line."""
    from tintbox.cli import app

    monkeypatch.chdir(tmp_path)

    def run(*words):
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["tintbox", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            app.main()
        said = capfd.readouterr().err
        assert stop.value.code == 1
        assert said.startswith("tintbox: ") and said.count("\n") == 1, said
        assert sorted(tmp_path.rglob("*")) == before, "something was created"
        return said.strip()

    return run
