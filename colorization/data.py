"""A dataset split's images as RGB tensors of one size, whatever the format and size of their files.

Small sets are decoded once and held in memory. No labels are read: the colours are the ground truth.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from ultralytics.utils import LOGGER
from ultralytics.utils.checks import check_imgsz

from tintbox import link_loops
from tintbox.checks import is_there
from tintbox.colorization.decoding import decode, glance
from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of
from tintbox.limits import TRAINED_SIDE
from tintbox.threads import cores

SUFFIXES = {".avif", ".bmp", ".dng", ".jpeg", ".jpg", ".jp2", ".mpo", ".png", ".tif", ".tiff", ".webp"}
MEMORY_SHARE = 0.3  # largest share of the available memory (RAM or GPU) for the decoded images of one split
THREADS = min(8, cores())
BLOCK = 16  # images of a sample that are read at once


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
        link_loops.check(path)
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


def first(files: list[Path], fraction: float | int) -> list[Path]:
    """Return the first files of a split: a share, but at least one, or a number, as `get_split_fraction` returns it."""
    return files[: fraction if isinstance(fraction, int) else max(1, round(len(files) * fraction))]


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


class Pictures:
    """The usable images of a split at one size.

    Attributes:
        files: The image files, without the unusable ones.
        shape: Height and width of the images in pixels.
        memory: All images (N, H, W, 3), uint8 RGB, or None if they are decoded on demand.
        skipped: One line per file that was skipped.
        replaced: Files that turned out to be unusable later; the next good one is read for them.
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
        if hold and need > have:
            what = f"{len(files)} images of {'x'.join(map(str, self.shape))} pixels are {need / 2**20:,.0f} MiB"
            raise TintboxError(f"cache={cache}: {what}, more than the free memory; leave cache= out")
        self.skipped: list[str] = []
        self.replaced: set[Path] = set()
        self.files: list[Path] = []
        self.memory = torch.empty(len(files), *self.shape, 3, dtype=torch.uint8) if hold else None
        look = partial(self._try, read=decode if hold else glance)
        with ThreadPoolExecutor(THREADS) as pool:
            for file, result in zip(files, pool.map(look, files)):
                if isinstance(result, str):
                    self.skipped.append(f"skipped '{file}': {result}")
                    continue
                if self.memory is not None and result is not None:
                    self.memory[len(self.files)] = torch.from_numpy(result)
                self.files.append(file)
        if not self.files:
            raise TintboxError(f"none of {len(files)} image files can be read, e.g. {self.skipped[0]}")
        if self.memory is not None:
            self.memory = self.memory[: len(self.files)]
        for line in self.skipped:
            LOGGER.warning(line)

    def _try(self, file: Path, read: Callable[..., np.ndarray | None] = decode) -> np.ndarray | str | None:
        """Return the image, or None from `glance`, or a message about what is wrong with its file."""
        try:
            return read(file, self.shape)
        except FileNotFoundError:
            return "no such file"
        except (OSError, ValueError, cv2.error) as error:
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
        """Return an image; one that cannot be decoded after all is replaced by the next good one, with one warning."""
        for i in range(len(self)):
            file = self.files[(index + i) % len(self)]
            picture = self._try(file)
            if isinstance(picture, np.ndarray):
                return picture
            if file not in self.replaced:
                self.replaced.add(file)
                LOGGER.warning(f"replaced '{file}' by the next good image: {picture}")
        raise TintboxError(f"none of {len(self)} image files can be read any more, e.g. '{self.files[index]}'")

    def sample(self, n: int, seed: int = 0) -> Iterator[torch.Tensor]:
        """Yield up to ``n`` images drawn without replacement, in blocks (B, H, W, 3), uint8 RGB, on the CPU."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n]
        for indices in order.sort().values.split(BLOCK):
            yield self.read(indices).cpu()
