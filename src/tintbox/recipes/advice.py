"""What would help more than settings: fixing or adding labels, and a validation split that shows enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tintbox.datasets.reading.dataset_files import LEAST_SIDE
from tintbox.errors import counted
from tintbox.recipes import pictures
from tintbox.recipes.labels import FAULTS, LARGE
from tintbox.recipes.survey import Survey


def advise(survey: Survey) -> list[str]:
    """Return what would help more than settings."""
    found = [*survey.left_out]
    for (first, second), pairs in survey.shared.items():
        if pairs:
            both = list(dict.fromkeys(file for _, file in pairs))
            sampled = max(len(survey.splits[name].files) for name in (first, second)) > pictures.MOST
            share = f"{'at least ' * sampled}{len(both)} of {len(survey.splits[second].files)} images in {second}"
            names = ", ".join(Path(file).name for file in both[:3])
            are, them, show = ("is", "it", "shows") if len(both) == 1 else ("are", "them", "show")
            fault = f"{share} {are} also in {first}, or {show} nearly the same scene, e.g. {names}"
            rest = len(survey.splits[second].files) - len(both)
            if len({file for file, _ in pairs}) < len(survey.splits[first].files):
                fix = f"remove {them} from {first}"
            elif rest:
                fix = f"remove {them} from {second}, {rest} remain{'s' * (rest == 1)}"
            else:
                fix = f"take other images for {second}"
            found.append(f"{fault}: {fix}, or the metrics will be too good")
    for name, split in survey.splits.items():
        for wrong, rows in sorted(split.labels.faults.items()):
            what = counted(len(rows), "label file" if wrong == LARGE else "label")
            found.append(f"{what} in {name}: {wrong} ({FAULTS[wrong]}), e.g. {rows[0]}")
        if skipped := len(split.labels.skipped):
            found.append(
                f"Ultralytics skips {skipped} of {len(split.files)} images in {name} for faulty labels: fix them"
            )
        if missing := split.labels.unlabelled:
            have = f"{missing} of {len(split.files)} images in {name} {'has' if missing == 1 else 'have'}"
            found.append(f"{have} no label file: intended as background, or forgotten?")
        if unreadable := split.unreadable:
            one = len(unreadable) == 1
            have = f"{len(unreadable)} of {len(split.files)} images in {name} {'is' if one else 'are'}"
            why = f"damaged or under {LEAST_SIDE} pixels, e.g. {unreadable[0]}"
            found.append(f"{have} {why}: Ultralytics skips {'it' if one else 'them'}")
    train, val = survey.counts("train"), survey.counts("val")
    if 2 * train.min() < train.max():
        named, least = find_fewest(survey.names, train)
        found.append(f"label more objects of {named}: {least} of {train.sum():,} training boxes, the fewest")
    named, least = find_fewest(survey.names, val)
    found.append(
        f"the validation split has {counted(least, 'object')} of {named}: "
        + (f"AP differences under about {see(least):.0f} points can't be detected" if least else "its AP is unknown")
    )
    return found


def find_fewest(names: Sequence[str], counts: np.ndarray) -> tuple[str, int]:
    """Return the class with the fewest boxes, with how many other classes have as few, and that number of boxes."""
    least = int(counts.min())
    others = int((counts == least).sum()) - 1
    more = f" ({others} other class{'es have' if others > 1 else ' has'} as few)" if others else ""
    return names[int(counts.argmin())] + more, least


def see(objects: int) -> float:
    """Return the smallest difference between two models' AP, in points, that so many objects can reveal.

    1.96 standard errors of a paired difference of proportions: each model finds half of the objects, and the two
    models' results correlate by one half, so that the standard deviation of the difference is one half per object.
    Objects in the same image are less independent than that, so this is a lower bound.
    """
    return 100 * 1.96 * 0.5 / math.sqrt(max(objects, 1))
