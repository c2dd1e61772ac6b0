"""Figures in notebooks."""

import cv2
import numpy as np

from tintbox.notebook_figure import NotebookFigure


def test_a_notebook_gets_the_pixels_of_a_figure(recwarn):
    figure = NotebookFigure(figsize=(3, 2), dpi=50)
    figure.suptitle("\u65e5\u672c")  # letters that the font lacks
    image = cv2.imdecode(np.frombuffer(figure._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (100, 150, 3) and image.min() < 255
    assert [str(warning.message) for warning in recwarn if "Glyph" in str(warning.message)] == []
