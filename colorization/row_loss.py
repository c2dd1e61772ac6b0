"""Cross-entropy with one label per row, and its gradient, in one pass over blocks that fit the processor's cache."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

BLOCK = 1 << 19  # scores processed at once: 2 MiB in float32
LEAST = 1e-30  # smallest sum of exponentials in a row; float32 has full precision above 1e-38
PER_BIT = math.log(2)  # nats


class RowCrossEntropy(torch.autograd.Function):
    """Mean over rows of -log softmax(scores)[label] in float32.

    torch's own version runs two forward and two backward kernels, each over all rows in memory. For rows as short as a
    palette, it spends most of its time on finding each row's maximum. Here a block's maximum is subtracted instead;
    scores too far apart for that are passed to torch. Powers of 2 take a third of the time of powers of e.
    """

    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean, in nats.

        Args:
            ctx: Stores the gradient, which costs little more than the loss.
            scores: (N, K), of any float type.
            labels: (N,), int64.
        """
        rows, colours = scores.shape
        gradient = torch.empty_like(scores) if ctx.needs_input_grad[0] else None
        ones = torch.ones(colours, device=scores.device)
        minus = torch.full((1, 1), -1 / rows, device=scores.device)
        bits = torch.zeros((), device=scores.device, dtype=torch.float64)
        size = max(1, BLOCK // colours)
        for start in range(0, rows, size):
            label = labels[start : start + size, None]
            powers = scores[start : start + size].to(torch.float32, copy=True)
            powers.sub_(powers.amax()).mul_(1 / PER_BIT)  # `max` and bfloat16 take several times as long
            bits -= powers.gather(1, label).sum(dtype=torch.float64)
            sums = powers.exp2_() @ ones
            if not float(sums.min()) > LEAST:  # written so that NaN is passed on, too
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
    """Return the mean by torch's own function, and store its gradient."""
    with torch.enable_grad():
        wide = scores.detach().float().requires_grad_(ctx.needs_input_grad[0])
        loss = F.cross_entropy(wide, labels)
    if ctx.needs_input_grad[0]:
        ctx.gradient = torch.autograd.grad(loss, wide)[0].to(scores.dtype)
    return loss.detach()
