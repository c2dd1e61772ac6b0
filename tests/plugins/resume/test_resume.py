"""A run of ours that was stopped goes on as if it had not been."""

import contextlib
import csv
import shlex
import shutil

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.resume import state

pytestmark = pytest.mark.attack("resume")

EPOCHS = 4
# Every kind has pending gradients at the end of its epochs (Ultralytics steps once per 64 pictures) but where `nbs` is.
KINDS = {
    "colorize": ("colorize-pool.yaml", {"palette": 4, "crop": 0.1, "fliplr": 0.5}),
    "frozen": ("yolo11n.yaml", {"freeze": "backbone", "close_mosaic": 1, "optimizer": "SGD"}),
    "closing": ("yolo11n.yaml", {"cls_pos_weight": 2, "close_mosaic": 2, "nbs": 12, "batch": 2}),
    "plain": ("yolo11n.yaml", {}),
    "end-to-end": ("yolo26n.yaml", {"freeze": "backbone", "unfreeze": {2: "all"}, "optimizer": "MuSGD"}),
}


class StoppedError(Exception):
    """Stands for `kill -9` after an epoch."""


def train(kind, data, folder, stop=None):
    """Train; with ``stop``, stop after so many epochs."""
    model, settings = KINDS[kind]
    model = YOLO(model)

    def end(trainer):
        if trainer.epoch + 1 == stop:
            raise StoppedError

    model.add_callback("on_fit_epoch_end", end)
    settings = {"batch": 4, "epochs": EPOCHS, "imgsz": 64, "plots": False, "seed": 3, "workers": 0, **settings}
    with contextlib.suppress(StoppedError):
        model.train(data=str(data), project=str(folder), name="run", **settings)
    return folder / "run"


def rows(run):
    with (run / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k.strip() != "time"} for row in csv.DictReader(file)]


def weights(run):
    return torch.load(run / "weights/last.pt", weights_only=False)["model"].state_dict()


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def stopped(fruit, tmp_path_factory):
    """A run with a frozen backbone and one of a colouriser, stopped after two epochs of four."""
    folder = tmp_path_factory.mktemp("stopped")
    return {kind: train(kind, fruit, folder / kind, stop=2) for kind in ("frozen", "colorize")}


@pytest.fixture
def copy(stopped, tmp_path):
    """Return a copy of a stopped run, in the folder in which it goes on."""

    def make(kind):
        run = tmp_path / "run"
        shutil.copytree(stopped[kind], run)
        return run

    return make


@pytest.mark.parametrize(
    "kind",
    [
        "colorize",
        "frozen",
        pytest.param("closing", marks=pytest.mark.slow),
        pytest.param("end-to-end", marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(kind, fruit, tmp_path):
    whole = train(kind, fruit, tmp_path / "whole")
    resumed = train(kind, fruit, tmp_path / "resumed", stop=2)
    YOLO(resumed / "weights/last.pt").train(resume=True)
    assert rows(resumed) == rows(whole)
    assert len(rows(whole)) == EPOCHS
    assert same(weights(resumed), weights(whole))


def test_the_finished_checkpoint_holds_nothing_for_resuming(copy):
    run = copy("colorize")
    before = torch.load(run / "weights/last.pt", weights_only=False)
    assert state.KEY in before["optimizer"]
    YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))
    after = torch.load(run / "weights/last.pt", weights_only=False)
    assert after["optimizer"] is None and not hasattr(after["model"], state.KEY)


def test_restricted_loading_takes_it(stopped, python):
    code = "import sys; from ultralytics import YOLO; print(YOLO(sys.argv[1]).ckpt['epoch'])"
    done = python("-c", code, stopped["frozen"] / "weights/last.pt", env={"ULTRALYTICS_SAFE_LOAD": "1"})
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr


@pytest.mark.slow
def test_a_stock_ultralytics_goes_on_from_it(copy, yolo):
    run = copy("frozen")
    done = yolo(
        "detect", "train", "resume=True", f"model={run / 'weights/last.pt'}", f"save_dir={run}",
        env={"TINTBOX_DISABLE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3", "4"]
    checkpoint = torch.load(run / "weights/last.pt", weights_only=False)
    assert checkpoint["epoch"] == -1 and checkpoint["optimizer"] is None


def test_rows_that_are_trained_again_are_not_there_twice(copy):
    run = copy("colorize")
    lines = (run / "results.csv").read_bytes().splitlines(keepends=True)
    three = b"3" + lines[2][1:]
    (run / "results.csv").write_bytes(b"".join(lines) + three + three[: len(three) // 2])
    YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))
    after = (run / "results.csv").read_bytes().splitlines(keepends=True)
    assert after[:3] == lines and after[3] != three
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3", "4"]


def test_another_batch_size_goes_on_from_the_weights(copy):
    run = copy("frozen")
    model = YOLO(run / "weights/last.pt")
    saved = torch.load(run / "weights/last.pt", weights_only=False)["optimizer"][state.KEY]["weights"]
    found = {}
    model.add_callback("on_train_start", lambda trainer: found.update(trainer.model.state_dict()))
    model.add_callback("on_train_batch_start", lambda trainer: setattr(trainer, "stop", True))
    model.train(resume=True, save_dir=str(run), batch=2)
    name = "model.0.conv.weight"  # frozen, so no step has changed it since
    assert torch.equal(found[name], saved[name])


@pytest.mark.parametrize("how", ["resume=True model=", "resume="])
def test_a_finished_run_is_told_in_one_line(how, trained, cli, tmp_path):
    last = trained / "weights/last.pt"
    before = last.read_bytes()
    status, said = cli("colorize", "train", *f"{how}{last}".split(), f"project={tmp_path}")
    assert status == 1 and "nothing to resume" in said.splitlines()[-1] and "Traceback" not in said
    assert last.read_bytes() == before


def test_a_run_with_options_is_finished_too(copy, cli):
    run = copy("frozen")
    from ultralytics.utils.torch_utils import strip_optimizer

    strip_optimizer(run / "weights/last.pt")
    status, said = cli("detect", "train", "resume", f"model={run / 'weights/last.pt'}")
    assert status == 1 and "nothing to resume" in said.splitlines()[-1]


def test_a_run_that_was_killed_before_its_last_strip_is_finished(copy):
    run = copy("frozen")
    checkpoint = torch.load(run / "weights/last.pt", weights_only=False)
    checkpoint["epoch"] = EPOCHS - 1
    torch.save(checkpoint, run / "weights/last.pt")
    with pytest.raises(TintboxError, match="nothing to resume"):
        YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))


@pytest.mark.parametrize("how", ["resume model=", "resume="])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:9999] + b"?" + b[10000:]])
def test_a_torn_last_names_the_best(how, damage, copy, cli):
    run = copy("colorize")
    last, best = run / "weights/last.pt", run / "weights/best.pt"
    last.write_bytes(damage(last.read_bytes()))
    status, said = cli("colorize", "train", *f"{how}{last}".split())
    assert status == 1 and "Traceback" not in said
    line = said.splitlines()[-1]
    assert f"{last} is damaged" in line and f"yolo train resume model={best}" in line


@pytest.mark.parametrize("kind", ["colorize", "plain"])
def test_the_command_that_a_torn_last_names_goes_on_from_the_best(kind, fruit, tmp_path, cli):
    run = train(kind, fruit, tmp_path / "a folder", stop=2)
    (run / "weights/last.pt").write_bytes(b"PK")
    task = "colorize" if kind == "colorize" else "detect"
    status, said = cli(task, "train", "resume=True", f"model={run / 'weights/last.pt'}")
    assert status == 1 and said.splitlines()[-1].startswith("yolo: ")
    status, said = cli(*shlex.split(said.split("`")[1])[1:])
    assert status == 0, said
    assert [row["epoch"] for row in rows(run)][-1] == str(EPOCHS)
    assert YOLO(run / "weights/last.pt").ckpt["epoch"] == -1


def test_where_both_are_torn_only_the_damage_is_told(copy, cli):
    run = copy("colorize")
    for name in ("last.pt", "best.pt"):
        (run / "weights" / name).write_bytes(b"")
    status, said = cli("colorize", "train", "resume", f"model={run / 'weights/last.pt'}")
    assert status == 1 and "resume model=" not in said.splitlines()[-1]
