"""Training of a BatchNorm with few channels on a CPU, without the time that PyTorch's kernel loses there.

That kernel adds up pixel by pixel, each thread in a row of C sums. With 8 channels it takes as long as with 32, because
every pixel waits for the sums of the one before; and unless C is a multiple of 16, two threads share a cache line and
take longer than one. Here several pixels form a row: (B, C, H, W) in channels last is, without a copy, a matrix of
(B H W / k) rows of k C channels.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

WIDE = 128  # about as many channels as a row should have
LINE = 16  # sums in a cache line
FEW = 1 << 19  # values of an input, below which the kernel's losses are smaller than those of more calls


def normalise(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """Return a BatchNorm's output (B, C, H, W) for ``x``, of the same shape; its running statistics are updated."""
    if not (type(norm) is nn.BatchNorm2d and norm.training and norm.affine and norm.track_running_stats):
        return norm(x)
    if norm.momentum is None or x.dtype is not torch.bfloat16 or norm.weight.dtype is not torch.float32:
        return norm(x)
    pixels = pixels_per_row(norm.num_features, x)
    if not pixels:
        return norm(x)
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    statistics = (norm.running_mean, norm.running_var, norm.momentum, norm.eps)
    return _Rows.apply(x, norm.weight, norm.bias, pixels, statistics)


def pixels_per_row(channels: int, x: torch.Tensor) -> int:
    """Return k, how many pixels of ``x`` (B, C, H, W) to put in a row; 0 where PyTorch's kernel is the faster one."""
    slow = channels < 2 * LINE or (channels < WIDE and channels % LINE)
    if not slow or x.device.type != "cpu" or x.numel() < FEW:
        return 0
    least = LINE // math.gcd(channels, LINE)  # so that a row ends with a cache line
    pixels = least * max(1, WIDE // (channels * least))
    return 0 if x.numel() // channels % pixels or not x.is_contiguous(memory_format=torch.channels_last) else pixels


def rows(x: torch.Tensor, pixels: int) -> torch.Tensor:
    """Return a view (B H W / k, k C, 1, 1) of ``x`` (B, C, H, W), channels last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1] * pixels, 1, 1)


class _Rows(torch.autograd.Function):
    """BatchNorm of rows of several pixels, with the statistics of all of them."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, k: int, statistics: Any) -> Any:
        """Return the output; the variance of a channel is the mean of its k variances and the variance of its means."""
        running_mean, running_var, momentum, eps = statistics
        wide, count = rows(x, k), x.numel() // len(weight)
        unused = weight.new_zeros(len(weight) * k)  # running statistics make the result float32
        means, variances = (v.view(k, -1) for v in torch.batch_norm_update_stats(wide, unused, unused.clone(), 0.0))
        variance, mean = torch.var_mean(means, 0, correction=0)
        variance += variances.mean(0)
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(variance * (count / (count - 1)), momentum)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.k, ctx.eps = k, eps
        return _scale(wide, weight, bias, mean, variance, k, eps).view_as(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: torch.Tensor) -> Any:
        """Return the gradients (Ioffe and Szegedy 2015, "Batch Normalization", arXiv:1502.03167, section 3).

        With g the outer gradient, n pixels, x̂ the normalised input and s = √(σ² + ε), they are ∂γ = Σ g x̂, ∂β = Σ g
        and ∂x = γ / s (g - ∂β / n - x̂ ∂γ / n).
        """
        x, weight, mean, variance = ctx.saved_tensors
        k, eps, count = ctx.k, ctx.eps, x.numel() // len(weight)
        wide, g = rows(x, k), rows(outer.contiguous(memory_format=torch.channels_last), k)
        constants = (v.repeat(k) for v in (weight, mean, variance))
        which = (False, True, True)  # not ∂x, which this function would compute as if there were no sums
        sums = torch.ops.aten.native_batch_norm_backward(g, wide, *constants, None, None, False, eps, which)
        by_weight, by_bias = (v.view(k, -1).sum(0) for v in sums[1:])
        share = weight / (variance + eps).sqrt()
        through = _scale(wide, -share * by_weight / count, -share * by_bias / count, mean, variance, k, eps)
        through.addcmul_(g, share.to(g.dtype).repeat(k).view(1, -1, 1, 1))
        return through.view_as(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), by_weight, by_bias, None, None


def _scale(
    wide: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    k: int,
    eps: float,
) -> torch.Tensor:
    """Return normalised rows times the weight plus the bias, for given statistics."""
    gamma, beta, mu, sigma2 = (v.repeat(k) for v in (weight, bias, mean, variance))
    return torch.native_batch_norm(wide, gamma, beta, mu, sigma2, False, 0.0, eps)[0]
