"""Checks of a model's YAML before Ultralytics' parser gets it, which evaluates a string in it and repeats its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from tintbox.checks import is_number, is_whole
from tintbox.errors import TintboxError
from tintbox.limits import YAML_LAYERS

NUMBER = r"-?\d{1,4}(?:\.\d{1,8})?(?:e-?\d)?"
VALUE = rf"(?:{NUMBER}|True|False)"
# `nn.SiLU()`, `torch.nn.LeakyReLU(0.1, inplace=True)`: a class of torch.nn with literal numbers.
ACTIVATION = re.compile(rf"(?:torch\.)?nn\.[A-Z]\w{{0,30}}\((?:(?:\w{{1,20}}=)?{VALUE}(?:, ?)?){{0,4}}\)", re.ASCII)


def check(spec: Mapping[str, Any]) -> None:
    """Check a model's description before it is parsed.

    Raises:
        TintboxError: Its activation is not a class of ``torch.nn`` with numbers, or it has too many layers.
    """
    activation = spec.get("activation")
    if activation and not (isinstance(activation, str) and ACTIVATION.fullmatch(activation.strip())):
        raise TintboxError(f"activation={str(activation)[:80]!r}: give a class of torch.nn, e.g. nn.LeakyReLU(0.1)")
    scales = spec.get("scales")
    depths = [row[:1] for row in scales.values() if isinstance(row, list)] if isinstance(scales, Mapping) else []
    depth = max([1.0, *filter(is_number, [spec.get("depth_multiple"), *chain(*depths)])])
    rows = chain(*(part for part in (spec.get("backbone"), spec.get("head")) if isinstance(part, list)))
    repeats = [row[1] if isinstance(row, (list, tuple)) and len(row) > 1 else 1 for row in rows]
    layers = sum(n * depth if is_number(n, 1) else 1 for n in repeats)
    if layers > YAML_LAYERS:
        raise TintboxError(f"the model has {layers:,.0f} layers, repeats counted; {YAML_LAYERS:,} are the most")


def check_rows(spec: Mapping[str, Any]) -> None:
    """Check that the backbone and head of a model's YAML are lists of rows [from, repeats, module, arguments].

    Raises:
        TintboxError: They are not.
    """
    for part in ("backbone", "head"):
        rows = spec.get(part)
        for i, row in enumerate(rows if isinstance(rows, list) and rows else [None]):
            fits = isinstance(row, list) and len(row) == 4 and isinstance(row[2], str) and isinstance(row[3], list)
            sources = row[0] if fits and isinstance(row[0], list) else [row[0]] if fits else []
            if not (fits and is_whole(row[1], 1) and sources and all(map(is_whole, sources))):
                raise TintboxError(f"{part}, row {i}: {str(row)[:80]}: give [from, repeats, module, [arguments]]")
