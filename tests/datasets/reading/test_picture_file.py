"""Picture files, whose headers may claim anything."""

import cv2
import numpy as np
import pytest

from tintbox.datasets.reading import picture_file
from tintbox.errors import TintboxError

from ...pictures import png

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_picture_is_read_as_rgb(tmp_path):
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), PIXELS[..., ::-1])
    assert picture_file.size(file) == (7, 5)
    assert np.array_equal(picture_file.read(file), PIXELS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "not an image"),
        (b"no image", "not an image"),
        (png(100_000, 100_000), "more than"),
        (png(20_000, 8_000), "more than"),
    ],
    ids=["nothing", "empty", "text", "enormous", "large"],
)
def test_what_is_none_is_one_line(content, message, tmp_path):
    file = tmp_path / "a.png"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TintboxError, match=message) as error:
        picture_file.read(file)
    assert "\n" not in str(error.value)


def test_nothing_is_installed_for_what_is_no_picture(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("ultralytics.utils.checks.check_requirements", lambda *_, **__: pytest.fail("an installation"))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(TintboxError, match="not an image"):
        picture_file.size(tmp_path / "a.png")
    assert capfd.readouterr() == ("", "")


def test_only_what_is_larger_is_shrunk():
    assert picture_file.shrink(PIXELS, 7)[0] is PIXELS
    small, scale = picture_file.shrink(np.zeros((1, 1200, 3), np.uint8), 480)
    assert small.shape == (1, 480, 3) and scale == 0.4
