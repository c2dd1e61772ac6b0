"""The progress of a study, in words and numbers."""

import io
import math
from types import SimpleNamespace

import pytest

from tintbox.studies import outcome, progress
from tintbox.studies.progress import Progress, clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (59.6, "0:01:00"), (3599.4, "0:59:59"), (3600, "1:00:00"), (360000, "100:00:00"),
     (math.inf, "?"), (math.nan, "?")],
)  # fmt: skip
def test_times(seconds, text):
    assert clock(seconds) == text


def runs(*names):
    return [SimpleNamespace(name=name) for name in names]


@pytest.fixture
def epochs(monkeypatch):
    """The number of epochs, of four, that each run has trained; a missing run has no arguments yet."""
    done = {}
    monkeypatch.setattr(outcome, "trained_epochs", lambda folder: done.get(folder.name, 0))
    monkeypatch.setattr(outcome, "planned_epochs", lambda folder: 4 if folder.name in done else math.inf)
    return done


def ended(state="done", reason=""):
    return SimpleNamespace(state=state, reason=reason)


def test_shares_of_the_epochs(epochs, tmp_path):
    a, b = runs("a", "b")
    shown = Progress([a, b], {}, tmp_path)
    assert shown.share(a) == (0.0, "starting")
    epochs.update(a=1, b=9)
    assert shown.share(a) == (0.25, "epoch 1 of 4") and shown.share(b)[0] == 1.0


def test_the_rest_takes_as_long_as_what_is_done(epochs, tmp_path, monkeypatch):
    a, b, c = runs("a", "b", "c")
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    epochs.update(a=4, b=0, c=2)  # c resumes from a half
    shown = Progress([a, b, c], {"a": ended()}, tmp_path)
    assert shown.estimate_remaining() is None and shown.describe_end() == ""
    now[0] += 30
    epochs.update(b=2, c=3)
    shown.update([b, c], [])
    # 0.75 of a run took 30 s; 0.75 of one is left.
    assert shown.estimate_remaining() == pytest.approx(30 * (3 - 2.25) / 0.75)
    assert "; about 0:00:30 left, until " in shown.describe_end()


def test_a_line_for_each_event_where_nobody_looks(epochs, tmp_path, capsys):
    a, b = runs("a", "b[1]")
    with Progress([a, b], {}, tmp_path) as shown:
        shown.update([a, b], [])
        shown.update([a, b], [])
        epochs.update(a=4)
        shown.update([b], [(a, ended("failed", "no memory"))])
        shown.update([], [(b, ended())])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["[0/2] a: started", "[0/2] b[1]: started"], "once each"
    assert lines[2].startswith("[1/2] a: failed: no memory") and lines[3] == "[2/2] b[1]: done"
    assert len(lines) == 4


def test_the_picture_says_how_things_stand(epochs, tmp_path):
    from rich.console import Console

    a, b, c = runs("a", "b[x]", "c")
    epochs["b[x]"] = 1
    shown = Progress([a, b, c], {"a": ended(outcome.FAILED)}, tmp_path)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(shown.picture([b], {"b[x]": "epoch 1 of 4"}))
    text = console.export_text()
    assert "1 of 3 runs done, 1 failed" in text and "b[x]" in text and "epoch 1 of 4" in text
