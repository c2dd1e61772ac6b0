"""Darknet's `.cfg`: sections of ``key=value`` lines, one per layer of a network.

(The format is that of https://github.com/AlexeyAB/darknet: `src/parser.c`, the functions `parse_*`.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tintbox.errors import TintboxError, one_line
from tintbox.limits import ANCHORS, CHANNELS, DARKNET_LAYERS


def clip(text: object) -> str:
    """Return text of the file, shortened for an error message."""
    return one_line(text)[:80]


@dataclass
class Section:
    """A section of a `.cfg`."""

    kind: str
    line: int
    values: dict[str, str] = field(default_factory=dict)

    def fault(self, what: str) -> TintboxError:
        """Return an error that names this section."""
        return TintboxError(f"line {self.line}, [{clip(self.kind)}]: {what}")

    def number(self, key: str, default: float) -> float:
        """Return a number."""
        text = self.values.get(key, default)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.fault(f"{key}={clip(text)} is no number")
        return number

    def integer(self, key: str, default: int, least: int = 0, most: int = CHANNELS) -> int:
        """Return an integer within limits."""
        number = self.number(key, default)
        if number != int(number) or number < least:
            raise self.fault(f"{key}={number:g}, but {least} or more is needed")
        if number > most:
            raise self.fault(f"{key}={number:g}, but {most} is the most")
        return int(number)

    def numbers(self, key: str, default: str = "") -> list[float]:
        """Return numbers separated by commas."""
        texts = self.values.get(key, default).split(",")
        try:
            numbers = [float(text) for text in texts if text.strip()]
        except ValueError:
            numbers = [math.nan]
        if not all(map(math.isfinite, numbers)):
            raise self.fault(f"{key}={clip(','.join(texts))} are no numbers")
        if len(numbers) > ANCHORS:
            raise self.fault(f"{key} has {len(numbers)} numbers, {ANCHORS} are the most")
        return numbers

    def check_harmless(self, harmless: Mapping[str, float | str]) -> None:
        """Refuse keys with another value than the one that changes nothing."""
        for key, value in harmless.items():
            given = self.values.get(key, value) if isinstance(value, str) else self.number(key, value)
            if given != value:
                raise self.fault(f"there is no module for {key}={clip(self.values[key])}")


def parse(text: str) -> list[Section]:
    """Return the sections of a `.cfg`; the first one is [net].

    Raises:
        TintboxError: It is not a `.cfg`.
    """
    sections: list[Section] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].split(";")[0].strip()
        key, equals, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            sections.append(Section(line[1:-1].strip(), number))
        elif line and (not equals or not sections):
            raise TintboxError(f"line {number}, '{clip(line)}', is neither a [section] nor key=value")
        elif line:
            sections[-1].values[key.strip()] = value.strip()
        if len(sections) > DARKNET_LAYERS:
            raise TintboxError(f"more than {DARKNET_LAYERS:,} layers")
    if not sections or sections[0].kind not in ("net", "network"):
        raise TintboxError("no Darknet description: it does not begin with [net]")
    return sections
