"""CIFAR-10's official archive: download, and reading with an unpickler that allows only a few names."""

from __future__ import annotations

import hashlib
import http.client
import io
import pickle
import struct
import tarfile
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tintbox import atomic
from tintbox.errors import TintboxError, one_line, reason_of

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"  # of the archive, from the dataset's page
SOURCE = "TINTBOX_CIFAR10"  # environment variable: path of the archive, or of an .npz with the horses
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "val": ("test_batch",)}


def _dtype(kind: Any, align: int = 0, copy: int = 0) -> np.dtype:
    """Return ``np.dtype(...)``: the archive's pickles give the flags as integers, about which numpy 2.4 warns."""
    return np.dtype(kind, bool(align), bool(copy))


# The names that the archive's pickles use, and no others. numpy moved _reconstruct from numpy.core to numpy._core.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
}
# What a truncated or forged pickle can raise when only allowed names are loaded.
_BROKEN: tuple[type[Exception], ...] = (
    *(pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError),
    *(struct.error, OverflowError, MemoryError),
)
Images = dict[str, dict[str, np.ndarray]]  # split -> class -> (n, 32, 32, 3) uint8 RGB, in the dataset's order


def download(folder: Path, *, url: str = URL, md5: str = MD5) -> Path:
    """Download the archive into ``folder`` and return its path; it gets its final name only once it is complete.

    Args:
        folder: Where to keep it; created if needed.
        url: URL of the archive.
        md5: Expected MD5. An archive in ``folder`` that has it is used without a download.

    Raises:
        TintboxError: If the download fails or is not the expected file.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    path = folder / "cifar-10-python.tar.gz"
    remedy = f"fetch {url} on a machine with network and set {SOURCE} to its path"
    try:
        if path.is_file() and _md5(path) == md5:
            return path
        folder.mkdir(parents=True, exist_ok=True)
        columns = ("CIFAR-10", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with urllib.request.urlopen(url, timeout=30) as answer, atomic.replacing(path) as part:
            with part.open("wb") as file, Progress(*columns) as bar:
                task = bar.add_task("", total=int(answer.headers.get("Content-Length") or 0) or None)
                while chunk := answer.read(1 << 18):
                    file.write(chunk)
                    bar.advance(task, len(chunk))
            if (found := _md5(part)) != md5:
                raise TintboxError(
                    f"{url}: what came has MD5 {found}, not {md5} (cut short or changed); try again or {remedy}"
                )
    except (OSError, http.client.HTTPException) as error:
        raise TintboxError(f"{url}: cannot download CIFAR-10 ({reason_of(error)}); {remedy}") from error
    return path


class _Unpickler(pickle.Unpickler):
    """An unpickler that loads only arrays, lists, strings and numbers."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the object that the pickle names if CIFAR-10 needs it, else raise TintboxError."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise TintboxError(f"names '{module}.{name}', which CIFAR-10 does not need") from None


def read_archive(path: Path, classes: Sequence[str], md5: str) -> Images:
    """Read the official archive, see ``cifar10.read``. Nothing is unpacked to disk."""
    found = _md5(path)
    if found != md5:
        raise TintboxError(f"{path}: MD5 {found}, not {md5}: not CIFAR-10's archive, or cut short; fetch it from {URL}")
    images: Images = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for split, names in BATCHES.items():
                batches = [_read_batch(path, archive, f"cifar-10-batches-py/{name}") for name in names]
                pictures, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
                images[split] = {name: pictures[labels == CLASSES.index(name)] for name in classes}
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise TintboxError(f"{path}: damaged archive ({one_line(error)}); fetch it again from {URL}") from error
    return images


def _read_batch(path: Path, archive: tarfile.TarFile, member: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, 32, 32, 3) uint8 and the labels (n,) int of one batch file."""
    try:
        stream = archive.extractfile(member)
    except KeyError:
        stream = None
    if stream is None:
        raise TintboxError(f"{path}: no file '{member}' in it; fetch it again from {URL}")
    try:
        batch = _Unpickler(io.BytesIO(stream.read()), encoding="bytes").load()
        data, labels = batch[b"data"], np.array(batch[b"labels"])
        n = len(labels)
        if data.dtype != np.uint8 or data.shape != (n, 3072) or labels.ndim != 1 or labels.dtype.kind != "i":
            raise ValueError(f"data {data.dtype} {data.shape}, labels {labels.dtype} {labels.shape}")
    except _BROKEN as error:
        raise TintboxError(f"{path}: '{member}' {_explain(error)}; fetch it again from {URL}") from error
    return data.reshape(n, 3, 32, 32).transpose(0, 2, 3, 1), labels  # a row holds a red, a green and a blue plane


def _explain(error: Exception) -> str:
    """Return what is wrong with a batch: our own messages unchanged, others in brackets."""
    return one_line(error) if isinstance(error, TintboxError) else f"is not a CIFAR-10 batch ({one_line(error)})"


def _md5(path: Path) -> str:
    """Return the MD5 of a file, in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
