"""The metrics of a colouriser on a split, accumulated over batches: the seed's and those of the literature."""

from __future__ import annotations

from typing import Any

import torch
from ultralytics.utils import DataExportMixin

from tintbox.colorization.lab import BLOCK, rgb_to_ab

NAMES = ("accuracy", "psnr", "auc", "auc_rebalanced", "colourfulness")  # of the metrics in results.csv
PSNR_LIMIT = 100.0  # dB, of a perfect image
FARTHEST = 150.0  # ab distance up to which the share of pixels is integrated


class ColorizeMetrics(DataExportMixin):
    """Sums over the pixels and images of a split; additive over batches and ranks.

    Attributes:
        sums: (6,) float64: pixels, correct pixels, summed loss, images, summed PSNR, summed colourfulness.
        classes: (K, 2) float64: for each true colour, the number of pixels and their summed closeness.
        speed: Milliseconds per image by stage, set by the validator.
    """

    def __init__(self, colours: int = 0) -> None:
        self.keys = [f"metrics/{name}" for name in NAMES]
        self.sums = torch.zeros(6, dtype=torch.float64)
        self.classes = torch.zeros(colours, 2, dtype=torch.float64)
        self.speed: dict[str, float] = {}
        self.save_dir: Any = None

    def update(
        self,
        guess: torch.Tensor,
        labels: torch.Tensor,
        loss: float,
        painted: torch.Tensor,
        truth: torch.Tensor,
        colours: torch.Tensor | None = None,
        truth_ab: torch.Tensor | None = None,
    ) -> None:
        """Add a batch.

        Args:
            guess: The most likely colours, palette indices (B, h, w).
            labels: The true colours, likewise.
            loss: Mean loss over the batch's pixels.
            painted: The decoded images (B, H, W, 3), uint8; H and W are the same multiple of h and w.
            truth: The original images, likewise.
            colours: The palette (K, 3), uint8, if every painted pixel is the colour of the guess: this is faster.
            truth_ab: `rgb_to_ab` of ``truth``, if it is known.
        """
        pixels, correct = labels.numel(), int((guess == labels).sum())
        pictures = torch.stack((psnr(painted, truth), colourfulness(painted))).double().sum(1).cpu()
        self.sums += torch.tensor([pixels, correct, loss * pixels, len(labels), *pictures.tolist()]).double()
        close = closeness(painted if colours is None else guess, truth, colours, truth_ab)[:, None]  # (B, 1, H, W)
        if close.shape[2:] != labels.shape[1:]:
            close = torch.nn.functional.avg_pool2d(close, close.shape[-1] // labels.shape[-1])
        index = labels.flatten().cpu()
        for column, weights in enumerate((None, close.flatten().cpu().double())):
            self.classes[:, column] += torch.bincount(index, weights, len(self.classes))

    @property
    def images(self) -> int:
        """Number of images, over all ranks."""
        return int(self.sums[3])

    @property
    def accuracy(self) -> float:
        """Share of pixels whose most likely colour is the true one, 0..1."""
        return float(self.sums[1] / self.sums[0].clamp(min=1))

    @property
    def loss(self) -> float:
        """Mean cross-entropy over pixels, in nats; rebalanced if training is."""
        return float(self.sums[2] / self.sums[0].clamp(min=1))

    @property
    def psnr(self) -> float:
        """Mean over images of the PSNR of the decoded image against the original, in dB."""
        return float(self.sums[4] / self.sums[3].clamp(min=1))

    @property
    def colourfulness(self) -> float:
        """Mean over decoded images of Hasler and Suesstrunk's colourfulness: 0 is grey, 33 moderately colourful."""
        return float(self.sums[5] / self.sums[3].clamp(min=1))

    @property
    def auc(self) -> float:
        """Raw accuracy AuC, 0..1: the share of pixels within an ab distance, averaged over distances 0..150."""
        pixels, close = self.classes.sum(0)
        return float(close / pixels.clamp(min=1))

    @property
    def auc_rebalanced(self) -> float:
        """Class-rebalanced AuC, 0..1: each pixel is weighted by the inverse frequency of its true colour.

        This is the mean AuC over the colours that occur.
        """
        there = self.classes[:, 0] > 0
        return float((self.classes[there, 1] / self.classes[there, 0]).mean()) if there.any() else 0.0

    @property
    def fitness(self) -> float:
        """The number that selects the best epoch: the accuracy."""
        return self.accuracy

    @property
    def results_dict(self) -> dict[str, float]:
        """All metrics by their names in results.csv, and the fitness."""
        values = (getattr(self, name) for name in NAMES)
        return {**dict(zip(self.keys, values)), "val/loss": self.loss, "fitness": self.fitness}

    def summary(self, normalize: bool = True, decimals: int = 5) -> list[dict[str, float]]:
        """Return one row of all metrics, for the mixin's ``to_df``, ``to_csv`` and ``to_json``.

        Args:
            normalize: Ignored, as in Ultralytics' other metrics.
            decimals: Number of decimals to round to.
        """
        return [{name: round(getattr(self, name), decimals) for name in (*NAMES, "loss")}]

    def __repr__(self) -> str:
        return (
            f"ColorizeMetrics(accuracy={self.accuracy:.4f}, loss={self.loss:.4f}, psnr={self.psnr:.2f} dB, "
            f"auc={self.auc:.4f}, auc_rebalanced={self.auc_rebalanced:.4f}, colourfulness={self.colourfulness:.1f})"
        )


def psnr(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the peak signal-to-noise ratio 10 log10(255^2 / MSE) of each pair of 8-bit images, at most 100 dB.

    Args:
        a: (B, ...), uint8.
        b: Like ``a``.

    Returns:
        (B,) float32, in dB.
    """
    mse = (a.float() - b.float()).square().flatten(1).mean(1)
    return (10 * torch.log10(255.0**2 / mse.clamp(min=1e-9))).clamp(max=PSNR_LIMIT)


def closeness(
    a: torch.Tensor, b: torch.Tensor, colours: torch.Tensor | None = None, ab: torch.Tensor | None = None
) -> torch.Tensor:
    """Return 1 - min(d, 150) / 150 for the ab distance d of each pixel.

    Its mean is the area under the curve "share of pixels within a distance" over distances from 0 to 150, divided by
    150 (Deshpande et al. 2015; Zhang et al. 2016, section 3.1).

    Args:
        a: (..., 3), uint8 red, green, blue; or with ``colours``, indices of them (...), int64.
        b: (..., 3), uint8 red, green, blue.
        colours: (K, 3), uint8 red, green, blue.
        ab: (2, ...), `rgb_to_ab` of ``b``, if it is known.

    Returns:
        (...), float32.
    """
    table = None if colours is None else rgb_to_ab(colours)
    flat = a.reshape(-1, 3) if table is None else a.flatten()
    known = b.reshape(-1, 3).split(BLOCK) if ab is None else ab.flatten(1).split(BLOCK, 1)
    distances = []
    for x, y in zip(flat.split(BLOCK), known, strict=True):
        planes = rgb_to_ab(x) if table is None else table.index_select(1, x)
        along, across = planes.sub_(rgb_to_ab(y) if ab is None else y).square_()
        distances.append(along.add_(across).sqrt_())  # in half the time of `hypot`
    return (1 - torch.cat(distances).clamp(max=FARTHEST) / FARTHEST).reshape(b.shape[:-1])


def colourfulness(pictures: torch.Tensor) -> torch.Tensor:
    """Return the colourfulness of each image: sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2).

    s and m are standard deviation and mean of rg = R - G and yb = (R + G) / 2 - B (Hasler and Suesstrunk, Measuring
    Colourfulness in Natural Images, 2003, M^(3)).

    Args:
        pictures: (B, H, W, 3), uint8 red, green, blue.

    Returns:
        (B,) float32.
    """
    red, green, blue = pictures.float().flatten(1, 2).unbind(-1)  # each (B, H*W)
    opponents = torch.stack((red - green, (red + green) / 2 - blue))
    mean = opponents.mean(-1, keepdim=True)  # (2, B, 1)
    spread = (opponents - mean).square().mean(-1).sqrt()  # (2, B), in a quarter of the time of `std`
    return spread.norm(dim=0) + 0.3 * mean.norm(dim=(0, 2))
