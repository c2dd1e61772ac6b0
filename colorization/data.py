"""A dataset split's images as RGB tensors of one size, whatever the format and size of their files.

Small sets are decoded once and held in memory. No labels are read: the colours are the ground truth.
"""

from __future__ import annotations

import glob
import io
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from ultralytics.utils.checks import check_imgsz

from tintbox import circles, file_bytes
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of
from tintbox.limits import PICTURE_BYTES, PICTURE_PIXELS, TRAINED_SIDE
from tintbox.threads import cores

SUFFIXES = {".avif", ".bmp", ".dng", ".jpeg", ".jpg", ".jp2", ".mpo", ".png", ".tif", ".tiff", ".webp"}
MEMORY_SHARE = 0.3  # largest share of the available memory (RAM or GPU) for the decoded images of one split
THREADS = min(8, cores())
BLOCK = 16  # images of a sample that are read at once
ENDINGS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND\xaeB`\x82"}  # first bytes -> last bytes, of JPEG and PNG

# First bytes -> Pillow's header reader. Not `Image.open`: Ultralytics replaces it, and may then install a package.
HEADERS: dict[bytes, Callable[[io.BytesIO], Any]] = {
    b"\x89PNG": PngImagePlugin.PngImageFile,
    b"\xff\xd8": JpegImagePlugin.JpegImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"RIFF": WebPImagePlugin.WebPImageFile,
}


def image_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the image files of a split, sorted within each source.

    Args:
        source: What a dataset YAML's ``train`` or ``val`` may name: a folder (searched recursively, following links and
            skipping hidden files, as Ultralytics does), a text file with one path per line (relative to the text file
            if it starts with ``./``), an image, or a list of these.

    Raises:
        TintboxFileError: If a source does not exist or has no images.
        TintboxError: If a link in a folder leads back to the folder.
    """
    if source and isinstance(source, (list, tuple)):
        return [file for part in source for file in image_files(part)]
    path = Path(str(source))
    if is_there(path, Path.is_dir):
        circles.check(path)
        there = (path / name for name in glob.glob("**", root_dir=path, recursive=True))  # noqa: PTH207
        files = sorted(file for file in there if file.suffix.lower() in SUFFIXES and file.is_file())
    elif is_there(path) and path.suffix.lower() == ".txt":
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise TintboxFileError(f"{path}: cannot be read ({one_line(error)})") from error
        files = [path.parent / line if line.startswith("./") else Path(line) for line in lines if line]
    elif is_there(path) and path.suffix.lower() in SUFFIXES:
        files = [path]
    else:
        raise TintboxFileError(f"images '{path}' not found; give a folder, an image or a .txt list of images")
    if not files:
        raise TintboxFileError(f"no images in '{path}'; supported are {', '.join(sorted(SUFFIXES))}")
    return files


def check_size(imgsz: Any, stride: int, most: int = 2) -> list[int]:
    """Return an image size as a list of sides in pixels, each a multiple of ``stride``.

    Args:
        imgsz: One side, a list of height and width, or either as text.
        stride: Each side becomes a multiple of this.
        most: Largest number of sides. With 1, the larger of two sides is taken after Ultralytics' warning, as in its
            trainer.

    Raises:
        TintboxError: If ``imgsz`` is not a size, or is too large.
    """
    try:
        if isinstance(imgsz, bool):
            raise TypeError("a truth value")
        sides = check_imgsz(imgsz, stride=stride, floor=stride, max_dim=most)
    except (TypeError, ValueError, OverflowError) as error:
        raise TintboxError(f"imgsz={imgsz}: give a side in pixels, e.g. imgsz=128") from error
    if not sides:
        raise TintboxError(f"imgsz={imgsz}: give a side in pixels, e.g. imgsz=128")
    listed = [sides] if isinstance(sides, int) else list(sides)
    if max(listed) > TRAINED_SIDE:
        raise TintboxError(f"imgsz={imgsz}: more than {TRAINED_SIDE} pixels, for which memory is short; give less")
    return listed


def decode(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read an image file at a given size: scale it to cover that size, keeping its aspect ratio, and crop the centre.

    Args:
        path: The file.
        shape: Height and width in pixels.

    Returns:
        RGB image (height, width, 3), uint8; turned upright by its EXIF orientation, and reduced from 16 bits to 8.

    Raises:
        OSError: If it is no file, cannot be read, or is larger than PICTURE_BYTES.
        ValueError: If the file is not an image, is truncated, or has too many pixels; the message says which.
    """
    data = np.frombuffer(file_bytes.read(path, PICTURE_BYTES), np.uint8)
    if claimed_pixels(data) > PICTURE_PIXELS:
        raise ValueError(f"more than {PICTURE_PIXELS // 1_000_000} million pixels")
    if wrong := wrong_bytes(data):
        raise ValueError(wrong)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise ValueError("not an image")
    (height, width), (h, w) = shape, image.shape[:2]
    scale = max(height / h, width / w)
    if scale != 1:
        h, w = max(height, round(h * scale)), max(width, round(w * scale))
        image = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (h - height) // 2, (w - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width, ::-1])


def claimed_pixels(data: np.ndarray) -> int:
    """Return the number of pixels that an image file's header claims; 0 if only the decoder can tell."""
    start = data[:4].tobytes()
    reader = next((reader for first, reader in HEADERS.items() if start.startswith(first)), None)
    if reader is None:
        return 0
    try:
        with reader(io.BytesIO(data.tobytes())) as image:
            return image.size[0] * image.size[1]
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, OverflowError, KeyError, IndexError, TypeError):
        return 0  # whatever Pillow may raise for a broken header


def wrong_bytes(data: np.ndarray) -> str | None:
    """Return what is wrong with the bytes of an image file, or None.

    OpenCV silently fills the missing part of a truncated JPEG or PNG with grey, so the end marker is checked here.
    """
    ending = ENDINGS.get(data[:2].tobytes())
    return "truncated" if ending and ending not in data[-4096:].tobytes() else None


class Pictures:
    """The usable images of a split at one size.

    Attributes:
        files: The image files, without the unusable ones.
        shape: Height and width of the images in pixels.
        memory: All images (N, H, W, 3), uint8 RGB, or None if they are decoded on demand.
        skipped: One line per file that was skipped.
    """

    def __init__(self, files: Sequence[Path], imgsz: int | Sequence[int], cache: bool | str = False) -> None:
        """Read the images.

        Args:
            files: Image files.
            imgsz: Side of the images in pixels, or height and width.
            cache: True or ``"ram"`` always holds them in memory, ``"disk"`` never does; False does if they fit easily.

        Raises:
            TintboxError: If none of the files is a usable image.
        """
        self.shape = (imgsz, imgsz) if isinstance(imgsz, int) else (imgsz[0], imgsz[-1])
        need, have = 3 * len(files) * self.shape[0] * self.shape[1], psutil.virtual_memory().available
        hold = str(cache).lower() in {"true", "ram"} or (cache != "disk" and need < MEMORY_SHARE * have)
        self.skipped: list[str] = []
        self.files: list[Path] = []
        self.memory = torch.empty(len(files), *self.shape, 3, dtype=torch.uint8) if hold else None
        look = self._try if hold else self._glance
        with ThreadPoolExecutor(THREADS) as pool:
            for file, result in zip(files, pool.map(look, files)):
                if isinstance(result, str):
                    self.skipped.append(f"skipped '{file}': {result}")
                    continue
                if self.memory is not None:
                    self.memory[len(self.files)] = torch.from_numpy(result)
                self.files.append(file)
        if not self.files:
            raise TintboxError(f"none of {len(files)} image files can be read, e.g. {self.skipped[0]}")
        if self.memory is not None:
            self.memory = self.memory[: len(self.files)]

    def _try(self, file: Path) -> np.ndarray | str:
        """Return the image, or a message about what is wrong with its file."""
        try:
            return decode(file, self.shape)
        except FileNotFoundError:
            return "no such file"
        except (OSError, ValueError, cv2.error) as error:
            return reason_of(error)

    @staticmethod
    def _glance(file: Path) -> str | None:
        """Return what is wrong with a file, judging by its first and last bytes only: decoding everything is slow."""
        try:
            file_bytes.check_regular(file)
            return wrong_bytes(np.memmap(file, np.uint8, "r")) if file.stat().st_size else "not an image"
        except FileNotFoundError:
            return "no such file"
        except (OSError, ValueError) as error:
            return reason_of(error)

    def __len__(self) -> int:
        return len(self.files)

    def move(self, device: torch.device) -> None:
        """Move images held in memory to a GPU if they fit easily, so that no batch has to be copied there."""
        if self.memory is not None and device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.memory.numel() < MEMORY_SHARE * free:
                self.memory = self.memory.to(device)

    def read(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the images at ``indices`` (B,) as (B, H, W, 3), uint8 RGB, on the device that holds them."""
        if self.memory is not None:
            return self.memory[indices.to(self.memory.device)]
        with ThreadPoolExecutor(THREADS) as pool:
            return torch.from_numpy(np.stack(list(pool.map(self._read_one, indices.tolist()))))

    def _read_one(self, index: int) -> np.ndarray:
        """Return an image; one that has become unreadable since it was checked is replaced by the next good one."""
        for i in range(len(self)):
            picture = self._try(self.files[(index + i) % len(self)])
            if not isinstance(picture, str):
                return picture
        raise TintboxError(f"none of {len(self)} image files can be read any more, e.g. '{self.files[index]}'")

    def sample(self, n: int, seed: int = 0) -> Iterator[torch.Tensor]:
        """Yield up to ``n`` images drawn without replacement, in blocks (B, H, W, 3), uint8 RGB, on the CPU."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n]
        for indices in order.sort().values.split(BLOCK):
            yield self.read(indices).cpu()
