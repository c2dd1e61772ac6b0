"""Palettes fitted by k-means, against scikit-learn."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tintbox.colorization import palette_fit
from tintbox.colorization.palette import Palette

NOISE = np.random.default_rng(0).integers(0, 256, (250, 300, 3), dtype=np.uint8)


def blobs(k, n=400, seed=0):
    """Pixels in k tight groups, and the mean of each group."""
    rng = np.random.default_rng(seed)
    centres = np.stack(np.unravel_index(rng.choice(27, k, replace=False), (3, 3, 3)), axis=-1) * 100 + 25
    pixels = (centres[:, None] + rng.integers(-4, 5, (k, n, 3))).clip(0, 255).astype(np.uint8)
    return pixels, pixels.mean(axis=1)


@pytest.mark.parametrize("scale", [255.0, 256.0])
def test_fit_finds_groups_from_dark_to_light(scale):
    pixels, means = blobs(6)
    palette = Palette.fit(pixels, 6, scale=scale)
    expected = means[np.argsort(means @ (0.299, 0.587, 0.114))] / scale
    np.testing.assert_allclose(palette.colours, expected, rtol=0, atol=1e-8)
    assert palette.scale == scale


def test_fit_equals_scikit_learn_and_repeats():
    pixels = (NOISE[:100] // np.array([1, 2, 4])).astype(np.uint8)
    palette = Palette.fit(pixels, 8, seed=3)
    model = KMeans(8, n_init=2, random_state=3).fit(pixels.reshape(-1, 3).astype(np.float64))
    ours = np.sort(palette.colours, axis=0)
    np.testing.assert_allclose(ours, np.sort(model.cluster_centers_ / 255, axis=0), rtol=0, atol=1e-8)
    assert (np.diff(palette.colours @ (0.299, 0.587, 0.114)) >= 0).all()
    assert Palette.fit(pixels, 8, seed=3) == palette


def test_fit_samples(monkeypatch):
    pixels, means = blobs(4, n=2000)
    monkeypatch.setattr(palette_fit, "PIXELS", 1000)
    palette = Palette.fit(pixels, 4)
    expected = means[np.argsort(means @ (0.299, 0.587, 0.114))] / 255
    np.testing.assert_allclose(palette.colours, expected, rtol=0, atol=3 / 255)
    assert Palette.fit(pixels, 4) == palette


@pytest.mark.parametrize("most", [1000, 8000, 9000])
def test_pixels_drawn_from_blocks_are_those_drawn_from_the_whole(monkeypatch, most):
    pixels = blobs(4, n=2000)[0].reshape(-1, 3)
    monkeypatch.setattr(palette_fit, "PIXELS", most)
    drawn = palette_fit.draw(iter(np.array_split(pixels, 7)), len(pixels), 3)
    if most < len(pixels):
        assert np.array_equal(drawn, pixels[np.random.default_rng(3).choice(len(pixels), most, replace=False)])
    else:
        assert np.array_equal(drawn, pixels)


def test_fit_errors(one_line_error):
    pixels = np.repeat(np.array([[0, 0, 0], [9, 9, 9], [0, 9, 0]], np.uint8), 5, axis=0)
    assert len(Palette.fit(pixels, 3)) == 3
    one_line_error("^k=4, but the 15 pixels hold 3 distinct colours", Palette.fit, pixels, 4)
    for k in (1, 0, 2.0, "2", True):
        one_line_error(f"^k={k!r}", Palette.fit, pixels, k)
    for wrong in (pixels / 255, pixels[:, :2], pixels[0], pixels.tolist(), None):
        one_line_error("^pixels are", Palette.fit, wrong, 2)
    one_line_error("^k=2, but the 0 pixels", Palette.fit, pixels[:0], 2)
    one_line_error("^scale=0", Palette.fit, pixels, 2, scale=0)
