"""Layers of Darknet that Ultralytics has no module for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {  # Darknet's names
    "linear": nn.Identity,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "mish": nn.Mish,
    "swish": nn.SiLU,
    "logistic": nn.Sigmoid,
}

# All versions of Darknet divide by sqrt(var + 1e-5) when they train with cuDNN, and so does the CPU code of AlexeyAB's
# version since May 2020 (its pull request 5447) and of hank-ai's. The older CPU code, pjreddie's, divides by
# sqrt(var) + 1e-6, and OpenCV's importer by sqrt(var + 1e-6).
EPSILON = 1e-5


class DarknetNorm(nn.BatchNorm2d):
    """A BatchNorm of a separate type, because Ultralytics sets epsilon to 1e-3 in every `nn.BatchNorm2d` it builds."""


class DarknetConv(Conv):
    """A convolution with any number of channels, whereas Ultralytics rounds those of its own to multiples of 8.

    Args:
        c1: Input channels.
        c2: Output channels.
        k: Side of the kernel.
        s: Stride.
        p: Padding.
        g: Groups.
        act: Darknet's name of the activation.
    """

    def __init__(self, c1: int, c2: int, k: int, s: int, p: int, g: int, act: str) -> None:
        super().__init__(c1, c2, k, s, p, g, act=ACTIVATIONS[act]())
        self.bn = DarknetNorm(c2, eps=EPSILON)


class Shortcut(nn.Module):
    """The sum of feature maps of equal shape."""

    def forward(self, x: list[Tensor]) -> Tensor:
        """Return the sum of ``x``, (B, C, H, W) each."""
        return torch.stack(x).sum(0) if len(x) > 2 else x[0] + x[1]


LAYERS = (DarknetNorm, DarknetConv, Shortcut)
