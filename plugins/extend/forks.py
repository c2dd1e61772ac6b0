"""Where the new branch leaves the old network: the values of ``extend=``, and the layer that each refers to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tintbox.errors import TintboxError, suggest

DEFAULT = "backbone[5:]"  # the meaning of `true`
WORDS = {"head": "head", "neck": "neck", "slim": "neck"}  # -> the group that the branch begins with
SLIM_SHARE = 0.398  # share of the original's operations allowed for a slim branch; two fifths with its decoding
SLICE = re.compile(r"(backbone|neck)\[(-?\d+):\]")
HINT = "give true, head, slim, neck, or the layer from which on the new classes have their own, e.g. backbone[5:]"

BY_SIZE = (True, "slim")  # values that leave the choice of the levels to the sizes of the boxes


def check(value: Any) -> str | None:
    """Return what is wrong with a value of ``extend``, or None."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return HINT
    if value in WORDS or SLICE.fullmatch(value):
        return None
    if value == "backbone":
        return "nothing would be shared with the old network; give a layer to begin with, e.g. backbone[5:]"
    if re.fullmatch(r"\w+\[.*\]", value):
        return f"a branch goes on to the end, so write a group and its first layer, e.g. {DEFAULT}"
    return f"{HINT}{suggest(value, (*WORDS, 'backbone'))}"


def find(value: Any, groups: Mapping[str, range], title: str) -> int:
    """Return the index of the first layer that the new classes have to themselves.

    Args:
        value: Value of ``extend``, checked by `check`.
        groups: Group of the old network -> its layer indices.
        title: The network's name, for the error.

    Raises:
        TintboxError: There is no such layer, or nothing would be shared.
    """
    text = DEFAULT if value is True else str(value)
    if text in WORDS:
        return groups[WORDS[text]][0]
    found = SLICE.fullmatch(text)
    group, start = (found[1], int(found[2])) if found else ("", 0)
    layers = groups.get(group, range(0))
    if not -len(layers) <= start < len(layers):
        raise TintboxError(f"extend={value}: {group} has {len(layers)} layers in {title}")
    if layers[start] == 0:
        raise TintboxError(f"extend={value}: nothing would be shared with the old network; begin later, e.g. {DEFAULT}")
    return layers[start]


def room(value: Any) -> float | None:
    """Return the share of the original's operations that a branch may use, None if its layers are full copies."""
    return SLIM_SHARE if value == "slim" else None
