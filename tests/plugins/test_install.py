"""The files that an installation puts into site-packages: from a wheel, an sdist, and every editable mode."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
START_UP = {"tintbox_autoload.pth", "tintbox_autoload.start"}
FOLDERS = {
    "src/tintbox": "tintbox",
    **{name: f"tintbox/{name}" for name in ("plugins", "colorization", "datasets", "cfg")},
}
PACKED = {".py", ".yaml", ".css", ".html", ".js", ".typed"}  # file types in a package

# With the standard library only: does each folder exist, did the start-up file run, is nothing else beside it?
IMPORTS = """
import site, sys
site.addsitedir(sys.argv[1])
import importlib.util
import tintbox.errors, tintbox.plugins.autoload, tintbox.datasets, tintbox.cfg
for name in ("tintbox.plugins.coco_eval", "tintbox.plugins.host", "tintbox.colorization", "tintbox.cli"):
    assert importlib.util.find_spec(name), name
assert any(getattr(finder, "__name__", "") == "TintboxStart" for finder in sys.meta_path), "no start-up"
assert importlib.util.find_spec("datasets") is None and importlib.util.find_spec("plugins") is None
from importlib.resources import files
assert files("tintbox.cfg").joinpath("palettes", "horses24.yaml").is_file()
"""


def build(source, folder, kind, settings=None):
    """Build from the sources in ``source`` like pip; returns the file."""
    folder.mkdir(exist_ok=True)
    words = f"{str(folder)!r}, {settings!r}" if settings is not None else f"{str(folder)!r}"
    code = f"from setuptools import build_meta; build_meta.build_{kind}({words})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=source)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (file,) = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    return file


def contents(wheel):
    """The files of a wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)), "a file is in it twice"
        return {name: archive.read(name) for name in names}


def record(files):
    """The files in the wheel's RECORD: pip removes exactly these on uninstall."""
    (text,) = (text for name, text in files.items() if name.endswith("/RECORD"))
    return text.decode()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository with its links, without build products."""
    pytest.importorskip("setuptools", reason="builds without isolation need setuptools here")
    copy = tmp_path_factory.mktemp("checkout")
    ignored = [f"--exclude=./{name}" for name in (".git", ".venv", ".venvs", "build", "dist", "runs", "site")]
    archive = subprocess.run(["tar", "-c", *ignored, "-C", REPO, "."], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", copy], check=True, input=archive)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    return contents(build(checkout, tmp_path_factory.mktemp("wheel"), "wheel"))


def test_wheel_holds_every_file_of_the_package_once(checkout, wheel):
    expected = {
        f"{package}/{file.relative_to(checkout / folder).as_posix()}"
        for folder, package in FOLDERS.items()
        for file in (checkout / folder).rglob("*")
        if file.suffix in PACKED and "__pycache__" not in file.parts
    }
    assert {name for name in wheel if name.startswith("tintbox/")} == expected
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {"tintbox", *START_UP, next(t for t in tops if t.endswith(".dist-info"))}
    assert all(name in record(wheel) for name in START_UP)


def test_wheel_of_the_source_distribution_is_that_of_the_checkout(checkout, wheel, tmp_path):
    sources = build(checkout, tmp_path / "sdist", "sdist")
    with tarfile.open(sources) as archive:
        assert all(member.isfile() or member.isdir() for member in archive), "links do not unpack everywhere"
        (top,) = {Path(member.name).parts[0] for member in archive}
        packed = {Path(member.name).relative_to(top).as_posix() for member in archive}
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    assert contents(build(tmp_path / top, tmp_path / "wheel", "wheel")) == wheel
    run = re.findall(r"\b(?:tools|benchmarks|tests)/[\w/]+\.\w+", (REPO / "Makefile").read_text(encoding="utf-8"))
    run += yaml.safe_load((REPO / "mkdocs.yml").read_text(encoding="utf-8"))["hooks"]
    assert packed >= {*run, "SECURITY.md"}, "what `make` runs goes with the sources"


@pytest.mark.parametrize("settings", [None, {"editable_mode": "strict"}, {"editable_mode": "compat"}], ids=str)
def test_editable_install_finds_the_package_and_starts_up(checkout, tmp_path, settings):
    files = contents(build(checkout, tmp_path / "wheel", "editable", settings))
    assert not any(name.startswith("tintbox/") for name in files)
    assert all(name in record(files) for name in START_UP), "pip would leave them behind on uninstall"
    site = tmp_path / "site"
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    # Without site (-S) only this wheel is on the path, not the tintbox of the tests.
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", IMPORTS, site], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
