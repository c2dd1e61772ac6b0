"""Image files, decoded or found to be damaged."""

import cv2
import numpy as np
import pytest

from tintbox.colorization.data import image_files
from tintbox.colorization.decoding import decode, is_truncated


def test_decode_is_rgb_and_exact_at_its_own_size(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1])
    assert np.array_equal(decode(tmp_path / "a.png", (24, 24)), picture)


def test_decode_keeps_the_middle_of_the_longer_side(tmp_path):
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert decode(tmp_path / "a.png", (10, 10)).min() == 255


def test_decode_of_a_thin_image_takes_no_more_memory_than_others(tmp_path, monkeypatch):
    sizes, resize = [], cv2.resize
    monkeypatch.setattr(cv2, "resize", lambda image, size, **how: sizes.append(size) or resize(image, size, **how))
    thin = np.zeros((2, 30_000, 3), np.uint8)
    thin[:, 14_999:15_001] = 200
    for name, picture in (("wide", thin), ("high", thin.transpose(1, 0, 2))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
        image = decode(tmp_path / f"{name}.png", (256, 256))
        assert image.shape == (256, 256, 3) and image[128, 128].tolist() == [200] * 3
    assert max(width * height for width, height in sizes) <= 4 * 256**2


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (16, 48)])
def test_decode_covers_any_shape(folder, shape):
    for file in image_files(folder):
        assert decode(file, shape).shape == (*shape, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_files_are_found(tmp_path, suffix):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = tmp_path / f"a{suffix}"
    cv2.imwrite(str(file), picture)
    whole = file.read_bytes()
    assert not is_truncated(whole) and not is_truncated(whole + bytes(9999)), "a phone's video follows"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match="truncated"):
        decode(file, (64, 64))


def test_an_end_in_the_header_is_not_the_files_own():
    thumbnail = b"\xff\xe1\x00\x08\xff\xd8..\xff\xd9"
    assert is_truncated(b"\xff\xd8" + thumbnail + b"\xff\xda" + bytes(50))
    assert not is_truncated(b"\xff\xd8" + thumbnail + b"\xff\xda" + bytes(50) + b"\xff\xd9")
