"""The freeze schedule of a run as bars over its epochs, showing what trained when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tintbox import json_file, limits
from tintbox.errors import value_text
from tintbox.reports.entries import Entry
from tintbox.run_arguments import FREEZE
from tintbox.studies.values import settings_text

ALL = 0.999  # share of a group's parameters that counts as all: Ultralytics always freezes 16 in a head


@dataclass(frozen=True)
class Segment:
    """A stretch of epochs in which nothing changed.

    Attributes:
        width: Its share of the run in percent.
        kind: ``"frozen"``, ``"trained"``, or ``"part"``.
        text: Its label.
    """

    width: float
    kind: str
    text: str


@dataclass(frozen=True)
class Bar:
    """A group of layers over the epochs."""

    group: str
    parameters: str
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Schedule:
    """What trained when in a run."""

    name: str
    run: int
    arguments: str
    epochs: int
    bars: Sequence[Bar]


def schedules(entries: Sequence[Entry]) -> tuple[list[Schedule], list[str]]:
    """Return the schedules of runs that have one, and notes on runs that froze layers but recorded none."""
    found, notes = [], []
    for entry in entries:
        with suppress(OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            found.append(schedule(entry, json_file.read(entry.run.folder / FREEZE, limits.FREEZE_BYTES)))
            continue
        freeze = entry.run.arguments.get("freeze")
        if freeze is not None:
            notes.append(f"{entry.name}: freeze={value_text(freeze)}; no {FREEZE} says what trained when.")
    return found, notes


def schedule(entry: Entry, freeze: Mapping[str, Any]) -> Schedule:
    """Return a run's schedule from the content of its ``freeze.json``.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, ArithmeticError: That is not what tintbox writes.
    """
    stages, epochs = freeze["stages"], int(freeze["epochs"])
    if epochs < 1:
        raise ValueError("no epochs")
    starts = [int(stage["epoch"]) for stage in stages]
    ends = [*starts[1:], epochs]
    bars = []
    for place, group in enumerate(stages[0]["groups"]):
        segments = []
        for start, end, stage in zip(starts, ends, stages):
            if end <= start:  # the run's `time` ran out before
                continue
            kind, words = state(stage["groups"][place])
            when = str(end) if end - start == 1 else f"{start + 1}–{end}"
            segments.append(Segment(100 * (end - start) / epochs, kind, f"{when}: {words}"))
        bars.append(Bar(str(group["group"]), f"{int(group['parameters']):,}", segments))
    given = (freeze.get("arguments") or {}).items()
    words = settings_text({key: value_text(value) for key, value in given if value is not None})
    return Schedule(entry.name, entry.index, words, epochs, bars)


def state(group: Mapping[str, Any]) -> tuple[str, str]:
    """Return whether a group trains, and the same as text with its learning-rate factors."""
    total, trained = int(group["parameters"]), int(group["trained"])
    if not total:
        return "frozen", "no parameters"
    if not trained:
        return "frozen", "frozen"
    factors = [f"{float(factor):.3g}" for factor in group.get("lr_factors") or () if float(factor) != 1.0]
    rate = f", rate × {' to '.join(dict.fromkeys((factors[0], factors[-1])))}" if factors else ""
    if trained >= ALL * total:
        return "trained", f"trains{rate}"
    return "part", f"{100 * trained / total:.0f}% trains{rate}"
