"""The sentence at the top: which run is best by which number, and whether that may be chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tintbox.report import evaluations, seeds
from tintbox.report.evaluations import Value
from tintbox.report.gather import Entry, Section
from tintbox.report.metrics import Ruler, other_data

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.evaluation import Evaluation


def number(value: float, sign: str = "") -> str:
    """Return a number with three digits after the point, ``n/a`` for NaN."""
    return "n/a" if not math.isfinite(value) else f"{round(value, 3) + 0.0:{sign}.3f}"  # no -0.000


def span(value: Value, sign: str = "") -> str:
    """Return a number's interval as ``[low, high]``, or an empty text."""
    return f"[{number(value.low, sign)}, {number(value.high, sign)}]" if value.bounded else ""


def text(value: Value, sign: str = "") -> str:
    """Return a number with its interval, if it has one."""
    return f"{number(value.value, sign)} {span(value, sign)}".strip()


def percent(level: float) -> str:
    """Return a level as ``95%``."""
    return f"{100 * level:g}%"


def verdict(
    section: Section, ruler: Ruler, kept: Mapping[int, Evaluation], cells: Sequence[seeds.Cell]
) -> tuple[str, str]:
    """Return which run of a section is best, and whether that may be chance, in two sentences; one may be empty.

    Args:
        section: The runs.
        ruler: The number to go by.
        kept: Evaluations with resamples, by the runs' indices, where the predictions were kept.
        cells: The runs by setting, where there are several seeds.
    """
    known = [entry for entry in section.entries if not math.isnan(ruler.values[entry.index].value)]
    if not known:
        return f"No run has a {ruler.title}.", ""
    if len(section.entries) == 1:
        return f"{known[0].name} has {ruler.title} {text(ruler.values[known[0].index])}.", state(known)
    if differ := other_data(section):
        words = "; ".join(f"{key}: {', '.join(values)}" for key, values in differ.items())
        return "No run is called best.", f"Their figures do not mean the same, because they differ in {words}."
    tail = state(section.entries)
    if len(known) == 1:
        return f"Only {known[0].name} has {ruler.title}: {text(ruler.values[known[0].index])}.", tail
    if len(cells) > 1:
        claim, chance = _of_settings(ruler, cells)
    else:
        claim, chance = _of_runs(ruler, kept, *sorted(known, key=lambda entry: -ruler.values[entry.index].value)[:2])
    return claim, f"{chance} {tail}".strip()


def state(entries: Sequence[Entry]) -> str:
    """Return which runs have not ended, in a sentence; empty if all have."""
    unfinished = [entry.name for entry in entries if entry.state.startswith("still")]
    return f"Not all is in: {', '.join(unfinished)} still training or interrupted." if unfinished else ""


def _of_settings(ruler: Ruler, cells: Sequence[seeds.Cell]) -> tuple[str, str]:
    """Return which setting is best over its seeds, and whether that may be chance."""
    best, second = cells[:2]
    one, two = (f"{number(cell.mean)} (n={len(cell.values)})" for cell in (best, second))
    claim = f"{best.title} is best by {ruler.title}: {one} in the mean over seeds, ahead of {second.title} with {two}."
    gap = seeds.difference(best, second)
    if gap is None:
        return claim, "There are too few seeds to say whether that is chance."
    sure = "is more than the chance of the seeds" if gap.low > 0 else "may be chance"
    return claim, f"The difference of {text(gap, '+')} ({percent(seeds.SURE)}, Welch's t over seeds) {sure}."


def _of_runs(ruler: Ruler, kept: Mapping[int, Evaluation], best: Entry, second: Entry) -> tuple[str, str]:
    """Return which run is best, and whether its lead over the next may be chance."""
    one, two = ruler.values[best.index], ruler.values[second.index]
    if one.value == two.value:
        return f"{best.name} and {second.name} are equal by {ruler.title}: {text(one)}.", ""
    claim = f"{best.name} is best by {ruler.title}: {text(one)}, ahead of {second.name} with {text(two)}."
    level = percent(ruler.level) if one.bounded else ""
    gap = paired_gap(evaluations.difference(kept, second, best) if ruler.kind else None)
    if gap.bounded:
        sure = "is more than the chance of the images" if gap.low > 0 else "may be chance"
        return claim, f"On the same images the difference of {text(gap, '+')} ({level}, paired) {sure}."
    if one.bounded and two.bounded:
        if one.low > two.high:
            return claim, f"The {level} intervals are apart, so that is more than the chance of the images."
        return claim, f"The {level} intervals overlap, so that may be chance."
    return claim, "Without intervals or several seeds nothing says whether that is chance."


def paired_gap(comparison: Comparison | None) -> Value:
    """Return the difference of two runs' AP with its interval; NaN for none."""
    if comparison is None:
        return Value(math.nan)
    low, high = (float(bound) for bound in comparison.intervals[0])
    return Value(float(comparison.values[0]), low, high)
