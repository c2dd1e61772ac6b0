"""A folder with the files that the commands need, and a way to run a command there as a user types it."""

import json
import sys
import time

import cv2
import numpy as np
import pytest
import ultralytics.cfg
import yaml
from ultralytics import YOLO

from tintbox.cli import app
from tintbox.errors import TintboxError
from tintbox.studies import command as study_command

SECONDS = 20
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
DETECTOR = """
nc: 2
backbone: [[-1, 1, Conv, [4, 3, 4]], [-1, 1, Conv, [4, 3, 2]], [-1, 1, Conv, [4, 3, 2]], [-1, 1, Conv, [4, 3, 2]]]
head: [[[1, 2, 3], 1, Detect, [nc]]]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory, trained):
    """A folder with the commands' other inputs besides the strange file: pictures, models, a COCO JSON and a run."""
    folder = tmp_path_factory.mktemp("any")
    for name in ("train/a", "train/b", "train/c", "val/a"):
        for kind, content in (("images", None), ("labels", "0 0.5 0.5 0.5 0.5\n")):
            file = folder / kind / f"{name}.{'png' if content is None else 'txt'}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(cv2.imencode(".png", PICTURE)[1].tobytes() if content is None else content.encode())
    described = {"path": str(folder), "train": "images/train", "val": "images/val", "names": ["a", "b"]}
    (folder / "data.yaml").write_text(yaml.safe_dump(described))
    (folder / "tiny.yaml").write_text(DETECTOR)
    YOLO(folder / "tiny.yaml").save(folder / "detector.pt")
    (folder / "colouriser.pt").write_bytes((trained / "weights" / "best.pt").read_bytes())
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 40}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}],
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "found.json").write_text(
        json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 1}])
    )
    return folder


@pytest.fixture
def attempt(place, monkeypatch, capfd):
    """Run a command of `tintbox` or `yolo` that must not change any existing file; return its output."""
    monkeypatch.chdir(place)
    # Commands that train a whole grid stop where the training would start.
    monkeypatch.setattr(study_command, "LocalRuns", lambda *_: (_ for _ in ()).throw(TintboxError("it would train")))

    def run(strange, content, *words):
        file = place / strange
        file.write_bytes(content)
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and "out" not in path.parts}
        monkeypatch.setattr(sys, "argv", list(words))
        monkeypatch.setattr(ultralytics.cfg, "ARGV", list(words))
        begun, status = time.monotonic(), 0
        capfd.readouterr()
        try:
            (app.main if words[0] == "tintbox" else ultralytics.cfg.entrypoint)()
        except SystemExit as stop:
            status = stop.code or 0
        took, said = time.monotonic() - begun, capfd.readouterr()
        try:
            assert took < SECONDS, (words, content)
            assert status in (0, 1), (words, content, said)
            if status:
                lines = [line for line in said.err.splitlines() if line.startswith(f"{words[0]}: ")]
                assert len(lines) == 1 and lines[0] == said.err.rstrip("\n").splitlines()[-1], (words, content, said)
                assert "\x1b" not in lines[0]
            after = {path: path.read_bytes() for path in before if path.is_file()}
            assert after == before, (words, content)
        finally:
            file.unlink(missing_ok=True)
            made = [path for path in place.rglob("*.cache") if path not in before]  # of labels, by Ultralytics
            for path in made:
                path.unlink()
        return said.err if status else said.out

    return run
