"""Reading image files within limits: a small file may claim to be an enormous image."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np

from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError, reason_of
from tintbox.file_bytes import check_regular
from tintbox.limits import PICTURE_BYTES, PICTURE_PIXELS


def size(file: str | Path) -> tuple[int, int]:
    """Return an image's width and height in pixels after EXIF rotation, without decoding it.

    Raises:
        TintboxError: It cannot be read, is not an image, or exceeds the limits in `tintbox.limits`.
    """
    from PIL import Image

    try:
        check_regular(Path(file))
        if Path(file).stat().st_size > PICTURE_BYTES:
            raise TintboxError(f"{file}: larger than {PICTURE_BYTES >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Pillow's own, lower limit
            with dataset_files.open_picture(file) as picture:
                width, height = picture.size
        if width * height > PICTURE_PIXELS:
            raise TintboxError(f"{file}: {width}x{height}, more than {PICTURE_PIXELS // 10**6} million pixels")
        return dataset_files.picture_size(str(file))
    except TintboxError:
        raise
    except Image.DecompressionBombError as error:
        raise TintboxError(f"{file}: more than {PICTURE_PIXELS // 10**6} million pixels") from error
    except Exception as error:  # whatever a damaged header causes
        why = getattr(error, "strerror", None)  # the system's reason, not the file's
        raise TintboxError(f"{file}: cannot be read ({why})" if why else f"{file}: not an image") from error


def read(file: str | Path) -> np.ndarray:
    """Return an image's pixels (H, W, 3), uint8 RGB.

    Raises:
        TintboxError: As in ``size``.
    """
    size(file)
    try:
        pixels = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise TintboxError(f"{file}: cannot be read ({reason_of(error)})") from error
    except cv2.error as error:
        raise TintboxError(f"{file}: not an image") from error
    if pixels is None:
        raise TintboxError(f"{file}: not an image")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def shrink(pixels: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return pixels (H, W, 3) downscaled to ``side`` if the longer side is larger, and the scale."""
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels, 1.0
    size = [max(1, round(scale * length)) for length in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), scale
