"""The network of an anchor-based model, built from its YAML: a trunk with one of tintbox's heads."""

from __future__ import annotations

from typing import Any

from torch import nn
from ultralytics.nn.modules.conv import Concat
from ultralytics.utils import LOGGER

from tintbox import model_yaml
from tintbox.errors import TintboxError
from tintbox.plugins import trunk
from tintbox.plugins.anchor.head import HEADS
from tintbox.plugins.anchor.layers import DarknetConv, Shortcut

DARKNET: dict[str, type[nn.Module]] = {  # the layers of rows built from a Darknet `.cfg`
    **{kind.__name__: kind for kind in (DarknetConv, Shortcut, Concat)},
    **{f"nn.{kind.__name__}": kind for kind in (nn.Identity, nn.Upsample, nn.ConstantPad2d, nn.MaxPool2d, nn.Dropout)},
}


def build(spec: dict[str, Any], channels: int, verbose: bool = True) -> tuple[nn.Sequential, list[int]]:
    """Return a network's layers and the indices of those whose outputs later layers need, like Ultralytics' parser.

    Args:
        spec: The model's YAML, which is not modified. `nc` and `anchors` in the head's arguments refer to the entries
            of these names, as in classic YAMLs.
        channels: Number of input channels.
        verbose: Whether to log the parser's table.

    Raises:
        TintboxError: The anchors do not fit the head, a row names an unknown layer, or as in `model_yaml.check`.
    """
    *neck, (source, repeats, name, arguments) = spec["head"]
    rows = [*spec["backbone"], *neck]
    if any(row[2] in (DarknetConv.__name__, Shortcut.__name__) for row in rows):
        model_yaml.check(spec)
        layers, save, widths = darknet_layers(rows, channels, verbose)
        inputs = [widths[j] for j in source]
    else:
        parts = trunk.build(spec, channels, verbose)
        layers, save, inputs = parts.layers, parts.save, parts.channels
    entries = {"nc": spec["nc"], "anchors": spec.get("anchors")}
    arguments = [entries.get(a, a) if isinstance(a, str) else a for a in arguments] + [inputs]
    head = HEADS[name](*arguments)
    trunk.place(head, len(layers), source)
    if verbose:
        trunk.log_row(head, repeats, arguments)
    return nn.Sequential(*layers, head), sorted([*save, *trunk.sources(source, len(layers))])


def darknet_layers(rows: list[list[Any]], channels: int, verbose: bool) -> tuple[list[nn.Module], list[int], list[int]]:
    """Return a Darknet network's layers, the indices of those that later ones need, and every layer's channels.

    Ultralytics' parser is not used because it rounds channels to multiples of 8.
    """
    layers: list[nn.Module] = []
    save: list[int] = []
    widths: list[int] = []
    if verbose:
        LOGGER.info(trunk.TABLE_HEAD)
    for i, (source, repeats, name, arguments) in enumerate(rows):
        if name not in DARKNET:
            raise TintboxError(f"layer {i}: {name} is none of Darknet's layers, {', '.join(DARKNET)}")
        inputs = [widths[j] if widths else channels for j in ([source] if isinstance(source, int) else source)]
        arguments = [*inputs, *arguments] if name == DarknetConv.__name__ else list(arguments)
        layer: Any = DARKNET[name](*arguments)
        trunk.place(layer, i, source)
        if verbose:
            trunk.log_row(layer, repeats, arguments)
        save += trunk.sources(source, i)
        layers.append(layer)
        if name == DarknetConv.__name__:
            widths.append(layer.conv.out_channels)
        else:
            widths.append(sum(inputs) if name == Concat.__name__ else inputs[-1])
    return layers, save, widths
