"""CIFAR-10 as lossless PNG files, from the official archive or from a local file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from tintbox.datasets import picture_arrays
from tintbox.datasets.cifar10_archive import CLASSES, MD5, SOURCE, URL, Images, download, read_archive
from tintbox.datasets.staging import is_complete, stage
from tintbox.errors import TintboxError, TintboxFileError, explain_refusal, suggest

NPZ_KEYS = {"train": "train", "val": "test"}
SIDE = 32  # of an image in pixels


def prepare(
    folder: str | Path,
    classes: Sequence[str] = CLASSES,
    *,
    source: str | Path | None = None,
    url: str = URL,
    md5: str = MD5,
) -> Path:
    """Write the images of some classes into ``folder``, unless they are there already, and return the folder.

    The files are ``images/train/horse_00000.png`` and so on, numbered within their class in the dataset's order;
    ``images/val`` has the test images. There are no labels: a colouriser needs none.

    Args:
        folder: The dataset's folder.
        classes: Names from ``CLASSES``.
        source: The archive, or an .npz with the horses; by default the file named by ``TINTBOX_CIFAR10``, else the
            archive in the parent folder of ``folder``, downloaded if missing.
        url: URL of the archive.
        md5: Expected MD5 of the archive.

    Raises:
        TintboxError: If a class is unknown, the source is missing, damaged or not CIFAR-10, or the download fails.
    """
    target, classes = Path(folder), _check_classes(classes)
    recipe = {"dataset": "cifar10", "classes": classes}
    if is_complete(target, recipe):
        return target
    source = source or os.environ.get(SOURCE)
    path = Path(source).expanduser() if source else download(target.absolute().parent, url=url, md5=md5)
    images = read(path, classes, md5=md5)
    with stage(target, recipe) as staging, ThreadPoolExecutor(4) as pool:
        for split, by_class in images.items():
            place = staging / "images" / split
            place.mkdir(parents=True)
            for name, pictures in by_class.items():
                paths = [place / f"{name}_{i:05d}.png" for i in range(len(pictures))]
                list(pool.map(_write, paths, pictures))  # raises the threads' errors
    return target


def read(path: Path, classes: Sequence[str], *, md5: str = MD5) -> Images:
    """Read the images of ``classes`` from the official archive or from an .npz that holds the horses.

    Args:
        path: ``cifar-10-python.tar.gz``, or an .npz with ``train`` and ``test``, (n, 32, 32, 3) uint8 RGB.
        classes: Names from ``CLASSES``.
        md5: Expected MD5 of the archive.

    Returns:
        The images by split ("train", "val") and class.

    Raises:
        TintboxFileError: If there is no such file.
        TintboxError: If the file is damaged, or neither of the two.
    """
    if not path.is_file():
        raise TintboxFileError(f"{path}: no such file; let {SOURCE} name cifar-10-python.tar.gz ({URL}) or unset it")
    with explain_refusal(f"{path}: cannot be read", f"; fetch it again from {URL}"):
        return _read_npz(path, classes) if zipfile.is_zipfile(path) else read_archive(path, classes, md5)


def _check_classes(classes: Sequence[str]) -> list[str]:
    """Return ``classes`` as a list, in CIFAR-10's order, or raise TintboxError."""
    names = [classes] if isinstance(classes, str) else list(classes or [])
    for name in names:
        if name not in CLASSES:
            raise TintboxError(f"classes: no class '{name}' in CIFAR-10 ({', '.join(CLASSES)}){suggest(name, CLASSES)}")
    if not names:
        raise TintboxError(f"classes: the list is empty; name some of {', '.join(CLASSES)}")
    return [name for name in CLASSES if name in names]


def _read_npz(path: Path, classes: Sequence[str]) -> Images:
    """Read the horses from an .npz: see ``read``."""
    if list(classes) != ["horse"]:
        raise TintboxError(
            f"{path}: an .npz holds the horses only, not {', '.join(c for c in classes if c != 'horse')}; "
            f"let {SOURCE} name cifar-10-python.tar.gz ({URL})"
        )
    arrays = picture_arrays.read(path, tuple(NPZ_KEYS.values()), SIDE)
    return {split: {"horse": arrays[key]} for split, key in NPZ_KEYS.items()}


def _write(path: Path, picture: np.ndarray) -> None:
    """Write an RGB image (32, 32, 3) as a PNG. ``cv2.imwrite`` fails on some paths on Windows."""
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes())
