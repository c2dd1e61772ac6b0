"""Selectors: words that name parts of a model, and checks of the training arguments that contain them.

| selector | names |
|---|---|
| ``backbone``, ``neck``, ``head``, ``all`` | a group, by the lengths of the lists in the model's own YAML |
| ``backbone[:5]``, ``neck[-3:]``, ``all[4]`` | layers of a group, as Python slices a list |
| ``7`` | a layer |
| ``23.cv2``, ``model.23.cv2`` | a module or parameter |
| ``model.23.cv3.*.2.*`` | parameters by pattern; a pattern that ends at a module names everything below it |

A list is evaluated from left to right; an entry with a leading ``-`` (also the integer ``-9``) is removed from the
selection. Names match by whole components: ``model.1`` does not match ``model.10``. Nothing here imports torch or
Ultralytics, because the arguments are checked before either is needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tintbox.checks import is_number, is_whole, is_word
from tintbox.errors import counted, suggest, value_text

GROUPS = ("backbone", "neck", "head", "all")
SLICE = re.compile(r"(\w+)\[(-?\d+|)(?:(:)(-?\d+|))?\]")  # group, start or index, colon, stop
WORD = re.compile(r"[^\s,:{}()'\"]+")
EXAMPLE = "e.g. backbone, backbone[:5], 7, 23.cv2 or model.23.cv3.*"


def entries(value: Any) -> list[Any]:
    """Return a selector or a list of selectors as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def split(entry: str | int) -> tuple[bool, str]:
    """Return whether an entry excludes, and its selector without the minus sign."""
    text = str(entry).strip()
    return text.startswith("-"), text.removeprefix("-")


def is_policy(freeze: Any) -> bool:
    """Return whether a value of ``freeze`` is tintbox's; Ultralytics' own are integers and lists of integers."""
    return any(isinstance(entry, str) for entry in entries(freeze))


def is_active(arguments: Mapping[str, Any]) -> bool:
    """Return whether training arguments request anything that stock Ultralytics does not do."""
    return (
        arguments.get("freeze_bn", "auto") not in (None, "auto")
        or any(arguments.get(name) is not None for name in ("unfreeze", "lr_scale"))
        or is_policy(arguments.get("freeze"))
    )


def freezes(freeze: Any) -> bool:
    """Return whether a value of ``freeze`` names anything at all."""
    return freeze > 0 if isinstance(freeze, int) else bool(freeze)


def check_selectors(value: Any) -> str | None:
    """Return what is wrong with a selector or a list of them, or None."""
    if not (listed := entries(value)):
        return f"an empty list; give selectors, {EXAMPLE}"
    for entry in listed:
        if not isinstance(entry, str) and not is_whole(entry):
            return f"{entry!r} is not a selector; give one, {EXAMPLE}"
        word = split(entry)[1]
        slice_ = SLICE.fullmatch(word)
        if not slice_ and (not WORD.fullmatch(word) or "" in word.split(".") or ("[" in word and "." not in word)):
            hint = "; in a list, put quotes around 'backbone[:5]'" if word.startswith(("[", "{")) else ""
            if "," in word and not hint and (parts := [part.strip() for part in str(entry).split(",") if part.strip()]):
                return f"'{entry}' is not a selector; several of them are a list: {value_text(parts)}"
            return f"'{entry}' is not a selector; give one, {EXAMPLE}{hint}"
        if slice_ and slice_[1] not in GROUPS:
            return f"no group '{slice_[1]}' in '{entry}' ({', '.join(GROUPS)}){suggest(slice_[1], GROUPS)}"
        if slice_ and not slice_[3] and not slice_[2]:
            return f"'{entry}' has no layer number in its brackets; write {slice_[1]}[:5] or {slice_[1]}[0]"
    if split(listed[0])[0]:
        return f"'{listed[0]}' takes away from nothing; name first what it is taken from, e.g. [all, {listed[0]}]"
    return None


def check_freeze(value: Any) -> str | None:
    """Return what is wrong with a value of ``freeze``, or None; Ultralytics checks its own values itself."""
    numbers = entries(value)
    if all(isinstance(entry, int) for entry in numbers):
        negative = next((entry for entry in numbers if entry < 0), None)  # Ultralytics silently freezes nothing then
        return None if negative is None else f"no layer has the number {negative}; the last ones are all[{negative}:]"
    if not isinstance(value, (str, list, tuple)):
        return f"give a number of layers, a selector or a list of selectors, {EXAMPLE}"
    return check_selectors(value)


def check_unfreeze(value: Any) -> str | None:
    """Return what is wrong with a value of ``unfreeze``, or None."""
    if not isinstance(value, Mapping) or not value:
        return "give a mapping from epoch to selectors, e.g. {5: neck, 10: all}"
    for epoch, selectors in value.items():
        if isinstance(epoch, str) and selectors is None and ":" in epoch:
            return f"'{epoch}' needs a space after the colon, e.g. {{5: neck, 10: all}}"
        if isinstance(epoch, str):
            return f"epoch '{epoch}' is text, as all keys of JSON are; give a number"
        if not is_whole(epoch, 0) and not (isinstance(epoch, float) and 0 < epoch < 1):
            return f"epoch {epoch} is neither a whole number from 0 on nor a share of the run between 0 and 1"
        if wrong := check_selectors(selectors):
            return wrong
    return None


def check_freeze_bn(value: Any) -> str | None:
    """Return what is wrong with a value of ``freeze_bn``, or None."""
    return None if isinstance(value, bool) or is_word(value, ("auto",)) else "give auto, true or false"


def check_lr_scale(value: Any) -> str | None:
    """Return what is wrong with a value of ``lr_scale``, or None."""
    if isinstance(value, Mapping) and value:
        for selector, factor in value.items():
            if wrong := check_selectors(selector):
                return wrong
            if not is_number(factor, 1e-6, 1e6):
                hint = "; to train nothing there, use freeze" if factor == 0 else ""
                return f"the factor of '{selector}' is a number from 1e-6 to 1e6, not {factor}{hint}"
        return None
    if is_number(value, 0.1, 1):
        return None
    return "give a mapping from selector to factor, e.g. {backbone: 0.1}, or one number d from 0.1 to 1, e.g. 0.9"


CHECKS = {
    "freeze": check_freeze,
    "unfreeze": check_unfreeze,
    "freeze_bn": check_freeze_bn,
    "lr_scale": check_lr_scale,
}
ARGUMENTS = tuple(CHECKS)


def check_together(arguments: Mapping[str, Any]) -> str | None:
    """Return an error if ``freeze``, ``unfreeze``, ``epochs`` and ``time`` do not fit together, else None."""
    unfreeze, epochs = arguments.get("unfreeze"), arguments.get("epochs")
    if not unfreeze:
        return None
    if not freezes(arguments.get("freeze")):
        return f"unfreeze={value_text(unfreeze)}: nothing is frozen; say what, e.g. freeze=backbone"
    if epochs and not arguments.get("time") and any(epoch >= epochs for epoch in unfreeze):
        return f"unfreeze={value_text(unfreeze)}: the run has {counted(epochs, 'epoch')}"
    return None
