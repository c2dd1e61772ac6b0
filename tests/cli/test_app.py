"""The `tintbox` command."""

import json
import os
import sys
from pathlib import Path

import pytest

import tintbox
from tintbox.cli import doctor

TINTBOX = Path(sys.executable).with_name("tintbox")


@pytest.mark.smoke
def test_version_and_help(python):
    assert python(TINTBOX, "version").stdout.strip() == tintbox.__version__
    shown = python(TINTBOX, "--help")
    assert shown.returncode == 0
    for command in ("doctor", "complexity"):
        assert command in shown.stdout


@pytest.mark.smoke
def test_doctor_finds_all_well(python):
    done = python(TINTBOX, "doctor")
    assert done.returncode == 0, done.stdout
    assert "all well" in done.stdout
    assert "tintbox_autoload" in done.stdout
    assert "ultralytics.cfg.TASKS" in done.stdout
    assert "missing" not in done.stdout


def test_doctor_exits_1_when_switched_off(python):
    done = python(TINTBOX, "doctor", env={"TINTBOX_DISABLE": "1"})
    assert done.returncode == 1
    assert "switched off by TINTBOX_DISABLE" in done.stdout


def test_doctor_exits_1_when_the_start_up_file_did_not_run(python):
    # -S skips site-packages' start-up files; the packages themselves are put back by hand.
    paths = os.pathsep.join(p for p in sys.path if p)
    finder = next(Path(p) for p in sys.path if (Path(p) / "ultralytics").is_dir())
    code = (
        "import sys, runpy, importlib.util\n"
        f"for f in __import__('pathlib').Path({str(finder)!r}).glob('__editable___tintbox_*_finder.py'):\n"
        "    spec = importlib.util.spec_from_file_location('finder', f); m = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(m); m.install()\n"
        "sys.argv = ['tintbox', 'doctor']\n"
        "from tintbox.cli.app import main; main()"
    )
    done = python("-S", "-c", code, env={"PYTHONPATH": paths})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "did not run" in done.stdout


def test_doctor_names_what_is_missing(monkeypatch):
    from tintbox.plugins import host

    lost = host.Patch("ultralytics.cfg", ("NO_SUCH_NAME",), lambda module: None)
    monkeypatch.setattr(host, "PATCHES", [*host.PATCHES, lost])
    report = doctor.examine()
    assert [c.name for c in report.checks if c.state == "missing"] == ["ultralytics.cfg.NO_SUCH_NAME"]
    assert any("NO_SUCH_NAME missing" in p for p in report.problems)


def test_complexity_as_json_and_as_a_table(python):
    done = python(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=32", "--json")
    assert done.returncode == 0, done.stderr
    total = json.loads(done.stdout)["total"]
    k, nf, nc, nic = 3, 32, 24, 1
    assert total == {
        "weights": k**2 * (nic * nf + 4 * nf**2 + nf * nc + nc**2) + 12 * nf + 4 * nc,
        "outputs": 2880 * nf + 3328 * nc,
        "connections": k**2 * (1024 * nic * nf + 640 * nf**2 + 256 * nf * nc + 1024 * nc**2) + 2432 * nf + 2048 * nc,
    }
    shown = python(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=32").stdout
    assert f"{total['connections']:,}" in shown
    larger = python(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=[64, 64]", "--json")
    doubled = json.loads(larger.stdout)["total"]
    assert doubled["weights"] == total["weights"]
    assert doubled["outputs"] == 4 * total["outputs"]
    assert doubled["connections"] == 4 * total["connections"]


def test_options_lists_the_table(capsys):
    from tintbox.cli import app as cli
    from tintbox.plugins.options import OPTIONS

    cli.options()
    shown = capsys.readouterr().out
    for option in OPTIONS:
        assert option.name in shown
    assert "[backbone, -9]" in shown, "brackets were taken for markup"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["modl=colorize-pool.yaml"], "did you mean 'model'"),
        (["colorize-pool.yaml"], "write key=value"),
        (["imgsz=32"], "model= is missing"),
        (["model=colorize-poll.yaml"], "did you mean 'colorize-pool.yaml'"),
        (["model=colorize-pool.yaml", "imgsz=zero"], "imgsz=zero"),
        (["model=colorize-pool.yaml", "imgsz=-3"], "imgsz=-3"),
        (["model=yolo11n.yaml"], "yolo11n.yaml is a detect model"),
        (["model=nothing.pt"], "nothing.pt"),
    ],
)
def test_mistakes_are_one_line(words, message, capfd, monkeypatch, tmp_path):
    from tintbox.cli import app as cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tintbox", "complexity", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("tintbox: ")
    assert message in line


@pytest.mark.smoke
def test_report_writes_one_file_of_a_run(python, trained, tmp_path):
    done = python(TINTBOX, "report", trained, "-o", "page.html", "pictures=false")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "page.html"
    assert 4e6 < (tmp_path / "page.html").stat().st_size < 10e6


def test_report_tells_mistakes_in_a_line(python, trained, tmp_path):
    for words, told in (
        ([], "give the folders"),
        ([tmp_path], "args.yaml"),
        ([trained, "m=4"], "'m' is no argument here"),
        ([trained, "out=page.pdf"], "out=page.pdf"),
    ):
        done = python(TINTBOX, "report", *words)
        assert done.returncode == 1
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("tintbox: ") and told in line, line
    assert not list(tmp_path.glob("*.html"))
