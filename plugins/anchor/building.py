"""Building a detector's model from a description, first without memory, so that no file can exhaust it.

PyTorch's "meta" device computes shapes only, so it shows what a description would build before anything is allocated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from tintbox.checks import is_whole
from tintbox.errors import TintboxError
from tintbox.limits import CLASSES, MODEL_OUTPUTS, MODEL_WEIGHTS
from tintbox.plugins import trunk
from tintbox.plugins.anchor import network


def shapes(description: Mapping[str, Any], channels: int) -> dict[str, torch.Size]:
    """Return the shapes of a model's weights by their names in its `state_dict`.

    Raises:
        TintboxError: Its layers do not fit together, or it has more weights, or a layer more outputs, than the limits.
    """
    with torch.device("meta"), torch.no_grad(), default_activation(), trunk.explained_misfits():
        layers, save = network.build(deepcopy(dict(description)), channels, verbose=False)
        sizes = {f"model.{name}": tensor.shape for name, tensor in layers.state_dict().items()}
        if (weights := sum(map(prod, sizes.values()))) > MODEL_WEIGHTS:
            raise TintboxError(f"its layers would have {weights:,} weights, {MODEL_WEIGHTS:,} are the most")
        with trunk.watch_limits(layers):
            _check_kept(layers.eval(), save, torch.zeros(1, channels, trunk.PROBE, trunk.PROBE))
        return sizes


def build(description: Mapping[str, Any], channels: int) -> nn.Module:
    """Return the model with new weights; call `shapes` first.

    Raises:
        TintboxError: It cannot be built.
    """
    from ultralytics.nn.tasks import DetectionModel

    with default_activation(), trunk.explained_misfits():
        return DetectionModel(deepcopy(dict(description)), ch=channels, verbose=False)


def parse(spec: dict[str, Any], channels: int, verbose: bool = True) -> tuple[nn.Sequential, list[int]]:
    """Replace Ultralytics' parser for a YAML with an anchor head: `network.build`, after a trial without memory.

    Raises:
        TintboxError: The YAML cannot be built.
    """
    classes = spec.get("nc")
    if not is_whole(classes, 1, CLASSES):
        raise TintboxError(f"nc={str(classes)[:80]}: give the number of classes, 1 to {CLASSES:,}")
    shapes(spec, channels)
    with default_activation():
        return network.build(spec, channels, verbose)


@contextlib.contextmanager
def default_activation() -> Iterator[None]:
    """Restore Ultralytics' default activation afterwards, because its parser changes it for the whole process."""
    from ultralytics.nn.modules.conv import Conv

    activation = Conv.default_act
    try:
        yield
    finally:
        Conv.default_act = activation


def _check_kept(layers: Any, save: list[int], picture: Tensor) -> None:
    """Run layers, and refuse them if the outputs kept for later layers are too large."""
    layers[-1].training = True  # in training mode, a head outputs its maps, not boxes
    numbers = 0
    for layer, output in trunk.run(layers, picture):
        numbers += output.numel() if isinstance(output, Tensor) and layer.i in save else 0
        if numbers > MODEL_OUTPUTS:
            raise TintboxError(
                f"its layers would keep more than {MODEL_OUTPUTS:,} numbers of a {trunk.PROBE}x{trunk.PROBE} image"
            )
