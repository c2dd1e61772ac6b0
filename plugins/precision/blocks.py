"""Convolution, BatchNorm and activation in one kernel, in blocks of which nothing trains."""

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
    """Return whether this PyTorch has oneDNN's kernel, which its own compiler uses."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


class FusedBlocks:
    """Blocks computed in bfloat16 by oneDNN, each in one kernel, with BatchNorm folded into the convolution's weights.

    With frozen layers and in validation, a block's weights and statistics are constants. Folding them is the usual
    formula, w' = w γ / √(σ² + ε) and b' = β - μ γ / √(σ² + ε), in float32; only the result is rounded.

    Attributes:
        folded: Block -> its folded weight and bias, and the versions of the tensors that they were made from.
    """

    def __init__(self) -> None:
        self.folded: WeakKeyDictionary[nn.Module, tuple[Versions, torch.Tensor, torch.Tensor]] = WeakKeyDictionary()

    def compute(self, block: Any, x: torch.Tensor) -> torch.Tensor | None:
        """Return a block's output (B, K, h, w), in bfloat16; None if anything trains, or without a kernel.

        Args:
            block: A module with the children ``conv``, ``bn`` and ``act``, like Ultralytics' ``Conv``.
            x: The input (B, C, H, W), on the CPU.
        """
        conv, norm = block.conv, block.bn
        if norm.training or type(conv) is not nn.Conv2d or conv.bias is not None or not is_available():
            return None
        if conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            return None
        made_from = (conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *made_from)):
            return None
        versions = tuple((tensor.data_ptr(), tensor._version) for tensor in made_from)
        known = self.folded.get(block)
        if known is None or known[0] != versions:
            known = self.folded[block] = (versions, *fold(*made_from, norm.eps))
        activation = IN_KERNEL.get(type(block.act))
        result = torch.ops.mkldnn._convolution_pointwise(
            x.to(torch.bfloat16), *known[1:], conv.padding, conv.stride, conv.dilation, conv.groups,
            activation or "none", [], "",
        )  # fmt: skip
        return result if activation else block.act(result)


@torch.no_grad()
def fold(
    weight: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    eps: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (K, C, H, W) and bias (K), in bfloat16, of a convolution and the BatchNorm (K) after it."""
    scale = gamma / torch.sqrt(variance + eps)
    folded = (weight * scale.view(-1, 1, 1, 1)).to(torch.bfloat16, memory_format=torch.channels_last)
    return folded, (beta - mean * scale).to(torch.bfloat16)
