"""A copy of tintbox to break."""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tintbox

SCRIPT = Path(__file__).with_name("overlay.py")
MODEL = """
nc: 80
backbone:
  - [-1, 1, Conv, [4, 3, 4]]
  - [-1, 1, Conv, [4, 3, 2]]
  - [-1, 1, Conv, [4, 3, 2]]
  - [-1, 1, Conv, [4, 3, 2]]
head:
  - [[1, 2, 3], 1, Detect, [nc]]
"""


class Overlay:
    """A copy of tintbox, and a process that runs commands on it while parts of it are broken."""

    def __init__(self, folder, data) -> None:
        self.folder = folder
        package = folder / "tintbox"
        shutil.copytree(Path(tintbox.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(package, quiet=2)
        self.modules = sorted(self.name(path) for path in package.rglob("*.py"))
        model = folder / "tiny.yaml"
        model.write_text(MODEL)
        settings = {
            "imgsz": 32,
            "batch": 4,
            "workers": 0,
            "device": "cpu",
            "plots": False,
            "project": folder / "place" / "runs",
        }
        self.words = [f"{key}={value}" for key, value in {"data": data, **settings}.items()]
        self.train = ["yolo", "detect", "train", f"model={model}", "epochs=1", *self.words]
        self.val = ["yolo", "detect", "val", f"model={model}", *self.words]
        environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(SCRIPT), str(folder), *self.train]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def name(self, path):
        """The name of a module."""
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def is_imported(self, name, missing):
        """Return whether a module other than the missing ones imports this one."""
        package, _, word = name.rpartition(".")
        word = re.compile(rf"{re.escape(name)}\b|from {re.escape(package)} import .*\b{word}\b")
        files = (file for file in (self.folder / "tintbox").rglob("*.py") if self.name(file) not in missing)
        return any(word.search(file.read_text()) for file in files)

    def run(self, cases):
        """Run cases, each (kind, names, words); yields their results."""
        for kind, names, words in cases:
            case = {"kind": kind, "names": names, "words": words, "env": {}}
            if kind == "disabled":
                case |= {"kind": "whole", "env": {"TINTBOX_DISABLE": "1"}}
            self.process.stdin.write(json.dumps(case) + "\n")
            self.process.stdin.flush()
            yield json.loads(self.process.stdout.readline())

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="module")
def overlay(fruit, tmp_path_factory):
    made = Overlay(tmp_path_factory.mktemp("overlay"), fruit)
    yield made
    made.close()
