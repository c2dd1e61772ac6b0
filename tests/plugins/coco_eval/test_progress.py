"""Steps are shown on a terminal, and nowhere else."""

import io
import sys

import pytest

from tintbox.plugins.coco_eval.progress import steps


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self):
        return True


def test_nothing_is_shown_where_nobody_looks(capsys):
    with steps(2) as begin:
        begin("one")
        begin("two")
    assert capsys.readouterr() == ("", "")


def test_steps_are_shown_and_go_again(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with steps(2) as begin:
        begin("reading [the truth]")
        begin("matching")
    shown = terminal.getvalue()
    assert "matching" in shown and "1/2" in shown
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[1A" in shown, "the bar is taken away"


def test_an_error_goes_through(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ValueError, match="mine"), steps(1) as begin:
        begin("one")
        raise ValueError("mine")
