"""The metrics of a colouriser on a split: pixel accuracy, mean loss and PSNR, from sums over batches."""

from __future__ import annotations

from typing import Any

import torch

PSNR_LIMIT = 100.0  # dB, of a perfect picture


class ColorizeMetrics:
    """Sums over the pixels and pictures of a split.

    Attributes:
        sums: (5,) float64: pixels, correct pixels, summed loss, pictures, summed PSNR. Additive over batches and ranks.
        speed: Milliseconds per picture by stage, set by the validator.
    """

    def __init__(self) -> None:
        self.keys = ["metrics/accuracy", "metrics/psnr"]
        self.sums = torch.zeros(5, dtype=torch.float64)
        self.speed: dict[str, float] = {}
        self.save_dir: Any = None

    def update(self, logits: torch.Tensor, labels: torch.Tensor, loss: float, psnr: torch.Tensor) -> None:
        """Add a batch.

        Args:
            logits: (B, K, H, W).
            labels: Palette indices (B, H, W).
            loss: Mean loss over the batch's pixels.
            psnr: PSNR of each decoded picture (B,), in dB.
        """
        pixels, correct = labels.numel(), int((logits.argmax(1) == labels).sum())
        self.sums += torch.tensor([pixels, correct, loss * pixels, len(psnr), float(psnr.double().sum())]).double()

    @property
    def accuracy(self) -> float:
        """Share of pixels whose most likely colour is the true one, 0..1."""
        return float(self.sums[1] / self.sums[0].clamp(min=1))

    @property
    def loss(self) -> float:
        """Mean cross-entropy over pixels, in nats."""
        return float(self.sums[2] / self.sums[0].clamp(min=1))

    @property
    def psnr(self) -> float:
        """Mean over pictures of the PSNR of the decoded picture against the original, in dB."""
        return float(self.sums[4] / self.sums[3].clamp(min=1))

    @property
    def fitness(self) -> float:
        """What the best epoch is chosen by: the accuracy."""
        return self.accuracy

    @property
    def results_dict(self) -> dict[str, float]:
        """Every number by its name in results.csv, and the fitness."""
        values = (self.accuracy, self.psnr)
        return {**dict(zip(self.keys, values)), "val/loss": self.loss, "fitness": self.fitness}

    def __repr__(self) -> str:
        return f"ColorizeMetrics(accuracy={self.accuracy:.4f}, loss={self.loss:.4f}, psnr={self.psnr:.2f} dB)"


def psnr(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the peak signal-to-noise ratio 10 log10(255^2 / MSE) of each pair of 8-bit pictures, at most 100 dB.

    Args:
        a: (B, ...), uint8.
        b: Like ``a``.

    Returns:
        (B,) float32, in dB.
    """
    mse = (a.float() - b.float()).square().flatten(1).mean(1)
    return (10 * torch.log10(255.0**2 / mse.clamp(min=1e-9))).clamp(max=PSNR_LIMIT)
