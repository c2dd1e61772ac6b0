"""Pictures: the images of a dataset split as square RGB tensors, whatever their files are like.

Small sets are decoded once and held in memory, and a batch is one indexing operation; larger ones are decoded by
threads, one batch ahead. Labels are no part of it: the colours themselves are the truth.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch

from tintbox.errors import TintboxError, TintboxFileError

SUFFIXES = {".avif", ".bmp", ".dng", ".jpeg", ".jpg", ".jp2", ".mpo", ".png", ".tif", ".tiff", ".webp"}
MEMORY_SHARE = 0.3  # of the available memory, which the decoded pictures of one split may take
THREADS = max(1, min(8, os.cpu_count() or 1))
ENDINGS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND\xaeB`\x82"}  # first bytes -> last bytes, of JPEG and PNG


def image_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the image files of a split, sorted within each source.

    Args:
        source: What a dataset YAML's ``train`` or ``val`` may name: a folder (searched to any depth), a text file with
            a path per line (relative to the text file if it starts with ``./``), an image, or a list of these.

    Raises:
        TintboxFileError: If a source does not exist or holds no image.
    """
    if isinstance(source, (list, tuple)):
        return [file for part in source for file in image_files(part)]
    path = Path(str(source))
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    elif path.is_file() and path.suffix.lower() == ".txt":
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        files = [path.parent / line if line.startswith("./") else Path(line) for line in lines if line]
    elif path.is_file() and path.suffix.lower() in SUFFIXES:
        files = [path]
    else:
        raise TintboxFileError(f"images '{path}' not found; give a folder, an image or a .txt list of images")
    if not files:
        raise TintboxFileError(f"no images in '{path}'; supported are {', '.join(sorted(SUFFIXES))}")
    return files


def decode(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read an image file at a given size: scaled, in proportion, to cover it; the middle is kept.

    Args:
        path: The file.
        shape: Height and width in pixels.

    Returns:
        RGB picture (height, width, 3), uint8. Upright (EXIF), 16-bit files reduced to 8.

    Raises:
        ValueError: If the file is no image or is truncated, saying which.
    """
    data = np.fromfile(path, np.uint8)
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


def wrong_bytes(data: np.ndarray) -> str | None:
    """Return what the bytes of an image file lack, or None.

    OpenCV fills what is missing of a truncated JPEG or PNG with grey and says nothing, so the end mark is looked for.
    """
    ending = ENDINGS.get(data[:2].tobytes())
    return "truncated" if ending and ending not in data[-4096:].tobytes() else None


class Pictures:
    """The usable images of a split at one size.

    Attributes:
        files: The image files, bad ones left out.
        shape: Height and width of the pictures in pixels.
        memory: All pictures (N, H, W, 3), uint8 RGB, or None where they are decoded when needed.
        skipped: A line per file that was left out.
    """

    def __init__(self, files: Sequence[Path], imgsz: int | Sequence[int], cache: bool | str = False) -> None:
        """Read the pictures.

        Args:
            files: Image files.
            imgsz: Side of the pictures in pixels, or height and width.
            cache: True or ``"ram"`` holds them in memory at any cost, ``"disk"`` never; False if they fit well.

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
        """Return the picture, or what is wrong with its file."""
        try:
            return decode(file, self.shape)
        except FileNotFoundError:
            return "no such file"
        except (OSError, ValueError, cv2.error) as error:
            return str(error).splitlines()[0]

    @staticmethod
    def _glance(file: Path) -> str | None:
        """Return what is wrong with a file as far as its first and last bytes tell: decoding all takes long."""
        if not file.is_file():
            return "no such file"
        return wrong_bytes(np.memmap(file, np.uint8, "r")) if file.stat().st_size else "not an image"

    def __len__(self) -> int:
        return len(self.files)

    def read(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the pictures of ``indices`` (B,) as (B, H, W, 3), uint8 RGB."""
        if self.memory is not None:
            return self.memory[indices]
        with ThreadPoolExecutor(THREADS) as pool:
            return torch.from_numpy(np.stack(list(pool.map(self._read_one, indices.tolist()))))

    def _read_one(self, index: int) -> np.ndarray:
        """Return a picture; one that went bad since it was looked at is replaced by the next, never fatal."""
        for i in range(len(self)):
            picture = self._try(self.files[(index + i) % len(self)])
            if not isinstance(picture, str):
                return picture
        raise TintboxError(f"none of {len(self)} image files can be read any more, e.g. '{self.files[index]}'")

    def sample(self, n: int, seed: int = 0) -> torch.Tensor:
        """Return at most ``n`` pictures drawn without replacement, (n, H, W, 3), uint8 RGB."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n]
        return self.read(order.sort().values)


@dataclass
class Order:
    """The order of the samples in an epoch: a pure function of the seed and the epoch, so a resumed run agrees.

    Attributes:
        n: Number of samples.
        shuffle: A new order per ``"epoch"``, the same one for all epochs (``"once"``), or as they are (None).
        rank, world: This process among those that share the samples (DDP); each gets the same number.
    """

    n: int
    shuffle: str | None = None
    seed: int = 0
    rank: int = 0
    world: int = 1
    epoch: int = 0

    def __len__(self) -> int:
        return -(-self.n // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted from 0."""
        self.epoch = epoch

    def generator(self) -> torch.Generator:
        """Return the epoch's random generator."""
        epoch = self.epoch if self.shuffle == "epoch" else 0
        return torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)

    def indices(self) -> torch.Tensor:
        """Return this process's samples in the epoch's order (len(self),)."""
        order = torch.randperm(self.n, generator=self.generator()) if self.shuffle else torch.arange(self.n)
        padded = order.repeat(-(-len(self) * self.world // self.n))[: len(self) * self.world]
        return padded[self.rank :: self.world]


class PictureLoader:
    """Batches of pictures as Ultralytics' trainers and validators expect them of a data loader.

    Yields dicts of ``img`` (B, 3, H, W), uint8 RGB, and ``im_file``, the B paths.
    """

    num_workers = 0
    drop_last = False

    def __init__(self, dataset: Pictures, batch_size: int, order: Order, flip: float = 0.0, crop: float = 0.0) -> None:
        """Set up the loader.

        Args:
            dataset: The pictures.
            batch_size: Pictures in a batch; the last batch of an epoch may be smaller.
            order: The order of an epoch.
            flip: Probability of a horizontal flip.
            crop: Largest random shift as a share of the side; what comes in from outside is reflected.
        """
        self.dataset, self.batch_size, self.sampler = dataset, max(1, batch_size), order
        self.flip, self.crop = flip, crop

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.batch_size)

    def reset(self) -> None:
        """Do nothing: every epoch starts afresh (Ultralytics resets its endless loaders)."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        chance = self.sampler.generator().manual_seed(self.sampler.seed * 1_000_003 + self.sampler.epoch + 2**40)
        batches = self.sampler.indices().split(self.batch_size)
        if self.dataset.memory is not None:
            for indices in batches:
                yield self._batch(indices, self.dataset.read(indices), chance)
            return
        with ThreadPoolExecutor(1) as ahead:  # decodes the next batch while this one is worked on
            coming = ahead.submit(self.dataset.read, batches[0])
            for i, indices in enumerate(batches):
                pictures = coming.result()
                if i + 1 < len(batches):
                    coming = ahead.submit(self.dataset.read, batches[i + 1])
                yield self._batch(indices, pictures, chance)

    def _batch(self, indices: torch.Tensor, pictures: torch.Tensor, chance: torch.Generator) -> dict[str, Any]:
        """Return the batch of pictures (B, H, W, 3), augmented."""
        if self.crop:
            pictures = shift(pictures, self.crop, chance)
        if self.flip:
            flipped = torch.rand(len(pictures), generator=chance) < self.flip
            pictures = torch.where(flipped[:, None, None, None], pictures.flip(2), pictures)
        return {"img": pictures.permute(0, 3, 1, 2), "im_file": [str(self.dataset.files[i]) for i in indices.tolist()]}


def shift(pictures: torch.Tensor, share: float, chance: torch.Generator) -> torch.Tensor:
    """Move each picture (B, H, W, 3) by up to ``share`` of its side both ways, reflecting at the border."""
    batch, *sides = pictures.shape[:3]
    rows, columns = (
        reflect(
            torch.arange(side) + torch.randint(-int(side * share), int(side * share) + 1, (batch, 1), generator=chance),
            side,
        )
        for side in sides
    )
    return pictures[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def reflect(index: torch.Tensor, side: int) -> torch.Tensor:
    """Map indices outside [0, side) back by reflection that does not repeat the border pixel."""
    index = index.abs()
    return torch.where(index >= side, 2 * (side - 1) - index, index)


def grey_input(pictures: torch.Tensor, channels: int, scale: float) -> torch.Tensor:
    """Return what a network sees of RGB (or BGR) pictures: the mean of the three, divided by ``scale``.

    Args:
        pictures: (B, 3, H, W), uint8.
        channels: 1, or 3 for the same grey three times.
        scale: What 8-bit values are divided by.

    Returns:
        (B, channels, H, W), float32 in about [0, 1].
    """
    # Over the last axis: one channel gets channels_last strides too, else every concatenation with it is copied.
    grey = (pictures.permute(0, 2, 3, 1).float().mean(-1, keepdim=True) / scale).permute(0, 3, 1, 2)
    return grey if channels == 1 else grey.expand(-1, channels, -1, -1)


def one_channel(img: torch.Tensor, rgb: torch.Tensor, scale: float, chance: float) -> torch.Tensor:
    """Show some pictures as one of their colour channels, times three, and nothing in the other two.

    Dropout of input channels: equal channels teach the first layer nothing about how its three inputs differ, and the
    detector's will differ.

    Args:
        img: What the network would see: the grey three times, (B, 3, H, W).
        rgb: The pictures, (B, 3, H, W), uint8.
        scale: What 8-bit values are divided by.
        chance: Probability for each picture.

    Returns:
        (B, 3, H, W), float32.
    """
    batch = len(img)
    kept = torch.randint(3, (batch,))
    alone = 3 * torch.nn.functional.one_hot(kept, 3).float() / scale  # (B, 3)
    chosen = (torch.rand(batch) < chance).to(img.device)[:, None, None, None]
    return torch.where(chosen, rgb.float() * alone.to(img.device)[:, :, None, None], img)
