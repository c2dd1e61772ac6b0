"""Pictures as WebP, within their size limit."""

import numpy as np
import pytest

from tintbox.reports import encoding, pictures
from tintbox.reports.boxes import Boxes
from tintbox.reports.subjects import Subject

from .conftest import decoded


def test_large_pictures_are_reduced():
    picture = pictures.Picture("", "", np.full((600, 1200, 3), (10, 200, 90), np.uint8))
    shown = encoding.encode(picture, encoding.SIDE)
    assert (shown.width, shown.height) == (480, 240)
    assert np.abs(decoded(shown).astype(int) - (10, 200, 90)).max() <= 4


def test_boxes_are_drawn_where_they_are():
    picture = pictures.Picture(
        "", "", np.full((100, 100, 3), 255, np.uint8), None, Boxes(np.array([[20.0, 40, 60, 80]]), ["b"]), ["a", "b"]
    )
    pixels = decoded(encoding.encode(picture, 200)).astype(int)  # twice as large
    colour = np.array(encoding.CLASS_COLOURS[1])
    for y, x in ((120, 40), (160, 80), (120, 120)):  # left, bottom, right
        near = np.abs(pixels[y - 2 : y + 3, x - 2 : x + 3] - colour).max(-1)
        assert near.min() < 60, (y, x)
    assert np.abs(pixels[115:125, 60:100] - 255).max() < 30  # nothing inside


def test_pictures_keep_to_their_room():
    noise = np.random.default_rng(0).integers(0, 256, (480, 480, 3)).astype(np.uint8)
    rows = [pictures.Strip(str(i), [pictures.Picture("", "", noise)] * 2) for i in range(4)]
    whole, sentence = encoding.fit(rows, 10**9)
    assert sentence == "" and whole[0][1][0].width == 480
    room = encoding.weight(whole) // 2
    smaller, sentence = encoding.fit(rows, room)
    assert sentence == "" and len(smaller) == 4 and smaller[0][1][0].width < 480 and encoding.weight(smaller) <= room
    room = encoding.weight(whole) // 20
    fewer, sentence = encoding.fit(rows, room)
    assert 0 <= len(fewer) < 4 and encoding.weight(fewer) <= room
    assert sentence.startswith(f"Shown are {len(fewer)} of 4 images")


@pytest.mark.parametrize(("height", "width"), [(64, 64), (1, 64), (64, 3), (10, 7)])
def test_small_pictures_keep_every_pixel(height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    shown = encoding.encode(pictures.Picture("c", "a", pixels, 3), encoding.SIDE)
    zoom = encoding.SIDE // max(height, width)
    assert (shown.height, shown.width) == (zoom * height, zoom * width)
    assert np.array_equal(decoded(shown), pixels.repeat(zoom, 0).repeat(zoom, 1))
    assert (shown.caption, shown.alt, shown.run) == ("c", "a", 3)


def test_a_very_long_picture_keeps_a_pixel_of_its_short_side():
    shown = encoding.encode(pictures.Picture("", "", np.zeros((2, 5000, 3), np.uint8)), 200)
    assert (shown.height, shown.width) == (1, 200)


def test_no_room_and_no_pictures():
    rows = [pictures.Strip("a", [pictures.Picture("", "", np.zeros((9, 9, 3), np.uint8))])]
    assert encoding.fit([], 0) == ([], "")
    none, sentence = encoding.fit(rows, 0)
    assert none == [] and sentence.startswith("Shown are 0 of 1 images")
    assert encoding.weight([]) == 0


def test_a_key_has_the_colours_of_the_boxes_and_begins_again():
    names = [f"class {i}" for i in range(len(encoding.CLASS_COLOURS) + 1)]
    found = encoding.key(Subject("d", [], [], {}, names))
    assert [name for name, _ in found] == names
    assert found[0] == ("class 0", "#e69f00") and found[-1][1] == "#e69f00"
