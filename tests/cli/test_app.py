"""The `tintbox` command."""

import sys
from pathlib import Path

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
