"""Cells of the RGB cube and the full table, compared to the distances to every colour."""

import numpy as np
import pytest

from tintbox.colorization import nearest_table
from tintbox.colorization.nearest_table import NearestCells, NearestTable
from tintbox.colorization.palette import Palette

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (250, 300, 3), dtype=np.uint8)  # more than MANY_PIXELS: cells, then a table are used


def test_encode_every_pixel_value_along_the_axes_and_borders(assert_nearest):
    """Pixels lie at the corners of the cells, where a wrong bound would show."""
    palette = Palette.load("horses24")
    side = np.concatenate([np.arange(0, 256, 8), np.arange(7, 256, 8)]).astype(np.uint8)
    corners = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    assert_nearest(palette, corners)


def test_close_colours_and_many_in_one_cell(assert_nearest):
    palette = Palette((100 + RNG.random((40, 3)) * 6) / 255)
    image = RNG.integers(90, 120, (400, 400, 3), dtype=np.uint8)
    assert_nearest(palette, image)


@pytest.mark.parametrize("colours", [2, 24, 255, 256, 300])
def test_cells_give_what_all_distances_give(nearest_index, colours):
    levels = np.random.default_rng(colours).random((colours, 3)) * 255
    cells, flat = NearestCells(levels), NOISE[:40].reshape(-1, 3)
    assert cells.only.dtype == (np.uint8 if colours < 256 else np.uint16) and cells.unknown >= colours
    np.testing.assert_array_equal(cells.look_up(flat), nearest_index(flat, levels))


def test_a_cell_with_one_colour_is_of_that_colour_at_its_corners_too(nearest_index):
    levels = np.random.default_rng(3).random((24, 3)) * 255
    cells = NearestCells(levels)
    alone = np.flatnonzero(cells.only != cells.unknown)
    assert len(alone) > len(cells.only) / 2, "else cells are of no use"
    corner = 8 * np.stack(np.unravel_index(alone, (32, 32, 32)), -1)
    for offset in np.ndindex(2, 2, 2):
        np.testing.assert_array_equal(nearest_index(corner + 7 * np.array(offset), levels), cells.only[alone])


def test_a_table_computes_a_pixel_once(nearest_index):
    levels = np.random.default_rng(4).random((24, 3)) * 255
    table, flat = NearestTable(NearestCells(levels)), NOISE.reshape(-1, 3)
    first = table.look_up(flat)
    table.cells.look_up = None  # a second call would fail
    np.testing.assert_array_equal(table.look_up(flat), first)
    np.testing.assert_array_equal(first, nearest_index(flat, levels))


def test_codes_of_pixels_come_in_blocks(monkeypatch):
    monkeypatch.setattr(nearest_table, "BLOCK", 7)
    pixels = NOISE.reshape(-1, 3)[:40:2, ::-1]  # 20 pixels, not contiguous in memory
    slices, codes = zip(*nearest_table.blocks(pixels))
    assert [(s.start, s.stop) for s in slices] == [(0, 7), (7, 14), (14, 21)]
    assert np.concatenate(codes).tolist() == [int(r) << 16 | int(g) << 8 | int(b) for r, g, b in pixels]
    assert not list(nearest_table.blocks(pixels[:0]))
