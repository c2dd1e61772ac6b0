"""What an installation puts into site-packages."""

import subprocess
import sys
import zipfile

import pytest

REPO = __import__("pathlib").Path(__file__).resolve().parents[2]
START_UP = {"tintbox_autoload.pth", "tintbox_autoload.start"}


@pytest.fixture(scope="module")
def setuptools():
    return pytest.importorskip("setuptools", reason="builds without isolation need setuptools here")


def build(folder, *words):
    """Build a wheel of a copy of the repository; returns the names in it."""
    copy = folder / "repo"
    ignored = ("--exclude=.git", "--exclude=.venv", "--exclude=build", "--exclude=runs")
    copy.mkdir()
    archive = subprocess.run(["tar", "-c", *ignored, "-C", REPO, "."], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", copy], check=True, input=archive)
    code = f"from setuptools import build_meta as b; b.{words[0]}({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=copy)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist()), archive.read(
            next(n for n in archive.namelist() if n.endswith("RECORD"))
        ).decode()


def test_wheel_holds_the_package_its_data_and_the_start_up_files(setuptools, tmp_path):
    names, record = build(tmp_path, "build_wheel")
    assert names >= START_UP
    expected = {
        "tintbox/__init__.py",
        "tintbox/cli/app.py",
        "tintbox/py.typed",
        "tintbox/plugins/host/table.py",
        "tintbox/colorization/networks.py",
        "tintbox/cfg/colorize-unet.yaml",
        "tintbox/cfg/palettes/horses24.yaml",
        "tintbox/datasets/fruitbowl.yaml",
    }
    assert names >= expected
    tops = {name.split("/")[0] for name in names}
    assert tops == {"tintbox", *START_UP, next(t for t in tops if t.endswith(".dist-info"))}
    assert all(name in record for name in START_UP)


def test_editable_wheel_holds_the_start_up_files(setuptools, tmp_path):
    names, record = build(tmp_path, "build_editable")
    assert names >= START_UP
    assert not any(name.startswith("tintbox/") for name in names)
    assert all(name in record for name in START_UP), "pip would leave them behind on uninstall"
