"""The pictures: the same for every run, with the files' own pixels, within their size limit."""

import re

import cv2
import numpy as np

from tintbox.plugins.detector import load_detector
from tintbox.reports import encoding, pictures
from tintbox.reports.boxes import Boxes
from tintbox.reports.subjects import subjects

from .conftest import decoded, section


def test_detectors(detector, stock, squares):
    (subject,), notes, names = subjects(section(detector, stock), "val", 2, 3, None)
    assert notes == [] and "square4.png" in names and "square4" in names
    rows, missing = pictures.strips(subject, 0.001, None)
    assert missing == [] and len(rows) == 2
    again, _, _ = subjects(section(stock), "val", 2, 3, None)
    assert again[0].files == subject.files  # only the seed matters
    for file, row in zip(subject.files, rows, strict=True):
        assert [picture.run for picture in row.pictures] == [None, 0, 1]
        assert row.pictures[0].caption == "truth (2)"
        assert row.pictures[0].alt == f"{row.title}: labelled 1 red, 1 <b>gr&een</b>"
        for picture in row.pictures:
            assert np.array_equal(picture.pixels, cv2.imread(file)[..., ::-1])
        result = load_detector(detector / "weights" / "best.pt").predict(file, conf=0.001, imgsz=64, verbose=False)[0]
        assert np.allclose(row.pictures[1].boxes.corners, result.boxes.xyxy, atol=1e-3)
        assert row.pictures[1].caption == f"{subject.entries[0].name} ({len(result.boxes)})"


def test_colourisers(trained, tiny_data):
    (subject,), notes, _ = subjects(section(trained), "val", 9, 0, None)  # there are four
    assert notes == [] and len(subject.files) == 4
    rows, missing = pictures.strips(subject, 0.25, None)
    assert missing == []
    for file, row in zip(subject.files, rows, strict=True):
        grey, truth, prediction = row.pictures
        pixels = cv2.imread(file)[..., ::-1]
        assert [picture.caption for picture in row.pictures] == ["grey", "truth", "run"]
        assert np.array_equal(truth.pixels, pixels)
        assert np.abs(grey.pixels - pixels.mean(-1, keepdims=True)).max() <= 0.5
        assert prediction.pixels.shape == pixels.shape
        colours = {tuple(colour) for colour in prediction.pixels.reshape(-1, 3).tolist()}
        assert 1 <= len(colours) <= 4  # those of the palette
        # 32 pixels are shown 15 times as large, each of them exactly.
        shown = encoding.encode(prediction, encoding.SIDE)
        assert (shown.width, shown.height) == (480, 480)
        assert np.array_equal(decoded(shown), prediction.pixels.repeat(15, 0).repeat(15, 1))


def test_boxes_of_large_pictures_are_reduced_with_them():
    boxes = Boxes(np.array([[100.0, 200, 300, 400]]), ["a"])
    small = pictures.limit_boxes(pictures.Picture("", "", np.zeros((600, 1200, 3), np.uint8), None, boxes, ["a"]))
    assert small.pixels.shape == (240, 480, 3) and small.boxes.corners.tolist() == [[40, 80, 120, 160]]
    assert pictures.limit_boxes(small) is small


def test_what_is_not_there_is_said(detector, stock, copy, tmp_path):
    gone = copy(detector, "gone", data=str(tmp_path / "gone.yaml"))
    bare, broken = copy(detector, "bare"), copy(detector, "broken")
    for weights in (bare / "weights").iterdir():
        weights.unlink()
    (broken / "weights" / "best.pt").write_bytes(b"no checkpoint")
    found, notes, _ = subjects(section(detector, gone, bare, broken), "val", 2, 0, None)
    assert len(found) == 1 and len(notes) == 1
    assert re.match(r"gone: no images: data=.*gone.yaml' does not exist", notes[0])
    rows, missing = pictures.strips(found[0], 0.25, None)
    assert [[picture.run for picture in row.pictures] for row in rows] == [[None, 0]] * 2
    assert missing[0].startswith("bare: no predictions: neither best.pt nor last.pt in ")
    assert missing[1].startswith("broken: no predictions: model=") and "cannot be loaded" in missing[1]
