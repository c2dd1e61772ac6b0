"""The loss of the colouriser: cross-entropy of the palette colours, averaged over pixels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tintbox.colorization.row_loss import RowCrossEntropy


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
    if "near" not in batch and "weights" not in batch:
        return pixel_cross_entropy(logits, batch["label"])
    rows = _rows(logits).float().log_softmax(1)  # (B*H*W, K)
    labels = batch["label"].reshape(-1, 1)
    if "near" in batch:
        share = batch["share"].reshape(len(rows), -1)
        losses = -(rows.gather(1, batch["near"].reshape(len(rows), -1)) * share).sum(1)
    else:
        losses = -rows.gather(1, labels)[:, 0]
    if "weights" in batch:
        losses = losses * batch["weights"][labels[:, 0]]
    return losses.mean()


def pixel_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean over pixels of -log softmax(logits)[label], in float32.

    Args:
        logits: (B, K, H, W).
        labels: (B, H, W), int64.
    """
    rows, labels = _rows(logits), labels.reshape(-1)
    if rows.device.type == "cpu" and rows.dtype == torch.bfloat16:
        return RowCrossEntropy.apply(rows, labels)
    return F.cross_entropy(rows.float(), labels)


def _rows(logits: torch.Tensor) -> torch.Tensor:
    """Return logits (B, K, H, W) as one row per pixel, (B*H*W, K).

    This is free for channels_last logits, and the loss is then twice as fast as on (B, K, H, W).
    """
    return logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
