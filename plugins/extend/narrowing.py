"""A narrower head: its branches keep only the most important hidden channels."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import BaseModel

from tintbox.plugins.extend.head import BRANCHES

LEAST = 16  # channels of a branch; Ultralytics' own heads have no fewer
SHARES = (1.0, 0.75, 0.5)  # of the channels, widest first
SLIM = (1.0, 0.875, 0.75, 0.625, 0.5, 0.375)  # finer steps, and narrower: with a neck there is less budget left
SIDES = (64, 128)  # pixels, of the images used to count operations


def count_operations(network: BaseModel, channels: int) -> list[float]:
    """Return the multiplications per pixel of each layer in prediction, fused, for images of 640 by 640 pixels.

    They are counted for two small images: those of an attention grow with the square of the image's area.

    Args:
        network: The detector; not modified. Of two heads, end to end, one counts.
        channels: Channels of the image.
    """
    copied: Any = deepcopy(network).float().eval().fuse(verbose=False)
    device, name = next(copied.parameters()).device, type(copied).__name__
    counts = []
    for side in SIDES:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            copied(torch.zeros(1, channels, side, side, device=device))
        layers = (counter.get_flop_counts().get(f"{name}.model.{i}", {}) for i in range(len(copied.model)))
        counts.append([sum(layer.values()) / 2 / side**2 for layer in layers])
    few, many = SIDES
    share = (640**2 - few**2) / (many**2 - few**2)
    return [low + (high - low) * share for low, high in zip(*counts)]


def count_head_operations(head: Detect) -> float:
    """Return the multiplications of a head's branches per image pixel in prediction.

    An end-to-end head has two sets of branches, one-to-many and one-to-one, at the same cost; prediction runs one.
    """
    return sum(
        module.weight.numel() / stride**2
        for levels in (head.cv2, head.cv3)
        for branch, stride in zip(levels, head.stride.tolist())
        for module in branch.modules()
        if isinstance(module, nn.Conv2d)
    )


def fit(head: Detect, most: float, shares: Sequence[float] = SHARES) -> Detect:
    """Return the widest head whose branches stay within a budget, or the narrowest one.

    Args:
        head: The head; not modified.
        most: The budget, multiplications per image pixel.
        shares: Shares of the channels to try, widest first.
    """
    for share in shares:
        slim = deepcopy(head)
        if share < 1:
            for name in BRANCHES:
                for branch in getattr(slim, name, None) or ():
                    narrow_branch(branch, share)
        if count_head_operations(slim) <= most:
            break
    return slim


@torch.no_grad()
def narrow_branch(branch: nn.Sequential, share: float) -> None:
    """Remove hidden channels from a branch, whose last layer is a plain convolution; its inputs and outputs stay.

    Each convolution keeps the filters with the largest weights after normalisation (L1 norm of filters: Li et al.,
    Pruning Filters for Efficient ConvNets, 2017).
    """
    layers: list[Any] = [m for m in branch.modules() if isinstance(m, Conv)]
    there: Tensor | None = None  # outputs kept by the previous layer; None for all
    for layer in layers:
        conv = layer.conv
        if conv.groups == conv.in_channels > 1:  # depthwise
            if there is not None:
                conv.in_channels = conv.groups = len(there)
                keep_outputs(layer, there)
            continue
        if there is not None:
            keep_inputs(conv, there)
        scale = layer.bn.weight / (layer.bn.running_var + layer.bn.eps).sqrt()
        sizes = conv.weight.abs().sum((1, 2, 3)) * scale.abs()
        count = min(conv.out_channels, max(LEAST, round(conv.out_channels * share)))
        there = sizes.topk(count).indices.sort().values
        keep_outputs(layer, there)
    if there is not None:
        keep_inputs(branch[-1], there)


def keep_inputs(conv: nn.Conv2d | Any, indices: Tensor) -> None:
    """Keep only some inputs of a convolution."""
    conv.weight = nn.Parameter(conv.weight[:, indices].clone())
    conv.in_channels = len(indices)


def keep_outputs(layer: Any, indices: Tensor) -> None:
    """Keep only some outputs of a convolution and its normalisation."""
    layer.conv.weight = nn.Parameter(layer.conv.weight[indices].clone())
    layer.conv.out_channels = layer.bn.num_features = len(indices)
    for name in ("weight", "bias"):
        setattr(layer.bn, name, nn.Parameter(getattr(layer.bn, name)[indices].clone()))
    for name in ("running_mean", "running_var"):
        setattr(layer.bn, name, getattr(layer.bn, name)[indices].clone())
