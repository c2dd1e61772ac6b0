"""The YAML of a model: what may be handed to Ultralytics' parser, which evaluates a text of it and repeats its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tintbox.errors import TintboxError
from tintbox.limits import YAML_LAYERS

NUMBER = r"-?\d{1,4}(?:\.\d{1,8})?(?:e-?\d)?"
VALUE = rf"(?:{NUMBER}|True|False)"
# `nn.SiLU()`, `torch.nn.LeakyReLU(0.1, inplace=True)`: a class of torch.nn with numbers.
ACTIVATION = re.compile(rf"(?:torch\.)?nn\.[A-Z]\w{{0,30}}\((?:(?:\w{{1,20}}=)?{VALUE}(?:, ?)?){{0,4}}\)", re.ASCII)


def check(spec: Mapping[str, Any]) -> None:
    """Check a model's description before it is parsed.

    Raises:
        TintboxError: Its activation is no class of ``torch.nn`` with numbers, or it has too many layers.
    """
    activation = spec.get("activation")
    if activation and not (isinstance(activation, str) and ACTIVATION.fullmatch(activation.strip())):
        raise TintboxError(f"activation={str(activation)[:80]!r}: give a class of torch.nn, e.g. nn.LeakyReLU(0.1)")
    layers = 0
    for part in ("backbone", "head"):
        rows = spec.get(part)
        for row in rows if isinstance(rows, list) else []:
            repeats = row[1] if isinstance(row, (list, tuple)) and len(row) > 1 else 1
            layers += repeats if isinstance(repeats, int) else 1
    if layers > YAML_LAYERS:
        raise TintboxError(f"the model has {layers:,} layers, repeats counted; {YAML_LAYERS:,} are the most")
