"""The drawing of one image with its objects and detections."""

import cv2
import numpy as np
import pytest

from tintbox.plugins.coco_eval.errors import picture
from tintbox.plugins.coco_eval.errors.picture import COLOURS, SIDE, Box
from tintbox.plugins.coco_eval.errors.tide import KINDS, SPECIALS

from ....pictures import png

BOX = Box((10, 20, 30.5, 40), "missed", "a", lost=True)


def test_every_kind_of_error_has_a_colour():
    assert {*KINDS, *SPECIALS, "true positive", "ignored"} == set(COLOURS)


def test_a_census_counts_what_there_is_in_a_fixed_order():
    kinds = ["background", "true positive", "missed", "background"]
    boxes = [Box((0, 0, 1, 1), kind, "") for kind in kinds]
    assert picture.census(boxes, "found") == "1 found, 2 background, 1 missed"
    assert picture.census([], "found") == "none"


@pytest.mark.parametrize("size", [(40, 30), (SIDE, 7), (2 * SIDE, SIDE), (9, 3 * SIDE)])
def test_a_picture_is_rgb_and_at_most_so_large(tmp_path, size):
    width, height = size
    file = tmp_path / "ä.png"
    cv2.imwrite(str(file), np.full((height, width, 3), (10, 20, 30), np.uint8))
    found, *told = picture.read_picture(file, {}, [])
    assert told == [width, height] and max(found.shape[:2]) == min(SIDE, max(size))
    assert found[0, 0].tolist() == [30, 20, 10]


@pytest.mark.parametrize("content", [None, b"", b"no picture", png(40_000, 40_000)])
def test_without_one_it_is_grey_and_as_large_as_is_known(tmp_path, content):
    file = tmp_path / "a.png"
    if content is not None:
        file.write_bytes(content)
    for image, size in (({"width": 200, "height": 90}, (200, 90)), ({}, (41, 60)), ({"width": 0}, (41, 60))):
        found, *told = picture.read_picture(file, image, [BOX, Box((0, 0, 1, 1), "both", "")])
        assert tuple(told) == size and (found == 225).all()
    assert picture.read_picture(None, {}, [Box((0, 0, 0, 0), "both", "")])[1:] == (1, 1)


@pytest.mark.parametrize(("width", "height"), [(100, 80), (400, 60)])
def test_boxes_are_drawn_in_the_colours_of_their_kinds(near, tmp_path, width, height):
    pixels = np.full((height, width, 3), 250, np.uint8)
    other = Box((40, 10, 30, 30), "localisation", "$x_y$", other=(45, 10, 30, 30), faint=True)
    panels = {"objects": [BOX], "detections $": [other]}
    picture.draw(pixels, width, height, panels, "faint", "a $ title", tmp_path / "a.png")
    drawn = cv2.imread(str(tmp_path / "a.png"))
    assert near(drawn, COLOURS["missed"]) > 100 and near(drawn, COLOURS["localisation"]) > 100
    assert near(drawn, COLOURS["duplicate"]) == 0
    assert (drawn.shape[1] > drawn.shape[0]) == (width <= 1.8 * height) or width == 400


def test_in_a_crowd_what_is_right_has_no_label(monkeypatch):
    from matplotlib.figure import Figure

    for count, labels in ((11, 11), (12, 1)):
        axes = Figure().subplots()
        axes.set_ylim(80, 0)
        boxes = [Box((i, i, 5, 5), "true positive", "x") for i in range(count - 1)] + [BOX]
        for box in boxes:
            picture._draw_box(axes, box, crowded=len(boxes) >= picture.CROWD)
        assert len(axes.texts) == labels and len(axes.patches) == count
