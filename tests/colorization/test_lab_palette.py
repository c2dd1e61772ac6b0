"""CIELAB and the ab palette against scikit-image and plain second implementations."""

import copy
import pickle

import numpy as np
import pytest
import torch

from tintbox.colorization.lab_palette import LabPalette
from tintbox.colorization.palette import Palette
from tintbox.colorization.rendering import readout, render
from tintbox.errors import TintboxError

color = pytest.importorskip("skimage.color")


def test_the_bins_are_those_in_gamut(ab313):
    """A bin is in gamut if an sRGB colour is less than a grid step away in a and b; the paper's list has four more."""
    scipy = pytest.importorskip("scipy.spatial")
    axis = np.linspace(0, 1, 256)
    face = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    surface = np.concatenate([np.insert(face, i, value, axis=1) for i in range(3) for value in (0.0, 1.0)])
    ab = color.rgb2lab(surface[None])[0, :, 1:]
    grid = np.array([(a, b) for a in range(-120, 130, 10) for b in range(-120, 130, 10)], float)
    near = scipy.cKDTree(ab).query(grid, p=np.inf)[0] < 10
    expected = {tuple(point) for point in grid[near]}
    found = {tuple(point) for point in ab313.bins}
    assert len(ab313) == len(found) == 313
    assert found - expected == {(40.0, 90.0), (100.0, -90.0), (100.0, -10.0), (100.0, 0.0)}
    assert expected <= found


def test_soft_encoding_equals_a_plain_search(ab313, every_colour):
    pixels = every_colour(37)
    ab = color.rgb2lab(pixels[None])[0, :, 1:]
    squares = ((ab[:, None] - ab313.bins) ** 2).sum(-1)  # (N, 313)
    order = np.argsort(squares, axis=1, kind="stable")[:, :5]
    expected = np.exp(-np.take_along_axis(squares, order, 1) / (2 * 5.0**2))
    dense = np.zeros_like(squares)
    np.put_along_axis(dense, order, expected / expected.sum(1, keepdims=True), 1)
    near, share = ab313.encode_soft(torch.tensor(pixels))
    ours = np.zeros_like(squares)
    np.put_along_axis(ours, near.numpy(), share.numpy(), 1)
    clear = np.diff(np.sort(squares, axis=1)[:, 4:6])[:, 0] > 1e-2  # on a tie for fifth place, either may win
    assert clear.mean() > 0.95
    assert np.abs(ours - dense)[clear].max() < 1e-4
    assert (ab313.encode(pixels) == order[:, 0])[np.diff(np.sort(squares, axis=1)[:, :2])[:, 0] > 1e-2].all()


def test_files_pickles_and_equality(ab313, tmp_path):
    full = ab313.replace(weights=np.arange(313.0).tolist(), temperature=0.2)
    full.save(tmp_path / "mine.yaml")
    again = Palette.load(tmp_path / "mine.yaml")
    assert isinstance(again, LabPalette)
    assert again == full == pickle.loads(pickle.dumps(full)) == copy.deepcopy(full)
    assert again != ab313
    assert (ab313.temperature, ab313.rebalance, ab313.weights) == (0.38, 0.5, None)
    plain = Palette([[0, 0, 0], [1, 1, 1]])
    assert set(plain.as_dict()) == {"colours", "scale"}


def test_encode_takes_views_and_floats_as_palette_does(ab313, every_colour):
    pixels = every_colour(51)
    expected = ab313.encode(pixels)
    assert np.array_equal(ab313.encode(pixels[::-1, ::-1][::-1, ::-1]), expected)
    assert np.array_equal(ab313.encode(pixels[::-1])[::-1], expected)
    assert (ab313.encode(pixels / 255.0) == expected).mean() > 0.99, "a tie may go either way"
    assert np.array_equal(ab313.encode(torch.tensor(pixels)).numpy(), expected)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 3), int), None]
)
def test_encode_refuses_what_palette_refuses(ab313, one_line_error, image):
    one_line_error(r"^image is .*give \(\.\.\., 3\) of uint8", ab313.encode, image)


@pytest.mark.parametrize("value", [255.0, -0.5, np.nan])
def test_encode_refuses_floats_out_of_range(ab313, one_line_error, value):
    image = np.full((4, 3), value)
    one_line_error(r"^image has floats from .* give floats in \[0, 1\]", ab313.encode, image)
    one_line_error(r"^image has floats from", ab313.encode, torch.from_numpy(image))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"bins": [[0, 0, 0]]}, "not K x 2"),
        ({"bins": [[0, 0], [0, 999]]}, "from -128 to 128"),
        ({"bins": [[0, 0], [1, 0], [0, 0]]}, "bins 0 and 2 are the same; give each once"),
        ({"bins": [[0, 0], [0, 10]], "tempreature": 1}, "did you mean 'temperature'"),
        ({"colours": [[0, 0, 0], [1, 1, 1]], "weights": [1]}, "give 2 numbers"),
        ({"colours": [[0, 0, 0], [1, 1, 1]], "weights": ["a", "b"]}, "give 2 numbers"),
        ({"colours": [[0, 0, 0], [1, 1, 1]], "rebalance": 2}, "rebalance=2"),
    ],
)
def test_bad_palettes(data, message):
    with pytest.raises(TintboxError, match=message) as caught:
        Palette.from_dict(data)
    assert "\n" not in str(caught.value)


def test_an_rgb_palette_takes_an_annealed_mean():
    palette = Palette([[0, 0, 0], [1, 0.5, 0]], temperature=1.0)
    scores = torch.zeros(1, 2, 2, 2)
    painted = render(palette, readout(palette, scores), torch.zeros(1, 2, 2, 3, dtype=torch.uint8))
    assert painted[0, 0, 0].tolist() == [128, 64, 0]
