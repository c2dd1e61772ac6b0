"""Transfer of weights between a detector and a colouriser built on the same backbone and neck, in either direction.

Layers have the same positions and names on both sides, so a tensor is copied where name and shape agree; the last
layer, which is the head on either side, is never copied. A pair that does not fit is refused before anything is copied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from ultralytics.utils import LOGGER, RANK

from tintbox import checkpoint_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError
from tintbox.plugins.autoload import TASK
from tintbox.plugins.freeze import selection

MARK = "tintbox_statistics"  # attribute of a detector whose BatchNorm statistics are those of grey images
NAMED = 3  # tensors named in an error
FAMILIES = re.compile(r"yolo(?:v8|11|26)[nsmlx]|yolov3-tiny")  # detectors for which a colouriser YAML is shipped


@dataclass
class Match:
    """What a source can provide for a target, both without their last layers.

    Attributes:
        taken: Names of the tensors that match, in the target's order.
        wanted: Names of all the target's tensors.
        differing: A line for each of the target's backbone tensors that does not match: its name and both shapes.
    """

    taken: list[str]
    wanted: list[str]
    differing: list[str]


def is_colouriser(model: Any) -> bool:
    """Return whether a network is a colouriser."""
    return isinstance(model, nn.Module) and getattr(model, "task", None) == TASK


def is_seed(model: Any) -> bool:
    """Return whether a network is a colouriser with its own architecture, not built on a detector."""
    return is_colouriser(model) and "network" in model.yaml


def hand_over(target: nn.Module, weights: Any) -> bool:
    """Copy the weights that a colouriser and a detector share, if one is being loaded into the other.

    ``weights`` is a network, or a checkpoint containing one.

    Returns:
        Whether that was the case; anything else is left to Ultralytics.

    Raises:
        TintboxError: If a colouriser is on either side and the two do not fit.
    """
    source = checkpoint_file.network_of(weights)
    if not isinstance(source, nn.Module):
        return False
    if is_colouriser(source) != is_colouriser(target):
        take_over(target, source, label_of(source))
        return True
    check_pair(source, target, label_of(source))
    if hasattr(source, MARK):  # a detector that was handed a backbone and has not trained since
        setattr(target, MARK, getattr(source, MARK))
    return False


def compare(source: nn.Module, target: nn.Module) -> Match:
    """Return which of the target's tensors the source has with the same shape, without the last layer.

    Necks may diverge at some layer; from there on equal shapes are a coincidence, and nothing is copied.
    """
    have, want = trunk_state(source), trunk_state(target)
    backbone = set(selection.groups(target).get("backbone", range(len(target.model) - 1)))  # type: ignore[arg-type]
    agreeing, differing, ends = [], [], len(target.model)  # type: ignore[arg-type]
    for name, tensor in want.items():
        layer = selection.layer_of(name)
        if name in have and have[name].shape == tensor.shape:
            agreeing.append((layer, name))
        elif layer in backbone:
            there = shape(have[name]) if name in have else "none"
            differing.append(f"{name} {there} against {shape(tensor)}")
        elif layer is not None:
            ends = min(ends, layer)
    taken = [name for layer, name in agreeing if layer is not None and layer < ends]
    return Match(taken, list(want), differing)


def trunk_state(model: nn.Module) -> dict[str, Any]:
    """Return a model's state without its last layer's tensors."""
    last = len(model.model) - 1  # type: ignore[arg-type]  # Ultralytics' models keep their layers in a list
    return {name: tensor for name, tensor in model.state_dict().items() if selection.layer_of(name) in range(last)}


def shape(tensor: Any) -> str:
    """Return a tensor's shape as ``16x3x3x3``; a number is ``1``."""
    return "x".join(map(str, tensor.shape)) or "1"


def check(source: nn.Module, target: nn.Module, label: str) -> Match:
    """Return what can be copied.

    Raises:
        TintboxError: If either is a seed network, or the backbones differ, naming the first three tensors that do.
    """
    if is_seed(source) or is_seed(target):
        does = "is a colouriser of another kind" if is_colouriser(source) else "is not a colouriser's checkpoint"
        raise TintboxError(f"{label} {does}: nothing of {title(source)} fits {title(target)}; {remedy(source, target)}")
    match = compare(source, target)
    if match.differing or not match.taken:
        kind = "colouriser" if is_colouriser(source) else "detector"
        count = len(match.taken) + len(match.differing)
        named = ", ".join(match.differing[:NAMED]) or "none is left"
        raise TintboxError(
            f"{label}: a {kind} of {title(source)} does not fit {title(target)}: {len(match.differing)} of {count} "
            f"tensors differ, e.g. {named}; {remedy(source, target)}"
        )
    return match


def remedy(source: nn.Module, target: nn.Module) -> str:
    """Return what to do about a pair that does not fit."""
    if not is_colouriser(source):
        return f"give the weights of {title(target)}"
    if family := FAMILIES.match(title(target)):
        return f"train one with `yolo colorize train model={family[0]}-colorize.yaml`"
    return "train one on its own YAML, as `base:` in a copy of yolo11-colorize.yaml"


def title(model: nn.Module) -> str:
    """Return a model's name; for a colouriser, the name of its base or of its network."""
    spec = getattr(model, "yaml", None) or {}
    if isinstance(spec.get("base"), dict):
        return Path(str(spec["base"].get("yaml_file", "its base"))).stem
    return str(spec["network"]) if "network" in spec else selection.title(model)


def take_over(target: nn.Module, source: nn.Module, label: str) -> None:
    """Copy backbone and neck from the source and log in one line how much that was.

    Raises:
        TintboxError: If the backbones differ.
    """
    match = check(source, target, label)
    state = source.float().state_dict()
    target.load_state_dict({name: state[name] for name in match.taken}, strict=False)
    setattr(target, "pt_path", getattr(source, "pt_path", None))  # noqa: B010  as Ultralytics' own loading does
    if is_colouriser(source) and not is_colouriser(target):
        setattr(target, MARK, "grey")
    if RANK in {-1, 0}:
        LOGGER.info(f"tintbox: {report(target, match)} from {label}; the head is new")


def report(target: nn.Module, match: Match) -> str:
    """Return ``took over 433 of 433 tensors of backbone and neck``, by group."""
    parts = []
    taken = set(match.taken)
    for group, layers in selection.groups(target).items():
        names = [name for name in match.wanted if selection.layer_of(name) in layers]
        if names and group not in ("head", "all"):
            parts.append(f"{sum(name in taken for name in names)} of {len(names)} in the {group}")
    by_group = f" ({', '.join(parts)})" if parts else ""
    return f"took over {len(match.taken)} of {len(match.wanted)} tensors{by_group}"


def label_of(model: nn.Module) -> str:
    """Return a label of the weights for error messages: their file, if there is one."""
    file = getattr(model, "pt_path", None)
    return f"pretrained={Path(str(file)).name}" if file else "the pretrained weights"


def check_pretrained(model: nn.Module, file: str | Path) -> None:
    """Check a checkpoint against the model before a run's folder is created, if either is a colouriser.

    Raises:
        TintboxError: If the two do not fit.
    """
    if not is_there(Path(file)):
        return
    if is_colouriser(model) or checkpoint_file.mentions(Path(file), b"tintbox.colorization.model"):
        from ultralytics.nn.tasks import load_checkpoint

        check_pair(load_checkpoint(file)[0], model, f"pretrained={file}")


def check_pair(source: nn.Module, target: nn.Module, label: str) -> None:
    """Check that weights fit a model, if either is a colouriser; for two seed networks Ultralytics loads what fits.

    Raises:
        TintboxError: If a colouriser is on either side and the two do not fit.
    """
    if (is_colouriser(source) or is_colouriser(target)) and not (is_seed(source) and is_seed(target)):
        check(source, target, label)
