"""Shares of a machine."""

import pytest
import torch

from tintbox.studies import local


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


def test_what_the_user_says_of_threads_holds(monkeypatch):
    monkeypatch.setenv("TINTBOX_THREADS", "3")
    assert local.threads(8)["TINTBOX_THREADS"] == "3"
