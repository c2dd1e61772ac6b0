"""Cross-entropy of rows of scores, and its gradient, in one pass over blocks that fit the processor's cache."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

BLOCK = 1 << 20  # scores processed at once: 4 MiB in float32
LEAST = 1e-30  # smallest sum of exponentials in a row; float32 has full precision above 1e-38
PER_BIT = math.log(2)  # nats


def row_cross_entropy(
    scores: torch.Tensor, labels: torch.Tensor, shares: torch.Tensor | None = None, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the mean over rows of -w sum(share log softmax(scores)[label]), in float32, by torch's own functions.

    Args:
        scores: (N, K), of any float type.
        labels: (N, n), int64: the n classes of each row's target.
        shares: (N, n), their shares, summing to 1 in each row; None if n is 1.
        weights: (N,), w; None for 1.
    """
    if shares is None and weights is None:
        return F.cross_entropy(scores.float(), labels[:, 0])
    losses = -scores.float().log_softmax(1).gather(1, labels)  # (N, n)
    losses = (losses if shares is None else losses * shares).sum(1)
    return (losses if weights is None else losses * weights).mean()


class RowCrossEntropy(torch.autograd.Function):
    """`row_cross_entropy` for a CPU.

    torch's functions run several kernels forward and backward, each over all rows in memory. For rows as short as a
    palette, they spend most of their time on finding each row's maximum. Here a block's maximum is subtracted instead;
    scores too far apart for that are passed to torch. Powers of 2 take a third of the time of powers of e.
    """

    @staticmethod
    def forward(
        ctx: Any,
        scores: torch.Tensor,
        labels: torch.Tensor,
        shares: torch.Tensor | None,
        weights: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the mean, in nats; ``ctx`` stores the gradient, which costs little more than the loss."""
        rows, classes = scores.shape
        gradient = torch.empty_like(scores) if ctx.needs_input_grad[0] else None
        ones, even = torch.ones(classes, 1, device=scores.device), torch.full((1, 1), 1 / rows, device=scores.device)
        bits = torch.zeros((), device=scores.device, dtype=torch.float64)
        size = max(1, BLOCK // classes)
        for start in range(0, rows, size):
            some = slice(start, start + size)
            label, share = labels[some], None if shares is None else shares[some]
            weight = even.expand(len(label), 1) if weights is None else weights[some, None] / rows
            powers = scores[some].to(torch.float32, copy=True)
            powers.sub_(powers.amax()).mul_(1 / PER_BIT)  # `max` and bfloat16 take several times as long
            wanted = powers.gather(1, label)
            wanted = wanted if share is None else (wanted * share).sum(1, keepdim=True)
            sums = powers.exp2_() @ ones
            if not float(sums.min()) > LEAST:  # written so that NaN is passed on, too
                return _by_torch(ctx, scores, labels, shares, weights)
            bits += (sums.log2() - wanted).mul_(weight).sum(dtype=torch.float64)
            if gradient is not None:
                powers *= weight / sums  # w softmax / N
                gradient[some] = powers.scatter_add_(1, label, -weight if share is None else -weight * share)
        ctx.gradient = gradient
        return (bits * PER_BIT).float()

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> Any:
        """Return the gradient (N, K) in the type of the scores."""
        scaled = ctx.gradient if outer[0] == 1 else ctx.gradient * outer[0].to(ctx.gradient.dtype)
        return scaled, None, None, None


def _by_torch(ctx: Any, scores: torch.Tensor, *targets: Any) -> torch.Tensor:
    """Return the mean by torch's own functions, and store its gradient."""
    with torch.enable_grad():
        wide = scores.detach().float().requires_grad_(ctx.needs_input_grad[0])
        loss = row_cross_entropy(wide, *targets)
    if ctx.needs_input_grad[0]:
        ctx.gradient = torch.autograd.grad(loss, wide)[0].to(scores.dtype)
    return loss.detach()
