"""Before the first epoch of a resumed run: is there anything to resume?"""

import contextlib
import re
from types import SimpleNamespace

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.resume import start

pytestmark = pytest.mark.attack("resume")
HEAD = "epoch,time,loss\n"


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
    checkpoint["epoch"] = 3
    torch.save(checkpoint, run / "weights/last.pt")
    with pytest.raises(TintboxError, match=r"before the last validation.* nothing to resume; .*/best\.pt is comp"):
        YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))


@pytest.mark.parametrize(
    ("resume", "epoch", "goes_on"),
    [(True, 0, True), (True, 2, True), (True, 3, False), (True, -1, False), (True, 9, False), (False, -1, True)],
)
def test_a_run_of_four_epochs(resume, epoch, goes_on):
    trainer = SimpleNamespace(resume=resume, epochs=4, args=SimpleNamespace(model="last.pt"))
    if goes_on:
        start.check(trainer, {"epoch": epoch})
    else:
        line = "has trained all its epochs and was stopped before the last validation"
        if epoch < 0:
            line = "is a finished run's: there is nothing to resume; leave out `resume` to train on from it"
        line = f"model=last.pt {line}"
        with pytest.raises(TintboxError, match=re.escape(line)):
            start.check(trainer, {"epoch": epoch})
    start.check(trainer, None)


def loaded(checkpoint, task="detect", **own):
    """The parts of a loaded `YOLO` that are used."""
    return SimpleNamespace(ckpt=checkpoint, ckpt_path="x.pt", task=task, model=SimpleNamespace(tintbox_args=own))


@pytest.mark.parametrize(
    ("model", "ours"),
    [
        (loaded({"epoch": -1, "train_args": {}}), False),  # stock reports the error
        (loaded({"epoch": -1, "train_args": {"freeze": "neck"}}), True),
        (loaded({"epoch": -1, "train_args": {}}, cls_smoothing=0.1), True),
        (loaded({"epoch": -1, "train_args": {}}, task="colorize"), True),
        (loaded({"epoch": 3, "optimizer": None, "train_args": {}}, task="colorize"), True),
        (loaded({"epoch": 3, "optimizer": {}, "train_args": {}}, task="colorize"), False),  # can be resumed
        (loaded(None), False),  # a YAML; stock warns and trains
    ],
)
def test_a_finished_checkpoint_of_ours_is_refused(model, ours):
    if ours:
        with pytest.raises(TintboxError, match=r"x\.pt is a finished run's"):
            start.check_finished(model, {})
    else:
        start.check_finished(model, {})


@pytest.mark.parametrize("given", [{}, {"data": "elsewhere.yaml"}])
def test_a_dataset_that_is_not_there_is_told(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stopped = loaded({"epoch": 3, "optimizer": {}, "train_args": {"data": "../mine.yaml", "freeze": "neck"}})
    name = given.get("data", "../mine.yaml")
    with pytest.raises(TintboxError, match=f"^data={name}: no such file here; resume where the run was started, or"):
        start.check_finished(stopped, given)
    (tmp_path / "there.yaml").write_text("")
    start.check_finished(stopped, {"data": "there.yaml"})


def test_a_run_that_was_killed_while_it_was_polished_says_what_is_left():
    stopped = loaded({"epoch": 3, "optimizer": {}, "train_args": {"epochs": 4, "polish": True}})
    with pytest.raises(TintboxError, match=r"^model=x\.pt has trained all its epochs .* `tintbox polish best\.pt`"):
        start.check_finished(stopped, {})


def test_a_yaml_is_no_stopped_run():
    with pytest.raises(TintboxError, match=r"^resume=True: model=x\.pt is no checkpoint of a stopped run; give"):
        start.check_finished(loaded(None, task="colorize"), {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cls_focal": 2, "freeze_bn": None, "imgsz": 64}, None),
        ({"cls_focal": 1.0}, "cls_focal=1.0: a resumed run goes on with cls_focal=2.0; leave it out"),
        ({"polish": True}, "polish=True: a resumed run goes on with polish=False; leave it out"),
        ({"unfreeze": "{0.5: neck}"}, None),
    ],
)
def test_a_resumed_run_keeps_its_arguments(arguments, message):
    network = SimpleNamespace(tintbox_args={"cls_focal": 2.0, "unfreeze": {0.5: "neck"}})
    with pytest.raises(TintboxError, match=message) if message else contextlib.nullcontext():
        start.check_kept(network, arguments)


def test_a_moved_run_is_told_where_it_goes_on(tmp_path):
    """Ultralytics resumes into the folder that the checkpoint names, which a user may have moved."""
    old, new = tmp_path / "old", tmp_path / "new"
    assert start.explain_moved(old / "weights" / "last.pt", old) is None
    assert start.explain_moved(new / "weights" / "last.pt", old).endswith(f"in {old}; to go on here: save_dir={new}")
    assert start.explain_moved(new / "last.pt", old).endswith(f"save_dir={new}")


@pytest.mark.parametrize(
    ("before", "epoch", "after"),
    [
        (HEAD + "1,2,3\n2,3,4\n", 3, HEAD + "1,2,3\n2,3,4\n"),
        (HEAD + "1,2,3\n2,3,4\n3,4,5\n", 3, HEAD + "1,2,3\n2,3,4\n"),
        (HEAD + "1,2,3\n2,3,4\n2,9,9\n3,4,5\n", 3, HEAD + "1,2,3\n2,9,9\n"),
        (HEAD + "1,2,3\n2,3,", 3, HEAD + "1,2,3\n"),
        (HEAD + "1,2,3\n2,3", 3, HEAD + "1,2,3\n"),
        (HEAD + "1,2,3\n10,3,4\n", 11, HEAD + "1,2,3\n10,3,4\n"),
        (HEAD + "1,2,3\nx,y,z\n", 3, HEAD + "1,2,3\n"),
        (HEAD, 3, HEAD),
        ("", 3, ""),
    ],
)
def test_rows(tmp_path, before, epoch, after):
    file = tmp_path / "results.csv"
    file.write_bytes(before.encode())
    start.drop_rows(file, epoch)
    assert file.read_bytes() == after.encode()


def test_no_file_is_made(tmp_path):
    start.drop_rows(tmp_path / "results.csv", 3)
    assert list(tmp_path.iterdir()) == []
