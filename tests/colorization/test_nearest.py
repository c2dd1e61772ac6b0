"""The nearest palette colour by brute force, by cells and by a table, and when each is used."""

import numpy as np
import pytest
import torch

from tintbox.colorization import nearest
from tintbox.errors import TintboxError

from .conftest import random_palette

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (250, 300, 3), dtype=np.uint8)  # more than MANY_PIXELS: cells, then a table are used


def test_small_and_large_pictures_agree():
    palette = random_palette(24)
    small = palette.encode(NOISE[:20])  # too few pixels for cells
    assert palette._nearest.cells is None
    np.testing.assert_array_equal(palette.encode(NOISE)[:20], small)
    assert palette._nearest.table is None
    np.testing.assert_array_equal(palette.encode(NOISE[:20]), small)
    assert palette._nearest.table is not None


def test_more_colours_than_cells_take(nearest_index):
    palette = random_palette(nearest.CELL_COLOURS + 1)
    image = NOISE[:20]
    palette._nearest.seen = nearest.MANY_PIXELS
    np.testing.assert_array_equal(palette.encode(image), nearest_index(image, palette.colours * 255))
    assert palette._nearest.cells is None


def test_encode_longer_than_a_block(nearest_index, monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK", 24 * 1000 + 7)
    palette = random_palette(24)
    reference = nearest_index(NOISE, palette.colours * 255)
    np.testing.assert_array_equal(palette.encode(NOISE[:100]), reference[:100])
    np.testing.assert_array_equal(palette.encode(NOISE), reference)


def test_few_pixels_are_compared_with_all_colours_and_tensors_always(nearest_index):
    levels = np.random.default_rng(1).random((9, 3))
    one = nearest.NearestColours(levels, 255.0)
    flat = NOISE.reshape(-1, 3)
    expected = nearest_index(flat, levels * 255)
    assert one.of_bytes(flat[:5]).tolist() == expected[:5].tolist()
    assert one.of_bytes(torch.from_numpy(flat)).tolist() == expected.tolist()
    assert one.seen == 5 + len(flat) and one.cells is None, "of a tensor no cells are made"
    assert one.of_bytes(flat[:3]).tolist() == expected[:3].tolist()
    assert one.table is not None, "by then many have come"


def test_no_pixels():
    for pixels in (np.zeros((0, 3), np.uint8), torch.zeros(0, 3, dtype=torch.uint8)):
        assert len(nearest.closest(pixels, np.eye(3))) == 0
    assert len(nearest.NearestColours(np.eye(3), 255.0).of_floats(np.zeros((0, 3)))) == 0


@pytest.mark.parametrize("value", [0.0, 1.0, 1.0009, -0.0009])
def test_floats_may_leave_the_range_by_rounding(value):
    pixels = np.full((1, 3), value)
    assert nearest.NearestColours(np.array([[0.0] * 3, [1.0] * 3]), 255.0).of_floats(pixels).tolist() == [round(value)]


@pytest.mark.parametrize("value", [1.002, -0.002, np.nan, -np.inf])
def test_floats_that_leave_it_are_refused(value):
    pixels = np.array([[0.5, 0.5, 0.5], [0.5, value, 0.5]])
    with pytest.raises(TintboxError, match=r"image has floats from .*; give floats in \[0, 1\] or uint8 pixels"):
        nearest.NearestColours(np.eye(3), 255.0).of_floats(pixels)
