"""Runs that differ only in their seed: the spread due to chance alone."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tintbox.errors import value_text
from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.reports.entries import Entry, argument, find_differing
from tintbox.studies.values import settings_text

# Arguments that affect where a run's files are or what is drawn, not what is learnt.
HOUSEKEEPING = {
    "name", "project", "save_dir", "exist_ok", "resume", "plots", "verbose", "save_json", "coco_eval", "save",
    "save_period", "workers", "device", "cfg", "mode",
}  # fmt: skip
SURE = 0.95  # confidence level for the difference of two settings


@dataclass(frozen=True)
class Setting:
    """Runs that differ only in their seed, or not at all.

    Attributes:
        title: The arguments in which it differs from the other settings.
        values: A number for each seed; the mean of its runs, as repeating a seed draws no other chance.
    """

    title: str
    entries: Sequence[Entry]
    values: Sequence[float]

    @property
    def mean(self) -> float:
        """The mean."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """The sample standard deviation, NaN for a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan


def find_varied(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return the arguments in which runs differ, without housekeeping, each with its values as text."""
    keys = dict.fromkeys(key for entry in entries for key in entry.run.arguments)
    return find_differing(entries, [key for key in keys if key not in HOUSEKEEPING])


def settings(entries: Sequence[Entry], values: Mapping[int, Estimate]) -> list[Setting]:
    """Return the runs by setting, best mean first; [] unless a setting has runs of several seeds with known numbers."""
    keys = [key for key in find_varied(entries) if key != "seed"]
    found: dict[tuple[str, ...], dict[str, list[Entry]]] = {}
    for entry in entries:
        own = tuple(value_text(argument(entry.run.arguments, key)) for key in keys)
        if not math.isnan(values[entry.index].value):
            seed = value_text(entry.run.arguments.get("seed"))
            found.setdefault(own, {}).setdefault(seed, []).append(entry)
    result = [
        Setting(
            settings_text(dict(zip(keys, own))) or "all runs",
            [entry for runs in seeds.values() for entry in runs],
            [statistics.fmean(values[entry.index].value for entry in runs) for runs in seeds.values()],
        )
        for own, seeds in found.items()
    ]
    if not any(len(setting.values) > 1 for setting in result):
        return []
    return sorted(result, key=lambda setting: -setting.mean)


def difference(first: Setting, second: Setting) -> Estimate | None:
    """Return first - second with Welch's interval, None if either has a single seed or there is no spread."""
    if len(first.values) < 2 or len(second.values) < 2 or not first.spread + second.spread > 0:
        return None
    from scipy.stats import ttest_ind

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of the two may be without spread
        interval = ttest_ind(first.values, second.values, equal_var=False).confidence_interval(SURE)
    return Estimate(first.mean - second.mean, float(interval.low), float(interval.high))
