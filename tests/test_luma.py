"""How bright a colour looks, against OpenCV's grey."""

import cv2
import numpy as np
import pytest

from tintbox.luma import luma


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 20), (20, 220, 60), (1, 2, 250)])
def test_luma_is_opencvs_grey(colour):
    grey = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_RGB2GRAY)[0, 0]
    assert luma(*colour) == pytest.approx(float(grey), abs=0.51)
