"""Convolution, BatchNorm and activation in one kernel, where nothing of them trains."""

from __future__ import annotations

import functools
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

IN_KERNEL = {nn.SiLU: "swish", nn.ReLU: "relu", nn.Identity: "none"}  # oneDNN's names of activations
Versions = tuple[tuple[int, int], ...]  # of each tensor: where its values are, and how often they were changed in place


@functools.cache
def is_available() -> bool:
    """Return whether this PyTorch has oneDNN's kernels, which its own compiler uses, and they know bfloat16 here."""
    kernels = ("_convolution_pointwise", "_convolution_transpose_pointwise", "_is_mkldnn_bf16_supported")
    there = torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in kernels)
    return there and torch.ops.mkldnn._is_mkldnn_bf16_supported()


class FusedBlocks:
    """Blocks computed in bfloat16 by oneDNN, each in one kernel, with BatchNorm folded into the convolution's weights.

    With frozen layers and in validation, a block's weights and statistics are constants. Folding them is the usual
    formula, w' = w γ / √(σ² + ε) and b' = β + (b - μ) γ / √(σ² + ε), in float32. The weights are then rounded, the
    bias is not.

    Attributes:
        folded: Convolution -> its folded weight and bias, and the versions of the tensors that they were made from.
    """

    def __init__(self) -> None:
        self.folded: WeakKeyDictionary[nn.Module, tuple[Versions, torch.Tensor, torch.Tensor]] = WeakKeyDictionary()

    def compute(self, conv: Any, norm: Any, activation: nn.Module, x: torch.Tensor) -> torch.Tensor | None:
        """Return a block's output (B, K, h, w), in bfloat16; None if anything trains, or without a kernel.

        The convolution may be transposed; the input is (B, C, H, W), on the CPU.
        """
        transposed = isinstance(conv, nn.ConvTranspose2d)
        if norm.training or not (transposed or type(conv) is nn.Conv2d) or not is_available():
            return None
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str) or (transposed and conv.groups > 1):
            return None
        made_from = (conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        tensors = [tensor for tensor in made_from if tensor is not None]
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *tensors)):
            return None
        if any(tensor.is_inference() for tensor in tensors):  # they have no version by which a change would be seen
            return None
        versions = tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)
        known = self.folded.get(conv)
        if known is None or known[0] != versions:
            known = self.folded[conv] = (versions, *fold(*made_from, norm.eps, 1 if transposed else 0))
        name = IN_KERNEL.get(type(activation))
        shape = (conv.padding, *((conv.output_padding,) if transposed else ()), conv.stride, conv.dilation, conv.groups)
        kernels = torch.ops.mkldnn
        kernel = kernels._convolution_transpose_pointwise if transposed else kernels._convolution_pointwise
        result = kernel(x.to(torch.bfloat16), *known[1:], *shape, name or "none", [], "")
        return result if name else activation(result)


@torch.no_grad()
def fold(
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    eps: float,
    axis: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weight, bfloat16, and the bias (K), float32, of a convolution and the BatchNorm after it in one.

    ``weight`` is (K, C, H, W), or (C, K, H, W) of a transposed convolution; ``axis`` is that of K. The other tensors
    are (K); ``bias`` may be None.
    """
    scale = gamma / torch.sqrt(variance + eps)
    folded = (weight * scale.view(-1, *[1] * (3 - axis))).to(torch.bfloat16, memory_format=torch.channels_last)
    shift = -mean if bias is None else bias - mean
    return folded, (beta + shift * scale).float()
