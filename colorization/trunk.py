"""The trunk of a detector: backbone and neck as Ultralytics builds them from its YAML, without the detection head."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import parse_model, yaml_model_load

from tintbox import model_yaml
from tintbox.errors import TintboxError, one_line

PROBE = 256  # side of the picture that strides and channels are measured on


@dataclass
class Trunk:
    """The layers of a detector but the last.

    Attributes:
        layers: In order, each with Ultralytics' attributes ``i``, ``f`` and ``type``.
        save: Indices of the layers whose outputs are needed later.
        levels: Indices of the layers that the head reads.
        channels: Of each level.
        strides: Of each level.
    """

    layers: list[nn.Module]
    save: list[int]
    levels: list[int]
    channels: list[int]
    strides: list[int]


def load_base(base: str | Path | dict[str, Any], scale: str = "") -> dict[str, Any]:
    """Return the description of a detector from its YAML, at a scale.

    Args:
        base: The YAML's name, such as ``yolo11.yaml``, or its contents.
        scale: n, s, m, l or x, for a YAML that has scales and a name that has none.

    Raises:
        TintboxError: If there is no such YAML, it has no such scale, or is no detector's.
    """
    if isinstance(base, dict):
        return base
    name = Path(str(base))
    try:
        spec = yaml_model_load(name)
    except FileNotFoundError as error:
        raise TintboxError(f"base={base}: {one_line(error)}") from error
    scales = spec.get("scales") or {}
    if scales and not spec["scale"] and scale:
        if scale not in scales:
            raise TintboxError(f"base={base}: no scale '{scale}' ({', '.join(scales)})")
        spec["scale"] = scale
        spec["yaml_file"] = str(name.with_name(f"{name.stem}{scale}{name.suffix}"))
    try:
        last = spec["head"][-1][2]
    except (KeyError, IndexError, TypeError):
        raise TintboxError(f"base={base}: its YAML has no 'head' list; give a detector's, e.g. yolo11.yaml") from None
    from ultralytics.nn import tasks

    if not issubclass(getattr(tasks, str(last), nn.Module), Detect):
        raise TintboxError(f"base={base}: its last layer is {last}, not a detection head; give a detector's YAML")
    return spec


def check(base: dict[str, Any]) -> None:
    """Check a description before Ultralytics parses it, which evaluates its activation and calls what a row names.

    Raises:
        TintboxError: A row names no layer, or as `model_yaml.check`.
    """
    from ultralytics.nn import tasks

    model_yaml.check(base)
    for _, _, name, *_ in [*base["backbone"], *base["head"]]:
        layer = getattr(nn, str(name)[3:], None) if str(name).startswith("nn.") else getattr(tasks, str(name), None)
        if not (isinstance(layer, type) and issubclass(layer, nn.Module)):
            raise TintboxError(f"base: '{str(name)[:80]}' is no layer of Ultralytics or torch.nn")


def build(base: dict[str, Any], channels: int) -> Trunk:
    """Build the trunk of a detector, with fresh weights."""
    check(base)
    spec = deepcopy(base)
    *head, (levels, *_) = spec["head"]
    layers, save = parse_model({**spec, "head": head}, ch=channels, verbose=False)
    outputs: list[torch.Tensor] = []
    x: Any = torch.zeros(1, channels, PROBE, PROBE)
    layers.eval()  # the probe must leave the statistics of the BatchNorms alone
    with torch.no_grad():
        for layer in layers:
            if layer.f != -1:
                x = outputs[layer.f] if isinstance(layer.f, int) else [x if j == -1 else outputs[j] for j in layer.f]
            x = layer(x)
            outputs.append(x)
    layers.train()
    levels = [level % len(layers) for level in levels]
    strides = [PROBE // outputs[level].shape[-1] for level in levels]
    order = sorted(range(len(levels)), key=lambda i: strides[i])
    return Trunk(
        layers=list(layers),
        save=sorted({*save, *levels}),
        levels=[levels[i] for i in order],
        channels=[outputs[levels[i]].shape[1] for i in order],
        strides=[strides[i] for i in order],
    )
