"""Class balancing for rare colours: weights in the loss, and a mean between mode and expectation.

Both from Zhang, Isola and Efros, Colorful Image Colorization, 2016, arXiv:1603.08511.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tintbox.checks import is_number
from tintbox.errors import TintboxError

BLOCK = 1 << 19  # scores processed at once on a CPU, to fit its cache


def class_weights(shares: np.ndarray, rebalance: float) -> np.ndarray:
    """Return the weight of each colour in the loss: w ~ 1 / ((1 - r) p + r / K), with the mean sum(p w) = 1 (eq. 4).

    Args:
        shares: (K,) shares p of the training pixels, summing to 1.
        rebalance: r in 0..1; 1 weights all colours equally.

    Returns:
        (K,) float64. A weight is 0 only if its colour does not occur and r is 0.
    """
    mixed = (1 - rebalance) * shares + rebalance / len(shares)
    weights = np.divide(1.0, mixed, out=np.zeros(len(shares)), where=mixed > 0)
    return weights / (shares * weights).sum()


def shares_of(weights: np.ndarray, rebalance: float) -> np.ndarray:
    """Return the shares (K,) from which `class_weights` computed ``weights`` with ``rebalance``, which is below 1."""
    mixed = np.divide(1.0, weights, out=np.zeros(len(weights)), where=weights > 0)
    return ((mixed / mixed.sum() - rebalance / len(weights)) / (1 - rebalance)).clip(0)


def annealed_mean(scores: torch.Tensor, values: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean of the colours under softmax(scores / T), the annealed mean (eq. 5); with T = 0 the mode.

    Args:
        scores: (B, K, h, w) logits.
        values: (K, C), the value of each colour.
        temperature: T >= 0.

    Returns:
        (B, C, h, w) float32.
    """
    values = values.to(scores.device, torch.float32)
    if temperature == 0:
        return values[scores.argmax(1)].permute(0, 3, 1, 2)
    batch, colours, height, width = scores.shape
    rows = scores.permute(0, 2, 3, 1).reshape(-1, colours)  # free for channels_last; of short columns, softmax is slow
    size = max(1, BLOCK // colours if rows.device.type == "cpu" else len(rows))
    means = torch.cat([(part.float() / temperature).softmax(1) @ values for part in rows.split(size)])
    return means.reshape(batch, height, width, -1).permute(0, 3, 1, 2)


def check_number(name: str, value: object, low: float, high: float) -> float:
    """Return a number as a float, or raise a TintboxError if it is out of range."""
    if not is_number(value, low, high):
        raise TintboxError(f"{name}={value!r}; give a number from {low} to {high}")
    return float(value)


def check_weights(weights: Any, count: int) -> np.ndarray | None:
    """Return weights as a read-only float64 array; raise a TintboxError unless they are ``count`` valid numbers."""
    if weights is None:
        return None
    try:
        table = np.array(weights, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.shape != (count,) or not (np.isfinite(table) & (table >= 0)).all() or not table.any():
        raise TintboxError(f"weights of shape {table.shape}; give {count} numbers of 0 or more, one for each colour")
    table.setflags(write=False)
    return table
