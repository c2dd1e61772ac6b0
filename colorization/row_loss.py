"""The cross-entropy of one label per row, and its gradient, in one pass over blocks that fit the processor's cache."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

BLOCK = 1 << 19  # scores at once: 2 MiB in float32
LEAST = 1e-30  # of a row's sum of exponentials; float32 keeps its full precision above 1e-38
PER_BIT = math.log(2)  # nats


class RowCrossEntropy(torch.autograd.Function):
    """Mean over rows of -log softmax(scores)[label] in float32.

    torch's own takes two kernels forth and two back, each over all rows in memory. Rows as short as a palette leave it
    most of its time for finding each row's highest score: here the highest of all is subtracted, and scores that are
    too far apart for that go to torch. Powers of 2 take a third of the time of powers of e.
    """

    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean, in nats.

        Args:
            ctx: Keeps the gradient, which costs little more than the loss.
            scores: (N, K), of any float type.
            labels: (N,), int64.
        """
        rows, colours = scores.shape
        gradient = torch.empty_like(scores) if ctx.needs_input_grad[0] else None
        highest, ones = scores.max().float(), torch.ones(colours, device=scores.device)
        minus = torch.full((1, 1), -1 / rows, device=scores.device)
        bits = torch.zeros((), device=scores.device, dtype=torch.float64)
        size = max(1, BLOCK // colours)
        for start in range(0, rows, size):
            label = labels[start : start + size, None]
            powers = (scores[start : start + size].float() - highest).mul_(1 / PER_BIT)
            bits -= powers.gather(1, label).sum(dtype=torch.float64)
            sums = powers.exp2_() @ ones
            if not float(sums.min()) > LEAST:  # so put, NaN goes there, too
                return _by_torch(ctx, scores, labels)
            bits += sums.log2().sum(dtype=torch.float64)
            if gradient is not None:
                powers *= (1 / (rows * sums))[:, None]  # softmax / N
                gradient[start : start + size] = powers.scatter_add_(1, label, minus.expand(len(label), 1))
        ctx.gradient = gradient
        return (bits * (PER_BIT / rows)).float()

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> Any:
        """Return the gradient (N, K) in the type of the scores."""
        return ctx.gradient if outer[0] == 1 else ctx.gradient * outer[0].to(ctx.gradient.dtype), None


def _by_torch(ctx: Any, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean by torch's own function, and keep its gradient."""
    with torch.enable_grad():
        wide = scores.detach().float().requires_grad_(ctx.needs_input_grad[0])
        loss = F.cross_entropy(wide, labels)
    if ctx.needs_input_grad[0]:
        ctx.gradient = torch.autograd.grad(loss, wide)[0].to(scores.dtype)
    return loss.detach()
