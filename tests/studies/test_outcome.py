"""The state of a run, from the files in its folder."""

import signal

import pytest
import torch

from tintbox import run_arguments
from tintbox.studies import outcome
from tintbox.studies.outcome import Outcome


def test_an_outcome_is_read_as_it_was_written(tmp_path):
    arguments = {"lr0": 0.1, "imgsz": (32, 64), 5: "neck"}
    assert outcome.read(tmp_path) is None
    Outcome("failed", "out of\nmemory", arguments).write(tmp_path / "run")
    found = outcome.read(tmp_path / "run")
    assert (found.state, found.reason) == ("failed", "out of memory")
    assert outcome.same_arguments(found, arguments) and not outcome.same_arguments(found, {**arguments, "lr0": 0.2})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"state": "done"}', '{"state": "failed", "reason": 3}', '{"arguments": {}}']
)
def test_a_damaged_file_is_none(text, tmp_path):
    (tmp_path / outcome.FILE).write_text(text)
    assert outcome.read(tmp_path) is None


@pytest.mark.parametrize(
    ("log", "status", "reason"),
    [
        ("", 3, "exit status 3"),
        ("a\n\x1b[31mlast \x1b[0m\n\n", 1, "last"),
        ("x\nTraceback (most recent call last):\n  File\n    y\nValueError: a\nb\n", 1, "ValueError: a b"),
        ("a\n", -signal.SIGKILL, "killed by signal 9 (SIGKILL); out of memory?"),
        ("a\n", -signal.SIGTERM, "killed by signal 15 (SIGTERM)"),
        ("x" * 400, 1, "x" * 296 + " ..."),
    ],
)
def test_why_a_process_ended(log, status, reason, tmp_path):
    (tmp_path / outcome.LOG).write_text(log)
    assert outcome.reason(tmp_path, status) == reason


@pytest.mark.parametrize(
    ("epoch", "epochs", "trained"), [(-1, 5, True), (4, 5, True), (3, 5, False), (3, "many", False), (3, 0, False)]
)
def test_a_checkpoint_of_the_last_epoch_is_not_resumed(epoch, epochs, trained, tmp_path):
    (tmp_path / "args.yaml").write_text(f"epochs: {epochs}\n")
    torch.save({"epoch": epoch}, tmp_path / "last.pt")
    assert outcome.is_trained(tmp_path, tmp_path / "last.pt") is trained


def test_epochs_are_counted_by_the_rows(tmp_path):
    assert outcome.trained_epochs(tmp_path) == 0
    (tmp_path / "results.csv").write_text("epoch,time\n1,2\n2,3\n")
    assert outcome.trained_epochs(tmp_path) == 2


def test_a_fold_lacks_predictions_until_all_files_are_there(tmp_path):
    for name, text in {
        "annotations.json": '{"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}',
        "predictions.json": "[]",
        "image_ids.json": '{"a.png": 1}',
    }.items():
        assert outcome.lacks_predictions(tmp_path, {"fold": 0}) and not outcome.lacks_predictions(tmp_path, {})
        (tmp_path / name).write_text(text)
    assert not outcome.lacks_predictions(tmp_path, {"fold": 0})


@pytest.mark.parametrize(("asked", "lacks"), [("{}", True), ("true", True), ("false", False), ("null", False)])
def test_an_evaluation_that_is_asked_for_and_not_there(asked, lacks, tmp_path):
    (tmp_path / "args.yaml").write_text(f"{run_arguments.HEADER}epochs: 1\n")
    (tmp_path / "tintbox.yaml").write_text(f"coco_eval: {asked}\n")
    (tmp_path / "predictions.json").write_text("[]")
    assert (outcome.read_unevaluated(tmp_path) is not None) == lacks
    (tmp_path / "coco.json").write_text("{}")
    assert outcome.read_unevaluated(tmp_path) is None
