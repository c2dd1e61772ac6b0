"""Image files: checked by their bytes, decoded at a given size, and written."""

from __future__ import annotations

import io
import math
import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from tintbox import atomic, file_bytes
from tintbox.errors import TintboxError
from tintbox.limits import PICTURE_BYTES, PICTURE_PIXELS

JPEG_SIDE = 65_500  # pixels along the longest side that libjpeg writes
THIN = 4  # an image that, scaled to cover a shape, would be longer than this many times the shape is cropped first
ENDINGS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND\xaeB`\x82"}  # first bytes -> last bytes, of JPEG and PNG

# First bytes -> Pillow's header reader. Not `Image.open`: Ultralytics replaces it, and may then install a package.
HEADERS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x89PNG": PngImagePlugin.PngImageFile,
    b"\xff\xd8": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"RIFF": WebPImagePlugin.WebPImageFile,
}


def decode(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read an image file at a given height and width: scale it to cover these, and crop the centre.

    Returns:
        RGB image (height, width, 3), uint8; turned upright by its EXIF orientation, and reduced from 16 bits to 8.

    Raises:
        OSError: If it is no file, cannot be read, or is larger than PICTURE_BYTES.
        ValueError: If the file is not an image, is truncated, or has too many pixels; the message says which.
    """
    data = file_bytes.read(path, PICTURE_BYTES)
    check_bytes(data, io.BytesIO(data))
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise ValueError("not an image")
    (height, width), (h, w) = shape, image.shape[:2]
    scale = max(height / h, width / w)
    if scale * max(h / height, w / width) > THIN:  # scaled as a whole, it could exhaust the memory
        image = crop(image, min(h, math.ceil(height / scale)), min(w, math.ceil(width / scale)))
        h, w = image.shape[:2]
    if scale != 1:
        h, w = max(height, round(h * scale)), max(width, round(w * scale))
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.ascontiguousarray(crop(image, height, width)[..., ::-1])


def crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the centre of an image (h, w, 3), at most of its size, as a view (height, width, 3)."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def glance(path: Path, shape: tuple[int, int]) -> None:
    """Check an image file by its header and its end, or by decoding it, which is slow, if its header cannot be read.

    Raises:
        OSError, ValueError: As in `decode`.
    """
    file_bytes.check_regular(path)
    if 0 < path.stat().st_size <= PICTURE_BYTES:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if check_bytes(data, stream):
                return
    decode(path, shape)


def check_bytes(data: bytes | mmap.mmap, stream: BinaryIO) -> int:
    """Return the number of pixels that an image file's header claims; 0 if only the decoder can tell.

    ``stream`` has the same content, as Pillow reads it.

    Raises:
        ValueError: It is too large, or truncated.
    """
    pixels = claimed_pixels(data[:4], stream)
    if pixels > PICTURE_PIXELS:
        raise ValueError(f"more than {PICTURE_PIXELS // 1_000_000} million pixels")
    if is_truncated(data):
        raise ValueError("truncated")
    return pixels


def claimed_pixels(start: bytes, stream: BinaryIO) -> int:
    """Return the number of pixels for `check_bytes`, given the file's first bytes."""
    reader = next((reader for first, reader in HEADERS.items() if start.startswith(first)), None)
    if reader is None:
        return 0
    try:
        with reader(stream) as image:
            return image.size[0] * image.size[1]
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, OverflowError, KeyError, IndexError, TypeError):
        return 0  # whatever Pillow may raise for a broken header


def is_truncated(data: bytes | mmap.mmap) -> bool:
    """Return whether a JPEG or PNG ends too early: OpenCV silently fills the missing part with grey.

    Other data may follow the end, such as a phone's video, and a JPEG's header may hold a small JPEG with its own end.
    """
    at = 2
    while data[:2] == b"\xff\xd8" and data[at : at + 1] == b"\xff" != data[at + 1 : at + 2] != b"\xda":
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        while data[at : at + 2] == b"\xff\xff":  # filling before a marker
            at += 1
    ending = ENDINGS.get(data[:2])
    return ending is not None and data.rfind(ending, at) < 0


def write_picture(file: Path, picture: np.ndarray) -> None:
    """Write an image (H, W, 3), uint8 BGR, in the format of the suffix. ``cv2.imwrite`` dies of names not in UTF-8.

    Raises:
        OSError: It cannot be written; a file that was there is unchanged.
        TintboxError: The suffix is that of no format, or of one for smaller images.
    """
    try:
        done, content = cv2.imencode(file.suffix, picture)
    except cv2.error:
        done = False
    if not done:
        size = "{}x{}".format(*picture.shape)
        raise TintboxError(f"{file}: {size} pixels cannot be written as '{file.suffix}'; give a name that ends in .png")
    atomic.write_bytes(file, content.tobytes())
