"""The verdict at the top: which run is best by which number, and whether that may be chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tintbox.errors import value_text
from tintbox.plugins.coco_eval.bootstrap import Estimate, is_sure
from tintbox.plugins.coco_eval.tables import DIGITS, digits_of, number, span
from tintbox.reports import pairs, seeds
from tintbox.reports.entries import Entry, Section
from tintbox.reports.metrics import Criterion, other_data

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation


FEW = 4  # maximum number of runs named in a sentence
NO_EFFECT = "Their numbers are the same in every epoch: what differs between them had no effect."


def round_value(value: float) -> float:
    """Round a number as it is shown; zero has no sign."""
    return round(value, DIGITS) + 0.0


def are_equal(one: float, two: float) -> bool:
    """Return whether two numbers look equal when shown, or their difference rounds to zero."""
    return round_value(one) == round_value(two) or round_value(one - two) == 0


def text(value: Estimate, digits: int = DIGITS, sign: str = "") -> str:
    """Return a number with its interval, if it has one."""
    return f"{number(value.value, sign, digits)} {span(value.bounds, sign, digits)}".strip()


def gap_text(gap: Estimate) -> str:
    """Return a difference with its interval, as `tintbox compare` shows it."""
    return text(gap, digits_of(gap.bounds), "+")


def percent(level: float) -> str:
    """Return a confidence level in the form ``95%``."""
    return f"{100 * level:g}%"


def verdict(
    section: Section, criterion: Criterion, kept: Mapping[int, Evaluation], settings: Sequence[seeds.Setting]
) -> tuple[str, str]:
    """Return which run of a section is best, and whether that may be chance, in two sentences; one may be empty.

    ``kept`` are resampled evaluations by run index, of runs whose predictions were saved; ``settings`` the runs by
    setting, if there are several seeds.
    """
    known = [entry for entry in section.entries if not math.isnan(criterion.values[entry.index].value)]
    if not known:
        return f"No run has a {criterion.title}.", ""
    if len(section.entries) == 1:
        return f"{known[0].name} has {criterion.title} {text(criterion.values[known[0].index])}.", state(known)
    if differ := other_data(section):
        words = "; ".join(f"{key}: {', '.join(values)}" for key, values in differ.items())
        return "No run is called best.", f"Their figures do not mean the same, because they differ in {words}."
    tail = state(section.entries)
    if len(known) == 1:
        return f"Only {known[0].name} has {criterion.title}: {text(criterion.values[known[0].index])}.", tail
    if len(settings) > 1:
        claim, chance = _compare_settings(criterion, settings)
    else:
        claim, chance = _compare_runs(
            criterion, kept, sorted(known, key=lambda entry: -criterion.values[entry.index].value)
        )
    return claim, f"{chance} {tail}".strip()


def state(entries: Sequence[Entry]) -> str:
    """Return a sentence that names unfinished runs; empty if all have ended."""
    unfinished = [entry.name for entry in entries if entry.state.startswith("still")]
    return f"Not all is in: {', '.join(unfinished)} still training or interrupted." if unfinished else ""


def _compare_settings(criterion: Criterion, settings: Sequence[seeds.Setting]) -> tuple[str, str]:
    """Return which setting is best over its seeds, and whether that may be due to chance."""
    best, second = settings[:2]
    one, two = (f"{number(setting.mean)} (n={len(setting.values)})" for setting in (best, second))
    alike = [setting for setting in settings if are_equal(best.mean, setting.mean)]
    if len(alike) > 1:
        names = list_names([setting.title for setting in alike], "settings")
        claim = f"{names} are equal by {criterion.title}: {number(best.mean)} in the mean over seeds."
        same = all(_same_seeds(best, setting) for setting in alike[1:])
        return claim, NO_EFFECT if same else ""
    claim = (
        f"{best.title} is best by {criterion.title}: {one} in the mean over seeds, ahead of {second.title} with {two}."
    )
    gap = seeds.difference(best, second)
    if gap is None:
        return claim, "There are too few seeds to say whether that is chance."
    sure = "is more than the chance of the seeds" if is_sure(gap.bounds) else "may be chance"
    return claim, f"The difference of {gap_text(gap)} ({percent(seeds.SURE)}, Welch's t over seeds) {sure}."


def _same_seeds(one: seeds.Setting, two: seeds.Setting) -> bool:
    """Return whether the runs of two settings have the same results, seed by seed."""
    first, second = (
        {value_text(e.run.arguments.get("seed")): e.run.fingerprint for e in own.entries} for own in (one, two)
    )
    return first == second


def list_names(names: Sequence[str], what: str) -> str:
    """Return names joined for a sentence, or their number if there are many."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) <= FEW else f"{len(names)} {what}"


def _compare_runs(criterion: Criterion, kept: Mapping[int, Evaluation], known: Sequence[Entry]) -> tuple[str, str]:
    """Return which run is best, and whether its lead over the next may be due to chance."""
    best, second = known[:2]
    one, two = criterion.values[best.index], criterion.values[second.index]
    alike = [entry for entry in known if are_equal(one.value, criterion.values[entry.index].value)]
    if len(alike) > 1:
        claim = f"{list_names([entry.name for entry in alike], 'runs')} are equal by {criterion.title}: {text(one)}."
        return claim, NO_EFFECT if all(best.run.fingerprint == entry.run.fingerprint for entry in alike) else ""
    apart = np.repeat(max(0.0, one.low - two.high) if one.bounded and two.bounded else 0.0, 2)
    lead, behind = (text(value, digits_of(apart)) for value in (one, two))
    claim = f"{best.name} is best by {criterion.title}: {lead}, ahead of {second.name} with {behind}."
    level = percent(criterion.level) if one.bounded else ""
    gap = paired_gap(pairs.difference(kept, second, best) if criterion.kind else None)
    if gap.bounded:
        sure = "is more than the chance of the images" if is_sure(gap.bounds) else "may be chance"
        return claim, f"On the same images the difference of {gap_text(gap)} ({level}, paired) {sure}."
    if one.bounded and two.bounded:
        if is_sure(apart):
            return claim, f"The {level} intervals are apart, so that is more than the chance of the images."
        return claim, f"The {level} intervals overlap, so that may be chance."
    return claim, "Without intervals or several seeds nothing says whether that is chance."


def paired_gap(comparison: Comparison | None) -> Estimate:
    """Return the difference of two runs' AP with its interval; NaN if there is none."""
    if comparison is None:
        return Estimate(math.nan)
    low, high = (float(bound) for bound in comparison.intervals[0])
    return Estimate(float(comparison.values[0]), low, high)
