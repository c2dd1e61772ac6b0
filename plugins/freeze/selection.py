"""Resolution of selectors to a model's parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Sized
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, suggest, value_text
from tintbox.plugins.freeze.selectors import GROUPS, SLICE, entries, split


def groups(model: Any) -> dict[str, range]:
    """Return group -> indices of its layers in ``model.model``; only ``all`` if the YAML has no such lists.

    For networks other than Ultralytics', which have no numbered layers, ``all`` is the only group and is empty.
    """
    if own := getattr(model, "selector_groups", None):  # extended models, whose old part cannot be selected
        return own()
    layers = getattr(model, "model", None)
    if not isinstance(layers, Sized):
        return {"all": range(0)}
    spec, count = getattr(model, "yaml", None) or {}, len(layers)
    spec = spec["base"] if isinstance(spec.get("base"), dict) else spec  # colourisers based on a detector
    found = {"all": range(count)}
    if "backbone" in spec and "head" in spec:
        split_ = min(len(spec["backbone"]), count - 1)
        found = {"backbone": range(split_), "neck": range(split_, count - 1), "head": range(count - 1, count), **found}
    return {name: indices for name, indices in found.items() if indices}


def title(model: Any) -> str:
    """Return a model's name, e.g. ``yolo11n``."""
    return Path(str((getattr(model, "yaml", None) or {}).get("yaml_file") or type(model).__name__)).stem


def held(model: Any) -> frozenset[str]:
    """Return the names of a model's parameters that never train: those in the old part of an extended model."""
    own = getattr(model, "held_parameters", None)
    return own() if own else frozenset()


def layer_of(name: str) -> int | None:
    """Return the layer index of a parameter ``model.<index>...``, or None."""
    parts = name.split(".")
    return int(parts[1]) if parts[0] == "model" and len(parts) > 1 and parts[1].isdigit() else None


def first_names(model: Any) -> dict[str, str]:
    """Return name -> the name by which it counts, the first one: a parameter that modules share has several."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(p), name) for name, p in model.named_parameters(remove_duplicate=False)}


def select(model: Any, value: Any, label: str = "") -> list[str]:
    """Return the names of the parameters that selectors name, in the model's order.

    Args:
        model: An unwrapped network. Ultralytics' have layers in ``model.model`` and a description in ``model.yaml``.
        value: A selector or a list of them, checked by `check_selectors`.
        label: Start of an error message; by default ``freeze='backbone'`` with the invalid entry.

    Raises:
        TintboxError: A selector names nothing, or nothing with parameters is left.
    """
    names = first_names(model)
    chosen: set[str] = set()
    for entry in entries(value):
        away, word = split(entry)
        found = {names[name] for name in _match(model, names, word, label or f"freeze={entry!r}")}
        chosen = chosen - found if away else chosen | found
    if still := chosen & held(model):
        raise TintboxError(
            f"{label or f'freeze={value_text(value)}'}: {min(still)} is of the old model, which stays as it is; "
            f"name parts of the new branch ({', '.join(groups(model))})"
        )
    if not chosen:
        raise TintboxError(f"{label or f'freeze={value_text(value)}'}: that leaves no parameter of {title(model)}")
    return [name for name in dict.fromkeys(names.values()) if name in chosen]


def _match(model: Any, names: Collection[str], word: str, label: str) -> set[str]:
    """Return the parameters that one selector without minus sign names; empty for a layer without parameters."""
    known, where, children = groups(model), title(model), dict(model.named_children())
    slice_ = SLICE.fullmatch(word)
    group = slice_[1] if slice_ else word
    if slice_ or group in GROUPS or re.fullmatch(r"\w*[^\W\d]\w*", word):  # a word that is not a number
        if group == "all" and not slice_:
            return set(names) - held(model)
        if group in known:
            layers = _slice(known[group], slice_) if slice_ else known[group]
            if not layers:
                raise TintboxError(f"{label}: {group} has {len(known[group])} layers in {where}")
            return {name for name in names if layer_of(name) in layers} - held(model)
        if word not in children:
            there = [*known, *(() if "model" in children else children)]
            hint = suggest(group, there)
            if group in GROUPS and hasattr(model, "selector_groups"):
                hint = ": its branch shares it; leave it out, or with cfg= add freeze=None unfreeze=None lr_scale=None"
            raise TintboxError(f"{label}: no such group in {where} ({', '.join(there)}){hint}")
    if word.isdigit() and word not in children and int(word) not in known["all"]:
        if not known["all"]:
            raise TintboxError(f"{label}: {where} has no numbered layers; name its modules ({', '.join(children)})")
        raise TintboxError(f"{label}: no layer {word} in {where} ({known['all'][0]} to {known['all'][-1]})")
    return _below(model, names, word, label)


def _slice(layers: range, slice_: re.Match[str]) -> range:
    """Return the layers that a slice or index selects; an empty range for an index beyond the group."""
    start, colon, stop = slice_[2], slice_[3], slice_[4]
    if colon:
        return layers[int(start) if start else None : int(stop) if stop else None]
    index = int(start) % len(layers) if -len(layers) <= int(start) < len(layers) else len(layers)
    return layers[index : index + 1]


def _below(model: Any, names: Collection[str], word: str, label: str) -> set[str]:
    """Return the parameters at or below the modules that match a dotted name or pattern."""
    parts = word.split(".")
    children = dict(model.named_children())
    if parts[0] not in children and "model" in children:
        parts = ["model", *parts]

    def matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
        return len(path) >= len(pattern) and all(map(fnmatchcase, path, pattern))

    paths = {name: name.split(".") for name in names}
    if found := {name for name, path in paths.items() if matches(path, parts)}:
        return found
    modules = [name.split(".") for name, _ in model.named_modules() if name]
    if any(matches(path, parts) for path in modules):
        return set()
    everything = [*modules, *paths.values()]
    depth = next(i for i in range(len(parts)) if not any(matches(path, parts[: i + 1]) for path in everything))
    inside = [path for path in everything if len(path) > depth and matches(path, parts[:depth])]
    there = list(dict.fromkeys(path[depth] for path in inside))
    what = f"{'.'.join(parts[:depth])} has {', '.join(there) or 'no parts'}"
    raise TintboxError(f"{label}: no such name in {title(model)}; {what}{suggest(parts[depth], there)}")
