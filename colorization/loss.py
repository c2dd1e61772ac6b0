"""The loss of the colouriser: cross-entropy of the palette colours, averaged over pixels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tintbox.colorization.row_loss import RowCrossEntropy, row_cross_entropy


class PixelCrossEntropy(nn.Module):
    """Mean cross-entropy over all pixels of a batch."""

    def forward(self, logits: torch.Tensor, batch: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss and its items for the log.

        Args:
            logits: (B, K, H, W).
            batch: As for `cross_entropy`.

        Returns:
            The scalar loss, and ``{"loss": loss}`` detached. The detached loss is also stored in the batch, for the
            validator.
        """
        loss = cross_entropy(logits, batch)
        batch["loss"] = loss.detach()
        return loss, {"loss": batch["loss"]}


def cross_entropy(logits: torch.Tensor, batch: dict[str, Any]) -> torch.Tensor:
    """Return the mean over pixels of w(label) times the cross-entropy with the target, hard or soft, in float32.

    Args:
        logits: (B, K, H, W).
        batch: Holds ``label``, palette indices (B, H, W); for a palette with soft encoding also ``near`` and ``share``
            (B, H, W, n), colours and their shares of the target; and for a rebalanced palette ``weights`` (K,).
    """
    rows, labels = _rows(logits), batch["label"].reshape(-1, 1)
    weights = batch["weights"][labels[:, 0]] if "weights" in batch else None
    shares = None
    if "near" in batch:
        labels, shares = (batch[name].reshape(len(rows), -1) for name in ("near", "share"))
    if rows.device.type == "cpu" and rows.dtype in (torch.bfloat16, torch.float32):
        return RowCrossEntropy.apply(rows, labels, shares, weights)
    return row_cross_entropy(rows, labels, shares, weights)


def _rows(logits: torch.Tensor) -> torch.Tensor:
    """Return logits (B, K, H, W) as one row per pixel, (B*H*W, K).

    This is free for channels_last logits, and the loss is then twice as fast as on (B, K, H, W).
    """
    return logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
