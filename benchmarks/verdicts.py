"""How often equally good detectors are told apart, and how often a better one is, on simulated detections.

    python benchmarks/verdicts.py --repeats 400

Two detectors find the objects of the same images; half of their luck is the object's, as it is for real ones. Each row
has the percentage of comparisons by AP that end with a verdict at the level of 95%: by the percentile interval, by that
for few images, and with the randomisation test, too, as in `tintbox compare`. Where both are equally good, 5% is right.
The last columns have how many of the first detector's own intervals cover its AP on endless images; 95% is right.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import machine
import runs
from tintbox.plugins.coco_eval import bootstrap, swapping
from tintbox.plugins.coco_eval.metrics import METRICS
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.plugins.coco_eval.test_swapping import pair

IMAGES = (10, 20, 50)
KINDS = {  # objects of an image, recall of the first detector, of a better second one
    "5 objects, recall 75%": (5.0, 0.75, 0.85),
    "5 objects, recall 98.5%": (5.0, 0.985, 0.93),
    "1.2 objects, recall 98.5%": (1.2, 0.985, 0.9),
}
RESAMPLES = 400
ENDLESS = 100_000  # images


def endless_ap(truths: float, first: float) -> float:
    """Return the AP of a simulated detector on more images than matter."""
    one, _ = pair(np.random.default_rng(0), ENDLESS, (first, first), truths)
    return float(average_precision(one, Weights(np.ones((ENDLESS, 1), np.int32))).mean())


def verdicts(images: int, truths: float, first: float, second: float, seed: int, known: float) -> list[bool]:
    """Return whether a pair of simulated detectors is told apart by each of the three, and two intervals cover."""
    one, two = pair(np.random.default_rng(seed), images, (first, second), truths)
    drawn = np.concatenate([np.ones((images, 1), np.int32), bootstrap.draw(images, RESAMPLES, seed)], 1)
    alone = average_precision(one, Weights(drawn)).mean(0)[:, None]
    found = average_precision(two, Weights(drawn)).mean(0)[:, None] - alone
    support = len(np.unique(one.truth_image))
    swapped = swapping.draw(images, RESAMPLES // 2, seed)
    p_value = swapping.p_values([[one]], [[two]], np.full((2, len(METRICS)), found[0]), swapped)[0, :1]
    ways = ((np.inf, 0.0), (support, 0.0), (support, p_value))
    bounds = [bootstrap.difference_interval(found[1:], found[0], 0.95, units, p) for units, p in ways]
    own = [bootstrap.interval(alone[1:], alone[0], 0.95, units)[0] for units in (np.inf, support)]
    return [bool(bootstrap.is_sure(each)[0]) for each in bounds] + [bool(low <= known <= high) for low, high in own]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400, help="comparisons per row")
    repeats = parser.parse_args().repeats
    print(machine.describe())
    header = ["detectors", "images", "interval", "for few images", "and swaps", "covers", "for few images"]
    rows = []
    for title, (truths, first, second) in KINDS.items():
        known = endless_ap(truths, first)
        for images in IMAGES:
            for better, other in (("equal", first), ("one better", second)):
                found = np.mean([verdicts(images, truths, first, other, seed, known) for seed in range(repeats)], 0)
                rows.append([f"{title}, {better}", str(images), *(f"{100 * share:.1f}%" for share in found)])
    print(runs.tabulate(header, rows))


if __name__ == "__main__":
    main()
