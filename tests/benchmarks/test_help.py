"""Every benchmark with arguments says how to use it, whatever it needs to run."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
BENCHMARKS = [file for file in sorted(FOLDER.glob("*.py")) if ".parse_args()" in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_help(file, forked):
    hidden = f"import sys; sys.modules['tidecv'] = None; sys.argv = [{str(file)!r}, '--help']; "
    run = f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"
    done = forked("-c", f"{hidden}sys.path.insert(0, {str(file.parent)!r}); {run}")
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout
