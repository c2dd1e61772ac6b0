"""The findings of `tintbox doctor`."""

import os
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from tintbox.cli import doctor

TINTBOX = Path(sys.executable).with_name("tintbox")


@pytest.mark.smoke
def test_doctor_finds_all_well(python):
    done = python(TINTBOX, "doctor")
    assert done.returncode == 0, done.stdout
    assert "all well" in done.stdout
    assert "tintbox_autoload" in done.stdout
    assert "missing" not in done.stdout
    fitting, names = re.search(r"rely on: (\d+) of (\d+) fit\n", done.stdout).groups()
    assert fitting == names and int(names) > 100
    assert re.search(r"^ok  freezing$", done.stdout, re.MULTILINE)
    assert len(done.stdout.splitlines()) < 40, "more than a screen"


def test_verbose_lists_every_name_that_patches_rely_on(monkeypatch, capsys):
    found = [doctor.Check("ultralytics.cfg.TASKS", "task_tables", "ok"), doctor.Check("x.y", "z", "missing")]
    monkeypatch.setattr(doctor, "examine", lambda: doctor.Report(checks=found))
    doctor.main()
    brief = capsys.readouterr().out
    assert "1 of 2 fit:\nmissing  x.y  z\n" in brief and "TASKS" not in brief
    doctor.main(verbose=True)
    assert "1 of 2 fit:\nok       ultralytics.cfg.TASKS  task_tables\nmissing  x.y" in capsys.readouterr().out


def test_doctor_exits_1_when_switched_off(forked):
    done = forked(TINTBOX, "doctor", env={"TINTBOX_DISABLE": "1"})
    assert done.returncode == 1
    assert done.stdout.endswith("\n1 problem(s):\nthe plugin is switched off by TINTBOX_DISABLE\n"), done.stdout


def test_doctor_exits_1_when_the_start_up_file_did_not_run(python):
    # -S skips site-packages' start-up files; the packages themselves are added again.
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


def test_an_optional_fault_is_a_problem_in_words(monkeypatch):
    """The effect of a broken module or a missing package is described, and the rest is still checked."""
    monkeypatch.setattr(doctor, "take", lambda: {"tintbox.luma": "ok", "tintbox.reports.page": "SyntaxError: line 3"})
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    report = doctor.examine()
    assert report.versions["no-such-package"] == "missing" and report.versions["torch"][0].isdigit()
    assert "package no-such-package is missing" in report.problems
    assert report.modules == {"tintbox.reports.page": "SyntaxError: line 3"}
    assert "module tintbox.reports.page: SyntaxError: line 3" in report.problems
    assert report.device and all(check.state == "ok" for check in report.checks)


def test_an_environment_without_ultralytics_is_a_few_lines(monkeypatch, capsys):
    """As after `pip install --no-deps`: a missing package is named once, not with every patch and module."""
    lacking = {"tintbox.luma": "ultralytics.utils", "tintbox.limits": "yaml", "tintbox.api": "yaml"}
    states = {name: f"needs {package}, which is missing" for name, package in lacking.items()}
    monkeypatch.setattr(doctor, "take", lambda: states)
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert doctor.main() == 1
    text = capsys.readouterr().out
    assert text.split("3 problem(s):\n")[1].splitlines() == [
        "package no-such-package is missing",
        "ultralytics cannot be imported, and tintbox needs it",
        "yaml cannot be imported, and tintbox needs it",
        "",
        "install what is missing: pip install tintbox",
    ]


def test_the_packages_are_those_that_are_declared():
    distributions = packages_distributions()
    declared = {re.split(r"[ <>=;\[]", line)[0] for line in requires("tintbox") if "extra ==" not in line}
    assert {re.sub(r"[-_.]+", "-", distributions[name][0]).lower() for name in doctor.NEEDED} == declared


def test_it_imports_the_standard_library_alone():
    """It must work when everything else is broken."""
    import ast

    tree = ast.parse(Path(doctor.__file__).read_text())
    named = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert {name.split(".")[0] for name in named} - sys.stdlib_module_names == {"tintbox"}
    assert {name for name in named if name.startswith("tintbox")} == {"tintbox.cli.inventory"}
