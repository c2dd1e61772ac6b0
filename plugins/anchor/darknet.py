"""Darknet's detectors: the numbers of a `.weights`, put into the model that its `.cfg` describes.

(The format is that of https://github.com/AlexeyAB/darknet: `src/parser.c`, `load_weights_upto`.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tintbox.errors import TintboxError, TintboxFileError, one_line
from tintbox.plugins.anchor.darknet_cfg import Network, Output, parse


def load(weights: Path, cfg: Path, names: list[str] | None = None) -> nn.Module:
    """Return the model of a Darknet description with its weights, in evaluation mode.

    Args:
        weights: The `.weights`.
        cfg: The `.cfg`.
        names: Class names by index; by default the indices.

    Raises:
        TintboxError: The files are not there, damaged, do not fit each other, or describe what has no module here.
    """
    from ultralytics.nn.tasks import DetectionModel

    for path in (weights, cfg):
        if not path.is_file():
            raise TintboxFileError(f"{path}: no such file; a Darknet model is a .weights and a .cfg")
    try:
        network = Network(parse(cfg.read_text(encoding="utf-8", errors="replace")))
    except TintboxError as error:
        raise TintboxError(f"{cfg}: {error}") from None
    if names and len(names) != network.nc:
        raise TintboxError(f"{len(names)} class names, but {cfg} has {network.nc} classes")
    try:
        model = DetectionModel(network.description(), ch=network.channels, verbose=False)
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError) as error:
        raise TintboxError(f"{cfg}: its layers do not fit each other ({one_line(error)[:200]})") from None
    fill(model, network, weights)
    if names:
        model.names = dict(enumerate(names))
    return model.eval()


def fill(model: Any, network: Network, weights: Path) -> None:
    """Copy the numbers of a `.weights` into a model: for every convolution biases, BatchNorm and weights.

    Raises:
        TintboxError: There are more or fewer of them.
    """
    content = weights.read_bytes()
    if len(content) < 20:
        raise TintboxError(f"{weights}: truncated, its header is not complete")
    version = np.frombuffer(content, "<i4", count=2)
    header = 20 if version[0] * 10 + version[1] >= 2 else 16  # what follows is a count of pictures, once of 32 bits
    tensors: list[torch.Tensor] = []
    head = model.model[-1]
    for where in network.convolutions:
        if isinstance(where, Output):
            convolution = head.m[network.outputs.index(where)]
            tensors += [convolution.bias, convolution.weight]
        else:
            layer = model.model[where]
            norm = layer.bn
            tensors += [norm.bias, norm.weight, norm.running_mean, norm.running_var, layer.conv.weight]
    wanted = header + 4 * sum(tensor.numel() for tensor in tensors)
    if len(content) != wanted:
        problem = "truncated" if len(content) < wanted else "does not fit its .cfg"
        raise TintboxError(f"{weights}: {problem}, {len(content)} bytes where the .cfg needs {wanted}")
    numbers = torch.from_numpy(np.frombuffer(content, "<f4", offset=header).copy())
    with torch.no_grad():
        for tensor, part in zip(tensors, numbers.split([tensor.numel() for tensor in tensors])):
            tensor.copy_(part.view_as(tensor))
