"""Specs of patched modules, including those run as scripts."""

import importlib.util

import pytest

from tintbox.plugins.host import finding


@pytest.mark.attack("half-fitting plugin")
@pytest.mark.parametrize("module", ["ultralytics.cfg", "ultralytics.cfg.__init__"])
def test_module_as_script_knows_the_plugin(python, module):
    done = python("-m", module, "help")
    assert done.returncode == 0, done.stderr
    assert "'colorize'" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["os", "ultralytics", "ultralytics.nn", "ultralytics.utils.ops", "nothing.at.all"])
def test_other_modules_are_left_to_the_others(name):
    assert finding.find_spec(name) is None


def test_a_patched_module_is_patched_right_after_its_own_code(monkeypatch, tmp_path):
    (tmp_path / "library_of_mine.py").write_text("value = 1\ndone = []\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(finding, "modules", lambda: ["library_of_mine", "not_installed"])
    monkeypatch.setattr(finding, "apply", lambda module: module.done.append(module.value))
    spec = finding.find_spec("library_of_mine")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.done == [1]
    assert finding.find_spec("not_installed") is None, "what is not there is not found"


@pytest.mark.parametrize("name", finding.SCRIPTS)
def test_a_script_is_a_module_whose_code_runs_the_command_once(monkeypatch, name):
    import ultralytics.cfg

    spec = finding.find_spec(name)
    assert spec.origin == ultralytics.cfg.__file__, "Ultralytics takes sys.argv[0] for a path"
    calls = []
    monkeypatch.setattr(ultralytics.cfg, "entrypoint", lambda: calls.append(1))
    code = spec.loader.get_code(name)
    exec(code, {"__name__": "__mp_main__"})
    assert calls == [], "a process that multiprocessing spawns"
    exec(code, {"__name__": "__main__"})
    assert calls == [1] and not spec.loader.is_package(name)
