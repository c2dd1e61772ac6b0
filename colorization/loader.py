"""Batches of images in an order that depends on the seed and the epoch only.

For images held in memory (on the GPU if there is one), a batch is one indexing operation; other images are decoded
by threads, one batch ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from tintbox.colorization.data import Pictures


@dataclass
class Order:
    """The order of the samples in an epoch: a pure function of seed and epoch, so that a resumed run repeats it.

    Attributes:
        n: Number of samples.
        shuffle: ``"epoch"`` for a new order every epoch, ``"once"`` for one order in all epochs, None for no shuffling.
        rank, world: Index of this process, and number of processes that share the samples (DDP). Shuffled, each gets
            equally many, some of them twice; else each sample counts once, if there is one for each process.
    """

    n: int
    shuffle: str | None = None
    seed: int = 0
    rank: int = 0
    world: int = 1
    epoch: int = 0

    def __len__(self) -> int:
        return len(range(0 if self.pads else self.rank, self.n, self.world))

    @property
    def pads(self) -> bool:
        """Whether samples are repeated so that every process gets equally many."""
        return self.shuffle is not None or self.n < self.world

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, counted from 0."""
        self.epoch = epoch

    def generator(self) -> torch.Generator:
        """Return the epoch's random generator."""
        epoch = self.epoch if self.shuffle == "epoch" else 0
        return torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)

    def indices(self) -> torch.Tensor:
        """Return the indices of this process's samples in the epoch's order, (len(self),)."""
        order = torch.randperm(self.n, generator=self.generator()) if self.shuffle else torch.arange(self.n)
        if self.pads:
            order = order.repeat(-(-len(self) * self.world // self.n))[: len(self) * self.world]
        return order[self.rank :: self.world]


class PictureLoader:
    """Batches of images, with the data loader interface that Ultralytics' trainers and validators expect.

    Yields dicts of ``img`` (B, 3, H, W), uint8 RGB, and ``im_file``, the B paths; with labels also ``label`` (B, H, W).
    """

    num_workers = 0
    drop_last = True  # else Ultralytics rejects a last batch of one at 32 px; nothing is dropped, see `joins`

    def __init__(
        self,
        dataset: Pictures,
        batch_size: int,
        order: Order,
        flip: float = 0.0,
        crop: float = 0.0,
        alone: bool = True,
        labels: torch.Tensor | None = None,
    ) -> None:
        """Set up the loader.

        Args:
            dataset: The images.
            batch_size: Images per batch; the last batch of an epoch may be smaller.
            order: The order of the samples.
            flip: Probability of a horizontal flip.
            crop: Largest random shift as a share of the side; the border is filled by reflection.
            alone: Whether a last batch of one image stays separate; else it joins the previous batch.
            labels: (N, H, W) of all images, on the device that holds them; augmented like the images.
        """
        self.dataset, self.batch_size, self.sampler = dataset, max(1, batch_size), order
        self.labels = labels
        self.flip, self.crop = flip, crop
        self.joins = not alone and len(order) > self.batch_size > 1 == len(order) % self.batch_size

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.batch_size) - self.joins

    def reset(self) -> None:
        """Do nothing: every epoch starts afresh (Ultralytics resets its endless loaders)."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        sampler = self.sampler
        own = sampler.rank * 1_000_000_007  # torch seeds with the low 32 bits only
        chance = torch.Generator().manual_seed(sampler.seed * 1_000_003 + sampler.epoch + 2**40 + own)
        batches = list(self.sampler.indices().split(self.batch_size))
        if self.joins:
            batches[-2:] = [torch.cat(batches[-2:])]
        if self.dataset.memory is not None:
            for indices in batches:
                yield self._batch(indices, self.dataset.read(indices), chance)
            return
        with ThreadPoolExecutor(1) as ahead:  # decodes the next batch while this one is used
            coming = ahead.submit(self.dataset.read, batches[0])
            for i, indices in enumerate(batches):
                pictures = coming.result()
                if i + 1 < len(batches):
                    coming = ahead.submit(self.dataset.read, batches[i + 1])
                yield self._batch(indices, pictures, chance)

    def _batch(self, indices: torch.Tensor, pictures: torch.Tensor, chance: torch.Generator) -> dict[str, Any]:
        """Augment images (B, H, W, 3), and their labels, and return them as a batch."""
        parts = {"img": pictures}
        if self.labels is not None:
            parts["label"] = self.labels[indices.to(self.labels.device)]
        if self.crop:
            places = shift(pictures.shape[:3], self.crop, chance, pictures.device)
            parts = {name: part[places] for name, part in parts.items()}
        if self.flip:
            flipped = (torch.rand(len(pictures), generator=chance) < self.flip).to(pictures.device)
            parts = {name: flip(part, flipped) for name, part in parts.items()}
        parts["img"] = parts["img"].permute(0, 3, 1, 2)
        return {**parts, "im_file": [str(self.dataset.files[i]) for i in indices.tolist()]}


def shift(
    shape: Sequence[int], share: float, chance: torch.Generator, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return indices that shift each image at random along both axes; borders are reflected.

    Args:
        shape: Of the images, (B, H, W).
        share: The largest shift, as a share of the side.
        chance: Gives the random numbers.
        device: That of the images.
    """
    batch, *sides = shape
    rows, columns = (
        reflect(
            torch.arange(side) + torch.randint(-int(side * share), int(side * share) + 1, (batch, 1), generator=chance),
            side,
        ).to(device)
        for side in sides
    )
    return torch.arange(batch, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]


def flip(part: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
    """Return images or labels (B, H, W, ...) with left and right exchanged in those that ``flipped`` (B,) names."""
    return torch.where(flipped.view(-1, *[1] * (part.ndim - 1)), part.flip(2), part)


def reflect(index: torch.Tensor, side: int) -> torch.Tensor:
    """Map indices outside [0, side) back by reflection without repeating the border pixel."""
    index = index.abs()
    return torch.where(index >= side, 2 * (side - 1) - index, index)
