"""Runs to report on: a detector and a colouriser trained for two epochs, and copies with other values."""

import base64
import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from tintbox.reports.entries import gather

from ..tiny_models import YOLO11N

CLASSES = ["red", "<b>gr&een</b>"]
COLOURS = RED, GREEN = (40, 40, 210), (40, 200, 40)  # BGR


@pytest.fixture(scope="session")
def squares(write_dataset):
    """A dataset YAML: a red and a green square in each of 8 training and 6 validation pictures of 64x48."""

    def draw(i):
        picture = np.full((48, 64, 3), 230, np.uint8)
        lines = []
        for c, (x, y) in enumerate(((4 + i, 6), (36, 20 - i))):
            picture[y : y + 20, x : x + 20] = COLOURS[c]
            lines.append(f"{c} {(x + 10) / 64} {(y + 10) / 48} {20 / 64} {20 / 48}")
        return picture, lines

    splits = {split: [*map(draw, range(n))] for split, n in (("train", 8), ("val", 6))}
    return write_dataset("squares", CLASSES, splits, stem="square")


@pytest.fixture(scope="session")
def three_squares(write_dataset):
    """A dataset YAML: one red and one green square in each of three pictures of 96x64, a fourth without labels."""

    def draw(i, split):
        picture = np.full((64, 96, 3), 230, np.uint8)
        picture[8:24, 8:32] = RED
        picture[32:56, 48 : 60 + 6 * i] = GREEN
        red, green = (8, 8, 32, 24), (48, 32, 60 + 6 * i, 56)
        lines = [
            f"{c} {(a + x) / 192} {(b + y) / 128} {(x - a) / 96} {(y - b) / 64}"
            for c, (a, b, x, y) in enumerate((red, green))
        ]
        return picture, lines if i < 3 and split != "test" else None

    splits = {split: [draw(i, split) for i in range(4)] for split in ("train", "val", "test")}
    return write_dataset("squares", ("red", "green"), splits, stem="square")


@pytest.fixture(scope="session")
def detector(squares, tmp_path_factory):
    """The folder of a detector's run of two epochs with a freeze schedule, COCO evaluation and kept predictions."""
    from ultralytics import YOLO

    project = tmp_path_factory.mktemp("detectors")
    YOLO(YOLO11N).train(
        data=str(squares), epochs=2, batch=4, imgsz=64, coco_eval={"resamples": 100}, save_json=True, plots=False,
        freeze="backbone", unfreeze={0.5: "backbone"}, project=str(project), name="woken", workers=0,
    )  # fmt: skip
    return project / "woken"


@pytest.fixture(scope="session")
def stock(detector, squares, tmp_path_factory):
    """The detector's run as written by stock Ultralytics: without tintbox's files, and with other values."""
    folder = tmp_path_factory.mktemp("stock") / "woken"
    ignored = shutil.ignore_patterns("*.json", "*.csv", "*.png", "tintbox.yaml")
    shutil.copytree(detector, folder, ignore=ignored)
    shutil.copy(detector / "results.csv", folder)
    arguments = yaml.safe_load((folder / "args.yaml").read_text())
    (folder / "args.yaml").write_text(yaml.safe_dump({**arguments, "freeze": None}))
    rewritten(folder, "metrics/mAP50-95(B)", [0.125, 0.0625])
    return folder


def rewritten(folder, column, values):
    """Replace the values of a column of a run's results.csv."""
    header, *rows = [line.split(",") for line in (folder / "results.csv").read_text().splitlines()]
    place = [name.strip() for name in header].index(column)
    for row, value in zip(rows, values):
        row[place] = str(value)
    (folder / "results.csv").write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")


def changed(folder, **arguments):
    """Change arguments in a run's args.yaml, below the lines that describe the files beside it."""
    text = (folder / "args.yaml").read_text()
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    (folder / "args.yaml").write_text(head + yaml.safe_dump({**yaml.safe_load(text), **arguments}))


@pytest.fixture
def copy(tmp_path):
    """Copy a run under another name, with other arguments and, if it has an evaluation, another AP."""

    def make(folder, title, ap=None, **arguments):
        target = tmp_path / title
        shutil.copytree(folder, target)
        changed(target, **arguments)
        if ap is not None:
            content = json.loads((target / "coco.json").read_text())
            content["bbox"]["metrics"]["AP"] = dict(zip(("value", "low", "high"), ap))
            (target / "coco.json").write_text(json.dumps(content))
            for file in ("predictions.json", "annotations.json"):
                (target / file).unlink()
        return target

    return make


@pytest.fixture
def made(tmp_path):
    """Make the folder of a run with the given columns and arguments, without weights."""

    def make(name, arguments=None, **columns):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        length = len(next(iter(columns.values())))
        known = {"task": "detect", "epochs": length, "seed": 0, "data": "gone.yaml", "model": "yolo11n.pt"}
        (folder / "args.yaml").write_text(yaml.safe_dump({**known, **(arguments or {})}))
        names = {"epoch": range(1, length + 1), "time": range(10, 10 * length + 1, 10)}
        names |= {key.replace("__", "/"): values for key, values in columns.items()}
        lines = [",".join(names), *(",".join(map(str, row)) for row in zip(*names.values()))]
        (folder / "results.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


def section(*folders):
    (found,), _ = gather([str(folder) for folder in folders])
    return found


def texts(table):
    return [[row.head.text, *(cell.text for cell in row.cells)] for row in table.rows]


def decoded(encoded):
    kind, data = encoded.source.split(",")
    assert kind == "data:image/webp;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
