"""Test the wheel on every installed Python, each in a fresh environment: `make matrix`.

For each Python, it creates an environment, installs the wheel with each requested Ultralytics, runs the tests marked
`smoke`, and removes the environment (about 6 GB if torch comes with CUDA).

    python tools/matrix.py dist/tintbox-0.1.0-py3-none-any.whl --pythons 3.10 3.13 --ultralytics 8.4.160 oldest newest

Besides versions, `--ultralytics` takes `oldest` and `newest`, the ends of the wheel's supported range, and `latest`,
which may be newer than that.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
NEEDED = ("pytest", "hypothesis")  # by the smoke tests, besides the wheel


@dataclass(frozen=True)
class Trial:
    """The result for one Python with one Ultralytics."""

    python: str
    ultralytics: str
    torch: str
    outcome: str  # pytest's last line, or the error before it
    passed: bool
    install_seconds: float
    test_seconds: float

    def __str__(self) -> str:
        """Return a line of the table."""
        return (
            f"{'ok  ' if self.passed else 'FAIL'}  Python {self.python:<8} Ultralytics {self.ultralytics:<9} "
            f"torch {self.torch:<8} installed in {self.install_seconds:4.0f} s, "
            f"tested in {self.test_seconds:3.0f} s: {self.outcome}"
        )


def find(version: str) -> Path | None:
    """Return an interpreter of version ``"3.X"``: the one on PATH if it runs, else pyenv's newest."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    pyenv = sorted(
        root.glob(f"versions/{version}.*/bin/python"), key=lambda p: [int(n) for n in re.findall(r"\d+", str(p))]
    )
    own = [sys.executable] if sys.version.startswith(f"{version}.") else []
    for candidate in (shutil.which(f"python{version}"), *reversed(pyenv), *own):
        # pyenv has a shim on PATH for every version, but only activated versions run.
        if candidate and run([candidate, "-c", "import venv"], check=False).returncode == 0:
            return Path(candidate)
    return None


def run(words: list[object], check: bool = True, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """Run a command quietly.

    Raises:
        SystemExit: If ``check`` is set and the command fails; with the end of its output.
    """
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **kwargs)  # type: ignore[call-overload]
    if check and done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done


def smoke_files() -> list[Path]:
    """Return the test modules that have smoke tests; others may import packages that are not installed."""
    return [
        file for file in sorted((REPO / "tests").rglob("test_*.py")) if "mark.smoke" in file.read_text(encoding="utf-8")
    ]


def constraint(wheel: Path, ultralytics: str) -> list[str]:
    """Return the requirement for a version of Ultralytics, or for the oldest that the wheel supports."""
    if ultralytics in ("newest", "latest"):
        return ["ultralytics"]  # pip upgrades named packages
    if ultralytics == "oldest":
        with zipfile.ZipFile(wheel) as archive:
            (file,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            wants = re.search(r"^Requires-Dist: ultralytics.*>=([\w.]+)", archive.read(file).decode(), re.MULTILINE)
        ultralytics = wants[1] if wants else ""
    return [f"ultralytics=={ultralytics}"]


def attempts(python: Path, wheel: Path, versions: Sequence[str]) -> Iterator[Trial]:
    """Yield the results of the smoke tests with each version of Ultralytics, in one fresh environment."""
    with tempfile.TemporaryDirectory(prefix="tintbox-matrix-", ignore_cleanup_errors=True) as folder:
        run([python, "-m", "venv", folder])
        scripts = Path(folder, "Scripts" if os.name == "nt" else "bin")
        for version in versions:
            yield attempt(scripts, wheel, version)


def attempt(scripts: Path, wheel: Path, ultralytics: str) -> Trial:
    """Install the wheel with a version of Ultralytics, and run the smoke tests."""
    start = time.monotonic()
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--upgrade"]
    # pip's cache is shared by all environments: torch is downloaded once for each Python.
    installed = run([*pip, wheel, *NEEDED, *constraint(wheel, ultralytics)], check=False)
    if ultralytics == "latest" and not installed.returncode:  # whatever the wheel's own range is
        installed = run([*pip, "--no-deps", "ultralytics"], check=False)
    middle = time.monotonic()
    shown = run([scripts / "python", "-c", VERSIONS], check=False, cwd=scripts)
    if installed.returncode or shown.returncode:
        line = (installed.stderr or shown.stderr).strip().splitlines()[-1]
        return Trial("-", ultralytics, "-", line, False, middle - start, 0)
    python, host, torch = shown.stdout.split()
    # Not `python -m pytest`, which puts the checkout on the path: the wheel is to be tested.
    words = [scripts / "pytest", "-q", "-m", "smoke", "-p", "no:cacheprovider", *smoke_files()]
    tests = run(words, check=False, cwd=REPO)
    if tests.returncode:
        print(tests.stdout[-6000:] + tests.stderr[-2000:], flush=True)
    outcome = (tests.stdout.strip() or "no output").splitlines()[-1]
    return Trial(python, host, torch, outcome, not tests.returncode, middle - start, time.monotonic() - middle)


VERSIONS = """
import platform, sys, tintbox
from importlib.metadata import version
assert tintbox.__file__.startswith(sys.prefix), "this is not the tintbox of the wheel"
print(platform.python_version(), version("ultralytics"), version("torch").partition("+")[0])
"""


def main() -> int:
    """Run all trials one after the other; the exit status is 1 if any fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--pythons", nargs="*", default=[], help="versions such as 3.10; all that are found otherwise")
    parser.add_argument("--ultralytics", nargs="*", default=[], help="versions, oldest, newest (default) or latest")
    arguments = parser.parse_args()
    found = {version: find(version) for version in arguments.pythons or PYTHONS}
    missing = [version for version, python in found.items() if python is None]
    if missing:
        print(f"no Python {', '.join(missing)} here: neither on PATH nor under PYENV_ROOT", flush=True)
    trials = []
    for python in filter(None, found.values()):
        for trial in attempts(python, arguments.wheel, arguments.ultralytics or ["newest"]):
            trials.append(trial)
            print(trial, flush=True)
    wanted = not arguments.pythons or not missing
    return 0 if trials and wanted and all(trial.passed for trial in trials) else 1


if __name__ == "__main__":
    sys.exit(main())
