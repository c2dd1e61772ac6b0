"""The `tintbox` command where the installation is broken."""

import os
import subprocess
import sys

import pytest

import tintbox
from tintbox import __main__ as main


@pytest.mark.parametrize(
    ("words", "module", "end"),
    [(["version"], "tintbox.cli.app", "; see `tintbox doctor`"), (["doctor"], "tintbox.cli.doctor", "; reinstall it")],
)
def test_a_broken_installation_is_one_line(monkeypatch, capsys, words, module, end):
    monkeypatch.setattr(sys, "argv", ["tintbox", *words])
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(module.rpartition(".")[0] + "." + module.rpartition(".")[2], raising=False)
    with pytest.raises(SystemExit) as stop:
        main.main()
    assert stop.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tintbox: this installation is broken: ") and line.endswith(end) and module in line


def test_the_command_runs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tintbox", "version"])
    main.main()
    assert capsys.readouterr().out.strip() == tintbox.__version__


def test_the_module_that_an_error_comes_from(tmp_path):
    package = tmp_path / "tintbox" / "sub"
    package.mkdir(parents=True)
    for name in ("__init__.py", "part.py"):
        file = package / name
        file.write_text("1 / 0\n")
        with pytest.raises(ZeroDivisionError) as caught:
            exec(compile(file.read_text(), str(file), "exec"))
        expected = {"__init__.py": "tintbox.sub", "part.py": "tintbox.sub.part"}[name]
        assert main.module_of(caught.value) == expected
    (package / "part.py").write_text("1 +\n")
    with pytest.raises(SyntaxError) as broken:
        compile((package / "part.py").read_text(), str(package / "part.py"), "exec")
    assert main.module_of(broken.value) == "tintbox.sub.part"
    assert main.module_of(ValueError()) == "tintbox.__main__", "of an error that was never raised: this one"


@pytest.mark.parametrize("broken", ["", "tintbox.terminal"])
def test_doctor_outlives_its_reader(broken):
    """`tintbox doctor | head`: a closed pipe is no broken installation. Without that module, the line says why."""
    code = (
        f"import sys; sys.argv = ['tintbox', 'doctor']; sys.modules[{broken!r}] = None\n"
        "from tintbox.cli import doctor; doctor.main = lambda verbose: print('x' * 100_000)\n"
        "from tintbox.__main__ import main; main()"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ("BrokenPipeError" in done.stderr) == bool(broken), done.stderr
    assert broken or done.returncode == 0
