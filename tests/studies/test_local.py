"""Shares of a machine."""

import pytest

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


def test_what_the_user_says_of_threads_holds(monkeypatch):
    monkeypatch.setenv("TINTBOX_THREADS", "3")
    assert local.threads(8)["TINTBOX_THREADS"] == "3"
