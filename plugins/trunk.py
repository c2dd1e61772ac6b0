"""The trunk of a detector, backbone and neck, built from its YAML by Ultralytics' parser for one of tintbox's heads.

The stock parser has a fixed list of heads that it can build, and accepts no others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain
from types import NoneType
from typing import Any

import torch
from torch import nn
from ultralytics.nn import tasks
from ultralytics.utils import LOGGER

from tintbox import model_yaml
from tintbox.errors import TintboxError, one_line
from tintbox.limits import LAYER_OUTPUT

TABLE_HEAD = f"\n{'':>3}{'from':>20}{'n':>3}{'params':>10}  {'module':<45}{'arguments':<30}"  # of the parser's table
WHOLE = (tasks.BaseModel, tasks.Ensemble)  # models, not layers; each would parse a YAML of its own, unchecked
PROBE = 256  # side of the image on which strides and channels are measured

# Exceptions raised when parsing a description whose layers do not fit together.
MISFIT = (
    RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, NameError,
    SyntaxError, MemoryError,
)  # fmt: skip


@dataclass
class Trunk:
    """The layers of a detector except the last.

    Attributes:
        layers: The layers in order, each with Ultralytics' attributes ``i``, ``f``, ``type`` and ``np``.
        save: Indices of the layers whose outputs later layers need.
        levels: Indices of the layers that the head reads.
        channels: Channels of each level.
        strides: Stride of each level.
    """

    layers: list[nn.Module]
    save: list[int]
    levels: list[int]
    channels: list[int]
    strides: list[int]

    def by_stride(self) -> Trunk:
        """Return the same trunk with its levels sorted by stride, smallest first."""
        order = sorted(range(len(self.levels)), key=lambda i: self.strides[i])
        ordered = {name: [getattr(self, name)[i] for i in order] for name in ("levels", "channels", "strides")}
        return replace(self, **ordered)


def check(spec: dict[str, Any]) -> None:
    """Check a model's YAML before Ultralytics parses it, which evaluates its activation and calls what rows name.

    Raises:
        TintboxError: A row does not name a layer or has an argument that no layer takes, or as in `model_yaml.check`.
    """
    model_yaml.check(spec)
    model_yaml.check_rows(spec)
    for _, _, name, arguments in [*spec["backbone"], *spec["head"][:-1]]:
        layer = getattr(nn, str(name)[3:], None) if str(name).startswith("nn.") else getattr(tasks, str(name), None)
        if not (isinstance(layer, type) and issubclass(layer, nn.Module)) or issubclass(layer, WHOLE):
            raise TintboxError(f"'{str(name)[:80]}' is no layer of Ultralytics or torch.nn")
        values = chain(*(value if isinstance(value, list) else [value] for value in arguments))
        if wrong := [value for value in values if not isinstance(value, (bool, int, float, str, NoneType))]:
            raise TintboxError(f"{name}: argument {str(wrong[0])[:80]}: give numbers, names, or a list of them")


def build(spec: dict[str, Any], channels: int, verbose: bool = False) -> Trunk:
    """Build the trunk of a detector, newly initialised.

    Args:
        spec: The detector's YAML, whose last row is the head; not modified.
        channels: Input channels.
        verbose: Whether the parser logs its table.

    Raises:
        TintboxError: The layers do not fit each other, or as in `check`.
    """
    check(spec)
    *neck, (levels, *_) = spec["head"]
    with explained_misfits():
        parsed, save = tasks.parse_model(deepcopy({**spec, "head": neck}), ch=channels, verbose=verbose)
        shapes = output_shapes(parsed, channels)
    layers = list(parsed)
    levels = [level % len(layers) for level in (levels if isinstance(levels, list) else [levels])]
    return Trunk(
        layers=layers,
        save=save,
        levels=levels,
        channels=[shapes[level][1] for level in levels],
        strides=[PROBE // shapes[level][-1] for level in levels],
    )


def output_shapes(layers: nn.Sequential, channels: int) -> list[torch.Size]:
    """Return the shape of every layer's output, for an image of `PROBE` x `PROBE` pixels."""
    layers.eval()  # the probe must not change BatchNorm statistics
    with torch.no_grad(), watch_limits(layers):
        shapes = [output.shape for _, output in run(layers, torch.zeros(1, channels, PROBE, PROBE))]
    layers.train()
    return shapes


def run(layers: nn.Sequential, x: Any) -> Iterator[tuple[Any, Any]]:
    """Run the layers as Ultralytics does, and yield each with its output."""
    outputs: list[Any] = []
    layer: Any
    for layer in layers:
        if layer.f != -1:
            x = outputs[layer.f] if isinstance(layer.f, int) else [x if j == -1 else outputs[j] for j in layer.f]
        x = layer(x)
        outputs.append(x)
        yield layer, x


@contextlib.contextmanager
def watch_limits(layers: nn.Module) -> Iterator[None]:
    """Limit the output size of layers for an image of `PROBE` x `PROBE` pixels.

    Raises:
        TintboxError: A layer outputs more than `limits.LAYER_OUTPUT` numbers.
    """

    def check_output(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.numel() > LAYER_OUTPUT:
            kind, shape = type(module).__name__, "x".join(map(str, output.shape[1:]))
            raise TintboxError(f"a layer {kind} would make {shape} numbers of a {PROBE}x{PROBE} image")

    # The default activation is one module shared by all models: a hook left on it would run in every other model.
    hooks = [module.register_forward_hook(check_output) for module in layers.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def explained_misfits() -> Iterator[None]:
    """Report layers that do not fit together in one line."""
    try:
        yield
    except TintboxError:
        raise
    except MISFIT as error:
        raise TintboxError(f"its layers do not fit each other ({one_line(error)[:200]})") from None


def place(layer: Any, index: int, source: int | list[int]) -> None:
    """Set the attributes that Ultralytics' parser sets on a layer: index, input index, type and parameter count."""
    layer.i, layer.f, layer.type = index, source, f"{type(layer).__module__}.{type(layer).__qualname__}"
    layer.np = sum(p.numel() for p in layer.parameters())


def log_row(layer: Any, repeats: int, arguments: list[Any]) -> None:
    """Log a layer as a row of the parser's table."""
    LOGGER.info(f"{layer.i:>3}{layer.f!s:>20}{repeats:>3}{layer.np:10.0f}  {layer.type:<45}{arguments!s:<30}")


def sources(source: int | list[int], index: int) -> list[int]:
    """Return the layers whose outputs layer ``index`` needs, other than the one right before it."""
    return [j % index for j in ([source] if isinstance(source, int) else source) if j != -1]
