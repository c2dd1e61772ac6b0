"""Transposed convolution that trains faster in bfloat16 on a CPU.

oneDNN takes three times as long for the weight gradient if it has to sum the bias gradient, too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's own layer, except that the bias gradient is summed separately in mixed precision on a CPU."""

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """Return the output (B, C', H', W') for ``input`` (B, C, H, W)."""
        mixed = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if self.bias is None or not (mixed and torch.is_grad_enabled()):
            return super().forward(input, output_size)
        tensors = (t.to(torch.get_autocast_dtype("cpu")) for t in (input, self.weight, self.bias))
        shape = (self.stride, self.padding, self.dilation, True, self.output_padding, self.groups)
        return _BiasApart.apply(*tensors, shape)


class _BiasApart(torch.autograd.Function):
    """A convolution that sums its bias gradient itself."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, shape: tuple[Any, ...]) -> Any:
        """Return the output; ``shape`` holds the other arguments of `torch.convolution`."""
        ctx.save_for_backward(x, weight)
        ctx.shape = shape
        return torch.convolution(x, weight, bias, *shape)

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> Any:
        """Return the gradients of the three tensors."""
        needed = [*ctx.needs_input_grad[:2], False]
        x, weight, _ = torch.ops.aten.convolution_backward(outer[0], *ctx.saved_tensors, None, *ctx.shape, needed)
        return x, weight, outer[0].sum((0, 2, 3)), None
