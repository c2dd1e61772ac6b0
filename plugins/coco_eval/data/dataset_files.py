"""What Ultralytics knows about a dataset's files: no patch, only its own functions behind names of ours.

`tests/plugins/host/test_contract.py` asserts every name used here.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterable
from pathlib import Path

LEAST_SIDE = 10  # pixels: `ultralytics.data.utils.check_image` drops smaller pictures


def picture_files(path: str | list[str]) -> list[str]:
    """Return the pictures of a split, sorted: the same strings as ``im_file`` in Ultralytics' batches.

    Args:
        path: A split's value in what `check_det_dataset` returns: a folder, a text file of paths, or a list of either.

    Raises:
        FileNotFoundError: Nothing is there, or no picture is among it.
    """
    from ultralytics.data.base import BaseDataset
    from ultralytics.utils import LOGGER

    class Files(BaseDataset):
        def __init__(self) -> None:  # the stock one goes on to read the labels
            self.prefix, self.fraction = "", 1.0

    level, state = LOGGER.level, random.getstate()  # it tries the speed of some files by chance
    LOGGER.setLevel(logging.WARNING)  # a validation has reported the disk's speed by then
    try:
        return Files().get_img_files(path)
    finally:
        LOGGER.setLevel(level)
        random.setstate(state)


def label_files(pictures: Iterable[str]) -> list[str]:
    """Return the label file that belongs to each picture, whether it is there or not."""
    from ultralytics.data.utils import img2label_paths

    return img2label_paths(list(pictures))


def picture_size(file: str) -> tuple[int, int]:
    """Return a picture's width and height in pixels as it is decoded, its EXIF rotation applied.

    Raises:
        OSError: It is not there or no picture.
    """
    from PIL import Image
    from ultralytics.data.utils import exif_size

    try:
        with Image.open(file) as picture:
            return exif_size(picture)
    except ImportError as error:  # Ultralytics' `Image.open` takes what it does not know for HEIC, and wants a package
        raise OSError(f"{file}: no picture") from error


def check_whole(file: str) -> None:
    """Check what `ultralytics.data.utils.check_image` checks of a picture that has a size, and change nothing.

    Raises:
        OSError, SyntaxError, ValueError: It is cut off.
    """
    from PIL import Image

    with Image.open(file) as picture:
        picture.verify()
        is_jpeg = picture.format == "JPEG"
    if is_jpeg:
        with Path(file).open("rb") as stream:
            stream.seek(-2, os.SEEK_END)
            if stream.read() == b"\xff\xd9":
                return
        with Image.open(file) as picture:
            picture.load()  # what can be decoded all the same, Ultralytics saves anew


def is_coco(path: object) -> bool:
    """Return whether a split is COCO's own, by the rule of `DetectionValidator.init_metrics`."""
    ends = (f"{os.sep}val2017.txt", f"{os.sep}test-dev2017.txt")
    return isinstance(path, str) and "coco" in path and path.endswith(ends)


def coco_category_ids() -> list[int]:
    """Return COCO's official category ids, in 1..90, of the 80 class indices."""
    from ultralytics.data.converter import coco80_to_coco91_class

    return coco80_to_coco91_class()
