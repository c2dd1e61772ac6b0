"""Transfer of an anchor head's weights to a head with other classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from ultralytics.utils import LOGGER

from tintbox.plugins.anchor.boxes import as_lists
from tintbox.plugins.anchor.head import AnchorDetect

OTHERS = 5  # rows of an anchor before its class rows: x, y, w, h, objectness


def class_rows(model: Any, state: dict[str, Tensor], source: Any, verbose: bool = True) -> int:
    """Copy a head's weights into a model with other classes: boxes, objectness, and classes with the same name.

    Does nothing if the classes are equal or the heads do not fit.

    Args:
        model: The model to fill, in place.
        state: The weights of ``source``; copied entries are removed.
        source: The model with these weights.
        verbose: Whether to log the outcome.

    Returns:
        The number of tensors filled.
    """
    head, old = model.model[-1], getattr(source, "model", [None])[-1]
    if not isinstance(head, AnchorDetect) or not isinstance(old, AnchorDetect) or head.na != old.na:
        return 0
    rows = matching_rows(getattr(source, "names", None), getattr(model, "names", None), old.nc, head.nc)
    if rows is None:
        return 0
    filled, last = 0, len(model.model) - 1
    own = model.state_dict()
    for level, convolution in enumerate(head.m):
        for name, tensor in convolution.named_parameters():
            key = f"model.{last}.m.{level}.{name}"
            given = state.get(f"model.{len(source.model) - 1}.m.{level}.{name}")
            if given is None or given.shape[1:] != tensor.shape[1:]:
                continue
            to = own[key].view(head.na, head.no, *tensor.shape[1:])
            given = given.view(old.na, old.no, *tensor.shape[1:]).to(to)
            to[:, :OTHERS] = given[:, :OTHERS]
            for row, from_ in rows.items():
                to[:, OTHERS + row] = given[:, OTHERS + from_]
            state.pop(key, None)  # otherwise it would be copied again, in the old order
            filled += 1
    if verbose and filled:
        LOGGER.info(
            f"head: {old.nc} classes -> {head.nc}: class rows are re-made, {len(rows)} of them taken over by name; "
            "box and objectness rows are kept"
        )
    return filled


def matching_rows(old: Any, new: Any, old_nc: int, new_nc: int) -> dict[int, int] | None:
    """Return new class -> old class of the same name, or None if the classes are equal, judging by their names."""
    rows: dict[int, int] = {}
    if _has_names(old) and _has_names(new):
        index = {str(name).strip().lower(): i for i, name in old.items() if i < old_nc}
        found = {i: index.get(str(name).strip().lower()) for i, name in new.items() if i < new_nc}
        rows = {i: j for i, j in found.items() if j is not None}
    same = old_nc == new_nc and (not rows or rows == {i: i for i in range(new_nc)})
    return None if same else rows


def _has_names(names: Any) -> bool:
    """Return whether there are real names; Ultralytics' placeholders are the indices."""
    return isinstance(names, Mapping) and any(str(i) != str(name) for i, name in names.items())


def set_anchors(model: Any, anchors: Any) -> None:
    """Set a model's anchors, both in its head and in the YAML that it is rebuilt from."""
    model.model[-1].set_anchors(anchors)
    model.yaml["anchors"] = as_lists(anchors)
