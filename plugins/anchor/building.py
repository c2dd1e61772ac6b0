"""A detector's model, made of a description: tried without memory first, so that no file can ask for more than it has.

PyTorch's "meta" device computes shapes only. What a description would make is known there before any of it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from tintbox.errors import TintboxError, one_line
from tintbox.limits import MODEL_OUTPUTS
from tintbox.plugins import trunk

# What parsing a description raises whose layers do not fit each other.
MISFIT = (
    RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, NameError,
    SyntaxError, MemoryError,
)  # fmt: skip


def shapes(description: Mapping[str, Any], channels: int) -> dict[str, torch.Size]:
    """Return the shapes of a model's weights by their names in its `state_dict`.

    Args:
        description: A model's YAML; it stays as it is.
        channels: Of a picture.

    Raises:
        TintboxError: Its layers do not fit each other, or put out more than `limits.LAYER_OUTPUT` numbers.
    """
    from ultralytics.nn import tasks

    with torch.device("meta"), torch.no_grad(), DefaultActivation():
        try:
            layers, save = tasks.parse_model(deepcopy(dict(description)), channels, verbose=False)
            with trunk.watch_limits(layers):
                _forward(layers.eval(), save, torch.zeros(1, channels, trunk.PROBE, trunk.PROBE))
        except TintboxError:
            raise
        except MISFIT as error:
            raise TintboxError(f"its layers do not fit each other ({one_line(error)[:200]})") from None
        return {f"model.{name}": tensor.shape for name, tensor in layers.state_dict().items()}


def build(description: Mapping[str, Any], channels: int) -> nn.Module:
    """Return the model, with fresh weights; `shapes` comes first.

    Raises:
        TintboxError: It cannot be built.
    """
    from ultralytics.nn.tasks import DetectionModel

    with DefaultActivation():
        try:
            return DetectionModel(deepcopy(dict(description)), ch=channels, verbose=False)
        except TintboxError:
            raise
        except MISFIT as error:
            raise TintboxError(f"its layers do not fit each other ({one_line(error)[:200]})") from None


class DefaultActivation:
    """Keeps Ultralytics' default activation, which its parser changes for the whole process until it is done."""

    def __enter__(self) -> None:
        from ultralytics.nn.modules.conv import Conv

        self.activation = Conv.default_act

    def __exit__(self, *error: object) -> None:
        from ultralytics.nn.modules.conv import Conv

        Conv.default_act = self.activation


def _forward(layers: Any, save: list[int], x: Any) -> None:
    """Run layers as Ultralytics does, and refuse to keep too much of what they put out."""
    layers[-1].training = True  # a head in training has its maps for output, not boxes
    kept: list[Any] = []
    numbers = 0
    for layer in layers:
        if layer.f != -1:
            x = kept[layer.f] if isinstance(layer.f, int) else [x if j == -1 else kept[j] for j in layer.f]
        x = layer(x)
        kept.append(x if layer.i in save else None)
        numbers += x.numel() if isinstance(x, Tensor) and layer.i in save else 0
        if numbers > MODEL_OUTPUTS:
            raise TintboxError(
                f"its layers would keep more than {MODEL_OUTPUTS:,} numbers of a {trunk.PROBE}x{trunk.PROBE} picture"
            )
