"""A narrower head: branches with half of the hidden channels, those that say most."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.modules.head import Detect

LEAST = 16  # channels of a branch; Ultralytics' own heads have no fewer


@torch.no_grad()
def narrow(head: Detect, share: float = 0.5) -> None:
    """Take channels from inside a head's branches; what they read and put out stays.

    Of a convolution those filters stay whose weights are the largest after the normalisation (the L1 norm of filters:
    Li et al., Pruning Filters for Efficient ConvNets, 2017).

    Args:
        head: The head, with weights.
        share: Of the channels that stay.
    """
    for name in ("cv2", "cv3", "one2one_cv2", "one2one_cv3"):
        for branch in getattr(head, name, None) or ():
            narrow_branch(branch, share)


def narrow_branch(branch: nn.Sequential, share: float) -> None:
    """Take channels from inside a branch, whose last layer is a plain convolution."""
    layers: list[Any] = [m for m in branch.modules() if isinstance(m, Conv)]
    there: Tensor | None = None  # of the last layer's outputs, which are left; None for all
    for layer in layers:
        conv = layer.conv
        if conv.groups == conv.in_channels > 1:  # a filter for each channel
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
    """Leave a convolution some of its inputs."""
    conv.weight = nn.Parameter(conv.weight[:, indices].clone())
    conv.in_channels = len(indices)


def keep_outputs(layer: Any, indices: Tensor) -> None:
    """Leave a convolution and its normalisation some of their outputs."""
    layer.conv.weight = nn.Parameter(layer.conv.weight[indices].clone())
    layer.conv.out_channels = layer.bn.num_features = len(indices)
    for name in ("weight", "bias"):
        setattr(layer.bn, name, nn.Parameter(getattr(layer.bn, name)[indices].clone()))
    for name in ("running_mean", "running_var"):
        setattr(layer.bn, name, getattr(layer.bn, name)[indices].clone())
