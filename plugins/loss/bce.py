"""The classification loss of a detector: binary cross-entropy with positive weights, smoothing and focal modulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tintbox.checks import is_number
from tintbox.errors import TintboxError
from tintbox.plugins.loss.weights import LEAST, MOST, check_smoothing, is_balance


class ClassificationBCE(nn.Module):
    """Unreduced binary cross-entropy of logits x and targets t in 0..1, hard or soft; p = sigmoid(x).

    With e the smoothing and w the positive weight of a class::

        s    = t (1 - e) + e / 2                              the smoothed target, the only one used from here on
        bce  = -(w s log p + (1 - s) log(1 - p))
        loss = (a s + (1 - a) (1 - s)) |s - p|^gamma bce      the first factor only with an alpha

    The focal factor ``|s - p|^gamma`` is that of the Quality Focal Loss (Li et al., Generalized Focal Loss, 2020,
    eq. 4). It is designed for soft targets: it vanishes only at p = s, so it keeps the minimum where smoothing put it.
    For hard targets, |t - p| = 1 - p_t and the loss is the classic alpha-balanced focal loss (Lin et al., Focal Loss
    for Dense Object Detection, 2017, eq. 5).

    It replaces ``nn.BCEWithLogitsLoss(reduction="none")``, and with default arguments is the same operation, bit for
    bit. Otherwise half-precision logits are computed in float32 and the loss is float32, inside and outside of
    autocast.

    Args:
        pos_weight: w > 0: one value for all classes, or one per class, ``(nc,)``; copied.
        smoothing: e in 0..1.
        gamma: Focusing exponent >= 0; 0 is no modulation.
        alpha: Balance between 0 and 1: the weight of positives; negatives have 1 - alpha. None for no balancing.

    Raises:
        TintboxError: A value that is no number or outside its range, or a table of weights.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        pos_weight: Tensor | Sequence[float] | float | None = None,
        smoothing: float = 0.0,
        gamma: float = 0.0,
        alpha: float | None = None,
    ) -> None:
        super().__init__()
        try:
            # Cloned: a later change of the caller's array would not be checked.
            weight = None if pos_weight is None else torch.as_tensor(pos_weight, dtype=torch.float32).detach().clone()
        except (TypeError, ValueError, RuntimeError):
            raise TintboxError(f"pos_weight={pos_weight}: give a number, or one per class") from None
        self.register_buffer("pos_weight", weight, persistent=False)
        self.smoothing = _as_float(smoothing)
        self.gamma = _as_float(gamma)
        self.alpha = None if alpha is None else _as_float(alpha)
        if weight is not None and not weight.is_meta and not bool(((weight >= LEAST) & (weight <= MOST)).all()):
            raise TintboxError(f"pos_weight={pos_weight}: a weight is a number from 1e-6 to 1e6")
        if weight is not None and weight.ndim > 1:
            raise TintboxError(f"pos_weight of shape {tuple(weight.shape)}: give one number, or one per class")
        if wrong := check_smoothing(self.smoothing):
            raise TintboxError(f"smoothing={smoothing}: {wrong}")
        if not is_number(self.gamma, 0):
            raise TintboxError(f"gamma={gamma}: give a number of 0 or more, e.g. 1.5")
        if not is_balance(self.alpha):
            raise TintboxError(f"alpha={alpha}: give a number between 0 and 1, e.g. 0.25")

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of every element.

        Args:
            logits: Scores before the sigmoid, ``(..., nc)``.
            targets: Targets in 0..1, ``(..., nc)``.

        Returns:
            Loss ``(..., nc)``, in nats, >= 0; a new tensor, which may be modified in place.

        Raises:
            TintboxError: ``pos_weight`` has another number of classes.
        """
        if self.pos_weight is None and not self.smoothing and not self.gamma and self.alpha is None:
            return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        dtype = torch.promote_types(logits.dtype, torch.float32)  # exp(12) overflows half precision
        x, s = logits.to(dtype), targets.to(dtype)
        if self.smoothing:
            s = s * (1 - self.smoothing) + self.smoothing / 2
        weight = None if self.pos_weight is None else self.pos_weight.to(dtype)
        if weight is not None and weight.numel() not in (1, logits.shape[-1]):
            raise TintboxError(f"pos_weight has {weight.numel()} weights for {logits.shape[-1]} classes; give one each")
        loss = F.binary_cross_entropy_with_logits(x, s, reduction="none", pos_weight=weight)
        if self.gamma:
            # |s - p| without the cancellation of 1 - p near p = 1. The floor is for gamma < 1, where the slope at
            # p = s is infinite.
            distance = (s * (-x).sigmoid() - (1 - s) * x.sigmoid()).abs()
            loss = distance.clamp_min(torch.finfo(dtype).tiny) ** self.gamma * loss
        if self.alpha is not None:
            loss = (self.alpha * s + (1 - self.alpha) * (1 - s)) * loss
        return loss

    def extra_repr(self) -> str:
        """Return the settings that differ from plain cross-entropy."""
        weight = None if self.pos_weight is None else self.pos_weight.tolist()
        return f"pos_weight={weight}, smoothing={self.smoothing}, gamma={self.gamma}, alpha={self.alpha}"


def _as_float(value: object) -> float:
    """Return a number, of NumPy or torch too, as a float; for anything else NaN, which is in no range."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
