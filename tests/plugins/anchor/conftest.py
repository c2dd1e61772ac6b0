"""A tiny dataset with boxes, and tiny anchor models."""

import os
from pathlib import Path

import pytest
import yaml

WEIGHTS = Path(os.environ.get("TINTBOX_WEIGHTS") or Path(__file__).resolve().parents[4] / "shared" / "weights")
TINY = {
    "nc": 3,
    "anchors": [[10, 10, 16, 16], [24, 24, 40, 40]],
    "backbone": [
        [-1, 1, "Conv", [8, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "Conv", [16, 3, 2]],
    ],
    "head": [[-1, 1, "Conv", [16, 1, 1]], [[2, 4], 1, "AnchorDetect", ["nc", "anchors"]]],
}


@pytest.fixture(scope="session")
def weights():
    """The folder of genuine classic weights, where there is one."""
    if not WEIGHTS.is_dir():
        pytest.skip(f"no shared weights at {WEIGHTS}; set TINTBOX_WEIGHTS")
    return WEIGHTS


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A model YAML with an anchor head of two levels and three classes."""
    file = tmp_path_factory.mktemp("model") / "tiny-anchor.yaml"
    file.write_text(yaml.safe_dump(TINY))
    return file


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """A dataset YAML of 8 training and 4 validation pictures of 64x64 with squares of the classes a, b and c."""
    import cv2
    import numpy as np

    root = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 4)):
        images, labels = root / "images" / split, root / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(count):
            picture = rng.integers(0, 60, (64, 64, 3), np.uint8)
            lines = []
            for c, (x, y) in zip((0, 0, 1, 2)[: 3 + (i < 2)], ((0, 0), (32, 0), (0, 32), (32, 32))):
                side = 20 + 2 * ((i + c) % 4)
                picture[y + 2 : y + 2 + side, x + 2 : x + 2 + side, c] = 255
                lines.append(f"{c} {(x + 2 + side / 2) / 64} {(y + 2 + side / 2) / 64} {side / 64} {side / 64}")
            cv2.imwrite(str(images / f"{i}.png"), picture)
            (labels / f"{i}.txt").write_text("\n".join(lines))
    file = root / "squares.yaml"
    file.write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames: {{0: a, 1: b, 2: c}}\n")
    return file


@pytest.fixture(scope="module")
def train(squares, tiny_model, tmp_path_factory):
    """Train a tiny anchor model; returns the trainer."""
    from ultralytics import YOLO

    def run(model=tiny_model, callbacks=(), **kwargs):
        yolo = YOLO(model)
        for event, function in callbacks:
            yolo.add_callback(event, function)
        settings = {
            "data": str(squares), "epochs": 1, "batch": 4, "imgsz": 64, "workers": 0, "plots": False, "seed": 1,
            "device": "cpu", "project": str(tmp_path_factory.mktemp("runs")), "name": "run", "mosaic": 0,
        }  # fmt: skip
        yolo.train(**{**settings, **kwargs})
        return yolo.trainer

    return run
