"""What would help more than settings: labels that are wrong or lacking, and what the validation split cannot show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tintbox.plugins.coco_eval.data.dataset_files import LEAST_SIDE
from tintbox.recipes.labels import FAULTS, count_faults
from tintbox.recipes.survey import Survey


def advise(survey: Survey) -> list[str]:
    """Return what would help more than settings."""
    found = [*survey.left_out]
    for (first, second), pairs in survey.shared.items():
        if pairs:
            both = list(dict.fromkeys(file for _, file in pairs))
            share = f"{len(both)} of {len(survey.splits[second].files)} pictures in {second}"
            names = ", ".join(Path(file).name for file in both[:3])
            found.append(f"{share} are in {first} too, e.g. {names}: take them out of {first}, or numbers are too good")
    for name, split in survey.splits.items():
        for wrong, count in sorted(count_faults(split.labels).items()):
            place = split.labels.faults[wrong][0]
            found.append(f"{count} label{'s' * (count > 1)} in {name}: {wrong} ({FAULTS[wrong]}), e.g. {place}")
        if missing := split.labels.unlabelled:
            have = f"{missing} of {len(split.files)} pictures in {name} {'has' if missing == 1 else 'have'}"
            found.append(f"{have} no label file: backgrounds, or forgotten?")
        if unreadable := split.unreadable:
            one = len(unreadable) == 1
            have = f"{len(unreadable)} of {len(split.files)} pictures in {name} {'is' if one else 'are'}"
            why = f"damaged or under {LEAST_SIDE} pixels, e.g. {unreadable[0]}"
            found.append(f"{have} {why}: Ultralytics leaves {'it' if one else 'them'} out")
    train, val = survey.counts("train"), survey.counts("val")
    if len(train) > 1:
        named, least = fewest(survey.names, train)
        found.append(
            f"label more of {named}: {least} box{'es' * (least != 1)} of {train.sum():,} to learn from, the fewest"
        )
    named, least = fewest(survey.names, val)
    found.append(
        f"the validation split has {least} object{'s' * (least != 1)} of {named}: "
        + (f"a difference below about {see(least):.0f} points of AP can't be seen" if least else "AP can't be told")
    )
    return found


def fewest(names: Sequence[str], counts: np.ndarray) -> tuple[str, int]:
    """Return the class that has the fewest boxes, with how many others have as few, and how many boxes that is."""
    least = int(counts.min())
    others = int((counts == least).sum()) - 1
    more = f" and as few of {others} other class{'es' * (others > 1)}" if others else ""
    return names[int(counts.argmin())] + more, least


def see(objects: int) -> float:
    """Return the smallest difference of two models' AP, in points, that so many objects can show.

    1.96 standard errors of a paired difference of shares: each object is found by half of the models, and what one
    model finds goes with what the other finds by a correlation of one half, so that the standard deviation of the
    difference is one half for each object. Objects of one picture are less independent than that: it is the least.
    """
    return 100 * 1.96 * 0.5 / math.sqrt(max(objects, 1))
