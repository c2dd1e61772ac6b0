"""Shares of a machine."""

import pytest
import torch

from tintbox.studies import local
from tintbox.studies.grid import parse

from .conftest import GOOD, wait_for


@pytest.mark.parametrize(
    ("workers", "arguments", "words", "threads"),
    [
        (1, {}, [], "16"),
        (2, {}, ["workers=8"], "8"),
        (5, {}, ["workers=3"], "3"),
        (40, {}, ["workers=1"], "1"),
        (5, {"workers": 0}, [], "3"),
    ],
)
def test_a_run_has_its_share_of_the_cores(workers, arguments, words, threads, monkeypatch):
    monkeypatch.setattr(local, "cores", lambda: 16)
    monkeypatch.delenv("TINTBOX_THREADS", raising=False)
    found, environment = local.share(workers, arguments)
    assert found == words and environment["TINTBOX_THREADS"] == threads


@pytest.mark.parametrize(
    ("named", "gpus"), [(None, ["0", "1"]), ("2, 3", ["2", "3"]), ("GPU-a,GPU-b,9", ["GPU-a", "GPU-b"])]
)
def test_gpus_are_those_that_the_user_names(named, gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert local.list_gpus() == gpus


def test_no_more_runs_at_a_time_than_cores(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(local, "cores", lambda: 1)
    monkeypatch.setattr(local, "list_gpus", list)
    work = local.LocalRuns(parse([*GOOD, "seed=0,1"]).runs(), tmp_path, 4)
    assert work.workers == 1
    assert capsys.readouterr().out == "--workers 4: 1 at a time, for this machine has no more cores\n"


def test_a_run_that_is_left_has_all_cores(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(local, "cores", lambda: 16)
    monkeypatch.setattr(local, "list_gpus", list)
    work = local.LocalRuns(parse([*GOOD, "seed=0,1,2"]).runs()[2:], tmp_path, 8)
    assert work.workers == 1 and capsys.readouterr().out == ""


@pytest.mark.attack("study inputs")
def test_a_recipe_that_is_changed_while_a_study_runs(tmp_path):
    """The runs that are left would be trained with another one than those before."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("lr0: 0.001")
    (run,) = parse([*GOOD, f"cfg={recipe}"]).runs()
    work = local.LocalRuns([run], tmp_path)
    recipe.write_text("lr0: 0.002")
    ((_, found),) = wait_for(work.poll)
    said = f"cfg={recipe} has changed since the study began (lr0); restore it, or begin another study"
    assert (found.state, found.reason, found.recipe) == ("failed", said, {"lr0": 0.001})


def test_what_the_user_says_of_threads_holds(monkeypatch):
    monkeypatch.setenv("TINTBOX_THREADS", "3")
    assert local.threads(8)["TINTBOX_THREADS"] == "3"
