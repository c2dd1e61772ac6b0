"""The `tintbox` command."""

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import tintbox

TINTBOX = Path(sys.executable).with_name("tintbox")


@pytest.mark.smoke
def test_version_and_help(python):
    assert python(TINTBOX, "version").stdout.strip() == tintbox.__version__
    shown = python(TINTBOX, "--help")
    assert shown.returncode == 0
    for command in ("doctor", "complexity"):
        assert command in shown.stdout


def test_options_lists_the_table(capsys):
    from tintbox.cli import app as cli
    from tintbox.plugins.options import OPTIONS

    cli.options()
    shown = capsys.readouterr().out
    for option in OPTIONS:
        assert option.name in shown
    assert "[backbone, -9]" in shown, "brackets were taken for markup"


@pytest.mark.smoke
def test_report_writes_one_file_of_a_run(forked, trained, tmp_path):
    done = forked(TINTBOX, "report", trained, "-o", "page.html", "pictures=false")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "page.html"
    assert 4e6 < (tmp_path / "page.html").stat().st_size < 10e6


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, capsys):
    """Also `recipe probe=true`, which trains a study; one that had not begun ends as any interrupted program."""
    from tintbox.cli import app as cli
    from tintbox.recipes import command

    for words, status, told in ((("go on with: it",), 1, "tintbox: go on with: it\n"), ((), 130, "")):
        monkeypatch.setattr(command, "recipe", Mock(side_effect=KeyboardInterrupt(*words)))
        monkeypatch.setattr(sys, "argv", ["tintbox", "recipe", "model=yolo11n.yaml", "data=bccd.yaml", "probe=true"])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert (stop.value.code, capsys.readouterr().err) == (status, told)


def test_report_tells_mistakes_in_a_line(forked, trained, tmp_path):
    for words, told in (
        ([], "give the folders"),
        ([tmp_path], "args.yaml"),
        ([trained, "m=4"], "'m' is no argument here"),
        ([trained, "out=page.pdf"], "out=page.pdf"),
    ):
        done = forked(TINTBOX, "report", *words)
        assert done.returncode == 1
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("tintbox: ") and told in line, line
    assert not list(tmp_path.glob("*.html"))
