"""Plots of a run."""

import cv2
import numpy as np
import pytest

from tintbox.colorization import plots

PICTURES = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)


def test_small_pictures_are_enlarged_with_sharp_pixels():
    assert np.array_equal(plots.enlarge(PICTURES[0], 3), PICTURES[0].repeat(3, 0).repeat(3, 1))
    means = PICTURES[0].reshape(16, 2, 16, 2, 3).mean((1, 3))
    assert np.abs(plots.enlarge(PICTURES[0], 0.5) - means).max() <= 0.5


@pytest.mark.parametrize(("count", "shown"), [(3, 3), (10, plots.SHOWN)])
def test_a_grid_has_a_titled_row_per_entry(count, shown, tmp_path):
    file = tmp_path / "plots" / "grid.png"
    plots.sample_grid({"truth": PICTURES[:count], "grey": PICTURES[:count]}, file)
    grid = cv2.imread(str(file))
    assert grid.shape == (2 * (plots.HEADER + 96 + 2 * plots.MARGIN), shown * (96 + 2 * plots.MARGIN), 3)
    first = grid[plots.HEADER + plots.MARGIN :][:96, plots.MARGIN :][:, :96, ::-1]
    assert np.array_equal(first, PICTURES[0].repeat(3, 0).repeat(3, 1))


def test_a_chart_of_the_colours(tmp_path):
    colours = np.array([[200, 30, 30], [20, 120, 220]], np.uint8)
    plots.palette_chart(colours, np.array([0.25, 0.75]), tmp_path / "chart.png")
    chart = cv2.imread(str(tmp_path / "chart.png"))[..., ::-1].reshape(-1, 3)
    red, blue = ((chart == colour).all(1).sum() for colour in colours)
    assert 2.5 < blue / red < 3.5
