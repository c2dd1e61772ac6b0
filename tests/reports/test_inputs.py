"""A run's folder may contain anything: `tintbox report` writes its page or prints one line, and changes nothing.

Property-based: files of every kind that a report reads are generated, or damaged in one place.
"""

import copy as copying
import csv
import hashlib
import io
import json
import math
import shutil
import sys
import time

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tintbox.cli import app

pytestmark = pytest.mark.attack("report inputs")

BOUND = 20  # seconds of this process's time; a page takes one
STEADY = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
COLUMNS = ["epoch", "time", "train/box_loss", "val/box_loss", "metrics/mAP50-95(B)", "metrics/mAP_small(B)", "lr/pg0"]
ARGUMENTS = [
    "task", "epochs", "seed", "data", "model", "imgsz", "freeze", "select", "lr0", "split", "classes", "palette",
]  # fmt: skip
ODD = st.sampled_from(
    [None, True, -1, 0, 1, 10**400, 1.5, math.nan, math.inf, -math.inf, 1e308, "", "x", "\ud800", "\0", "</script>", [],
     {}]
)  # fmt: skip
JSON = st.recursive(
    ODD | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def snapshot(folder):
    """Every file below a folder with its content and modification time."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {f: (hashlib.sha256(f.read_bytes()).hexdigest(), f.stat().st_mtime_ns) for f in files}


@pytest.fixture
def told(capfd, monkeypatch, tmp_path_factory):
    """Run `tintbox report` on a folder and check the invariant; return the exit status and the output."""
    out = tmp_path_factory.mktemp("out") / "r.html"

    def run(folder, *words):
        out.write_text("the last one")
        before, begin = snapshot(folder), time.process_time()
        monkeypatch.setattr(sys, "argv", ["tintbox", "report", str(folder), f"out={out}", *words])
        capfd.readouterr()
        status = 0
        try:
            app.main()
        except SystemExit as stop:
            status = stop.code or 0
        said = capfd.readouterr()
        assert time.process_time() - begin < BOUND
        assert snapshot(folder) == before
        if status == 0:
            assert out.read_bytes().startswith(b"<!DOCTYPE html>")
        else:
            lines = [line for line in said.err.splitlines() if line.startswith("tintbox: ")]
            assert (status, len(lines), "Traceback" in said.err) == (1, 1, False), said.err
            assert out.read_text() == "the last one"
        assert [file.name for file in out.parent.iterdir()] == ["r.html"]
        return status, said.err

    run.page = out
    return run


@pytest.fixture
def run(made):
    """The folder of a run of two epochs."""
    numbers = {"train__box_loss": [2, 1], "val__box_loss": [3, 2], "metrics__mAP50-95(B)": [0.25, 0.5]}
    return made("all/run", **numbers)


def worse(value, draw):
    """A copy of plain data with one value replaced."""
    found = copying.deepcopy(value)
    places = [(found, key) for key in found]
    for inside, key in places:  # which grows in the meantime
        child = inside[key]
        if isinstance(child, (dict, list)):
            places += [(child, inner) for inner in (child if isinstance(child, dict) else range(min(len(child), 3)))]
    inside, key = draw(st.sampled_from(places))
    if isinstance(inside, dict) and draw(st.booleans()) and draw(st.booleans()):
        del inside[key]
    else:
        inside[key] = draw(JSON)
    return found


@given(text=st.text(alphabet="&*!|>%@{}[]:,-?#'\"\n \t01.ax~<=é\ud800", max_size=60))
@STEADY
def test_any_text_as_arguments(told, run, text):
    (run / "args.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    told(run, "pictures=False")


@given(data=st.data())
@STEADY
def test_any_value_of_an_argument(told, run, data):
    keys = st.sampled_from(ARGUMENTS) | st.integers() | st.floats() | st.booleans() | st.none() | st.dates()
    values = JSON.filter(lambda value: "\\ud" not in json.dumps(value)) | st.dates() | st.binary(max_size=4)
    (run / "args.yaml").write_text(yaml.safe_dump(data.draw(st.dictionaries(keys, values, max_size=8))))
    (run / "tintbox.yaml").write_text(yaml.safe_dump(data.draw(st.none() | st.dictionaries(keys, values, max_size=3))))
    told(run)
    (run / "tintbox.yaml").unlink()
    other = run.parent / "other"
    shutil.copytree(run, other, dirs_exist_ok=True)
    (other / "args.yaml").write_text(yaml.safe_dump(data.draw(st.dictionaries(keys, values, max_size=8))))
    told(run.parent, "pictures=False")
    shutil.rmtree(other)


CELLS = st.sampled_from(
    ["1", "2", "0.5", "nan", "inf", "-inf", "1e999", "1e308", "-1", "", " ", "x", '"', "1_0", "\0", "9" * 400]
)


@given(data=st.data())
@STEADY
def test_any_results(told, run, data):
    header = data.draw(st.lists(st.sampled_from(COLUMNS) | st.text(max_size=6), min_size=1, max_size=7))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=4))
    full = [[*row, *["0.5"] * len(header)][: len(header)] if data.draw(st.booleans()) else row for row in rows]
    text = io.StringIO()
    lines = csv.writer(text, quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    lines.writerows([["epoch", "time", *header] if data.draw(st.booleans()) else header, *full])
    (run / "results.csv").write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    told(run, "pictures=False")


@given(column=st.sampled_from(COLUMNS), cells=st.lists(CELLS, min_size=2, max_size=2))
@STEADY
def test_any_number_of_a_run(told, run, column, cells):
    """One column of an otherwise valid file is changed: an infinite time, an invalid epoch, an odd metric."""
    numbers = {"epoch": ["1", "2"], "time": ["3", "4"], "metrics/mAP50-95(B)": ["0.5", "0.25"], column: cells}
    (run / "results.csv").write_text("\n".join(",".join(row) for row in [numbers, *zip(*numbers.values())]) + "\n")
    told(run, "pictures=False")


@given(data=st.data())
@STEADY
def test_any_evaluation_schedule_or_environment(told, detector, tmp_path, data):
    folder = tmp_path / "run"
    if not folder.exists():
        shutil.copytree(
            detector, folder, ignore=shutil.ignore_patterns("weights", "*.png", "*.jpg", "predictions.json")
        )
    name = data.draw(st.sampled_from(["coco.json", "freeze.json", "environment.json"]))
    whole = json.loads((detector / name).read_text())
    broken = worse(whole, data.draw) if data.draw(st.integers(0, 9)) else data.draw(JSON)
    (folder / name).write_text(json.dumps(broken))
    status, said = told(folder, "pictures=False")
    assert status == 0, said  # the rest of the run is shown
    (folder / name).write_text((detector / name).read_text())


PNG = cv2.imencode(".png", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
JPEG = cv2.imencode(".jpg", np.full((20, 30, 3), 90, np.uint8))[1].tobytes()


@given(data=st.data())
@STEADY
def test_any_picture(told, run, tmp_path, data):
    """Bytes of a picture's header or end are changed; a truncated JPEG is also left unchanged."""
    kind, whole = data.draw(st.sampled_from([("png", PNG), ("jpg", JPEG), ("bmp", PNG)]))
    raw = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, 60), max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.sampled_from([None, -2, 30, 0]))]
    root = tmp_path / "pictures"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "images" / f"a.{kind}").write_bytes(raw)
    (root / "images" / "whole.png").write_bytes(PNG)
    for name in ("a", "whole"):
        (root / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    described = {"path": str(root), "train": "images", "val": "images", "names": {0: "thing"}}
    (root / "data.yaml").write_text(yaml.safe_dump(described))
    before = snapshot(root)
    for task in ("detect", "colorize"):
        arguments = {"task": task, "data": str(root / "data.yaml"), "epochs": 2}
        (run / "args.yaml").write_text(yaml.safe_dump(arguments))
        status, said = told(run)
        assert status == 0, said  # without that picture
    assert snapshot(root) == before


@given(data=st.data())
@STEADY
def test_any_dataset(told, run, tmp_path, data):
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "labels").mkdir(exist_ok=True)
    (root / "images" / "a.png").write_bytes(PNG)
    label = st.lists(st.sampled_from(["0", "1", "-1", "0.5", "nan", "inf", "x", "1e400", "\n"]), max_size=8)
    (root / "labels" / "a.txt").write_text(" ".join(data.draw(label)))
    described = {"path": str(root), "train": "images", "val": "images", "names": {0: "thing", 1: "other"}}
    nearly = worse(described, data.draw) | {"path": str(root)}
    text = json.dumps(nearly) if data.draw(st.booleans()) else data.draw(st.text(max_size=20))
    (root / "data.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    task = data.draw(st.sampled_from(["detect", "colorize"]))
    (run / "args.yaml").write_text(yaml.safe_dump({"task": task, "data": str(root / "data.yaml"), "epochs": 2}))
    status, said = told(run)
    assert status == 0, said


@given(data=st.data())
@STEADY
def test_any_checkpoint(told, run, detector, data):
    """A checkpoint's metadata are read from its bytes; here, bytes of the zip headers are changed."""
    raw = bytearray((detector / "weights" / "best.pt").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, 4000)) if data.draw(st.booleans()) else -data.draw(st.integers(1, 4000))
        raw[place] = data.draw(st.integers(0, 255))
    (run / "weights").mkdir(exist_ok=True)
    (run / "weights" / "best.pt").write_bytes(raw[: data.draw(st.sampled_from([None, None, 3000, len(raw) // 2, 0]))])
    status, said = told(run, "pictures=False")
    assert status == 0, said


def marked(raw, place, bits):
    """A zip with bits set at an offset in its local headers; in the central directory, it is two bytes more."""
    raw = bytearray(raw)
    for head, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        found = raw.find(head)
        while found >= 0:
            raw[found + place + shift] |= bits
            found = raw.find(head, found + 4)
    return bytes(raw)


DAMAGED = {
    "encrypted": lambda raw: marked(raw, 6, 1),
    "another method": lambda raw: marked(raw, 8, 99),
    "cut": lambda raw: raw[: len(raw) // 2],
    "empty": lambda raw: b"",
    "text": lambda raw: b"no",
    "other bytes": lambda raw: raw[:200] + bytes(2000) + raw[2200:],
    "no files": lambda raw: b"PK\5\6" + bytes(18),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_checkpoint_has_no_predictions_and_a_reason(told, squares, detector, tmp_path, kind):
    folder = tmp_path / "run"
    shutil.copytree(detector, folder)
    file = folder / "weights" / "best.pt"
    file.write_bytes(DAMAGED[kind](file.read_bytes()))
    status, said = told(folder, "n=1")
    assert status == 0, said
    assert "run: no predictions: " in told.page.read_text()
