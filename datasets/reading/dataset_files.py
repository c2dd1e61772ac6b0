"""Ultralytics' own functions on a dataset's files, wrapped but not patched.

`tests/plugins/host/test_contract.py` asserts every name used here.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from tintbox import link_loops
from tintbox.checks import is_number
from tintbox.file_bytes import check_regular
from tintbox.terminal import quiet

if TYPE_CHECKING:
    from PIL import Image

ONE_CLASS = "item"  # name of the class that Ultralytics makes of all with `single_cls=True`
UNKNOWN = "TINTBOX-UNKNOWN"  # for Pillow: the format of files in no format that it knows
LEAST_SIDE = 10  # pixels: `ultralytics.data.utils.check_image` drops smaller images


def picture_files(path: str | list[str], fraction: float = 1.0) -> list[str]:
    """Return the image files of a split, sorted: the same strings as ``im_file`` in Ultralytics' batches.

    Args:
        path: A split's value as returned by `check_det_dataset`: a folder, a text file of paths, or a list of either.
        fraction: How many of them a training uses, from the first on: a share, or a number above 1.

    Raises:
        FileNotFoundError: The path does not exist or contains no images.
        TintboxError: A link in a folder leads back to the folder: Ultralytics' search would hardly end.
    """
    from ultralytics.data.base import BaseDataset

    class Files(BaseDataset):
        def __init__(self) -> None:  # the stock one would also read the labels
            self.prefix, self.fraction = "", fraction

    link_loops.check(path)
    state = random.getstate()  # it measures the read speed of random files
    try:
        with quiet():  # a validation has reported the disk's speed by then
            return Files().get_img_files(path)
    finally:
        random.setstate(state)


def training_share(fraction: Any) -> float:
    """Return the ``fraction`` of `picture_files` for the training argument of that name, whatever its value."""
    used = fraction[0] if isinstance(fraction, list) and fraction else fraction  # one of each split, train first
    return 1.0 if not is_number(used, 0) or used == 1 else used  # not given, all of them, or refused by Ultralytics


def label_files(pictures: Iterable[str]) -> list[str]:
    """Return the path of each image's label file, whether or not it exists."""
    from ultralytics.data.utils import img2label_paths

    return img2label_paths(list(pictures))


def open_picture(file: str | Path) -> Image.Image:
    """Open an image file with Pillow, also HEIC if pi-heif is installed.

    Ultralytics' `Image.open` tries to install that package for any file that Pillow cannot identify; so the last format
    that is tried here takes every file, and refuses it.

    Raises:
        OSError: The file does not exist, or is not an image.
    """
    from PIL import Image

    if _has_heif():
        return Image.open(file)
    Image.preinit()  # the usual formats first, as in Pillow
    Image.init()
    Image.OPEN[UNKNOWN] = (_refuse, None)
    return Image.open(file, formats=[*Image.ID, UNKNOWN])


@functools.cache
def _has_heif() -> bool:
    return importlib.util.find_spec("pi_heif") is not None


def _refuse(_: IO[bytes], name: str | bytes) -> NoReturn:
    raise OSError(f"{os.fsdecode(name)}: not an image")


def picture_size(file: str) -> tuple[int, int]:
    """Return an image's width and height in pixels as decoded, with its EXIF rotation applied.

    Raises:
        OSError: The file does not exist, is not an image, or has more pixels than Pillow opens.
    """
    from PIL import Image
    from ultralytics.data.utils import exif_size

    check_regular(Path(file))
    try:
        with open_picture(file) as picture:
            return exif_size(picture)
    except Image.DecompressionBombError as error:
        raise OSError(f"{file}: {error}") from error


def check_whole(file: str) -> None:
    """Run the checks of `ultralytics.data.utils.check_image` on an image of known size, without changing the file.

    Raises:
        OSError, SyntaxError, ValueError: The image is truncated.
    """
    with open_picture(file) as picture:
        picture.verify()
        is_jpeg = picture.format == "JPEG"
    if is_jpeg:
        with Path(file).open("rb") as stream:
            stream.seek(-2, os.SEEK_END)
            if stream.read() == b"\xff\xd9":
                return
        with open_picture(file) as picture:
            picture.load()  # if it can still be decoded, Ultralytics saves it again


def is_coco(path: object) -> bool:
    """Return whether a split is COCO's own, by the rule of `DetectionValidator.init_metrics`."""
    ends = (f"{os.sep}val2017.txt", f"{os.sep}test-dev2017.txt")
    return isinstance(path, str) and "coco" in path and path.endswith(ends)


def coco_category_ids() -> list[int]:
    """Return COCO's official category ids, in 1..90, for the 80 class indices."""
    from ultralytics.data.converter import coco80_to_coco91_class

    return coco80_to_coco91_class()
