"""What the tests of the colouriser share."""

import cv2
import numpy as np
import pytest

from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError


@pytest.fixture(scope="session")
def ab313():
    """The palette of that name."""
    return Palette.load("ab313")


@pytest.fixture(scope="session")
def every_colour():
    """Make a cube of 8-bit colours, black and white included: (N, 3) uint8."""

    def make(step):
        axis = np.append(np.arange(0, 255, step), 255).astype(np.uint8)
        return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)

    return make


@pytest.fixture
def folder(tmp_path):
    """Five PNGs of different shapes, each of one colour."""
    for i, shape in enumerate([(32, 32), (40, 60), (90, 30), (16, 16), (33, 31)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((*shape, 3), (i, 10 * i, 20 * i), np.uint8))
    return tmp_path


@pytest.fixture(scope="session")
def one_line_error():
    """Expect that a call raises a mistake's error, of one line."""

    def check(match, function, *args, kind=TintboxError, **kwargs):
        with pytest.raises(kind, match=match) as error:
            function(*args, **kwargs)
        assert "\n" not in str(error.value)

    return check
