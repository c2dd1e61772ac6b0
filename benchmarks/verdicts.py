"""How often equally good detectors are told apart, and how often a better one is, on simulated detections.

    python benchmarks/verdicts.py --repeats 400

Two detectors find the objects of the same images; half of their luck is the object's, as it is for real ones. Each row
has the percentage of comparisons by AP that end with a verdict at the level of 95%: by the percentile interval, by that
for few images, and with the randomisation test, too, as in `tintbox compare`. Where both are equally good, 5% is right.
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


def verdicts(images: int, truths: float, first: float, second: float, seed: int) -> list[bool]:
    """Return whether a pair of simulated detectors is told apart by each of the three."""
    one, two = pair(np.random.default_rng(seed), images, (first, second), truths)
    drawn = np.concatenate([np.ones((images, 1), np.int32), bootstrap.draw(images, RESAMPLES, seed)], 1)
    found = (average_precision(two, Weights(drawn)) - average_precision(one, Weights(drawn))).mean(0)[:, None]
    support = len(np.unique(one.truth_image))
    swapped = swapping.draw(images, RESAMPLES // 2, seed)
    p_value = swapping.p_values([[one]], [[two]], np.full((2, len(METRICS)), found[0]), swapped)[0, :1]
    ways = ((np.inf, 0.0), (support, 0.0), (support, p_value))
    bounds = [bootstrap.difference_interval(found[1:], found[0], 0.95, units, p) for units, p in ways]
    return [bool(bootstrap.is_sure(each)[0]) for each in bounds]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400, help="comparisons per row")
    repeats = parser.parse_args().repeats
    print(machine.describe())
    header, rows = ["detectors", "images", "interval", "interval for few images", "and swaps"], []
    for title, (truths, first, second) in KINDS.items():
        for images in IMAGES:
            for better, other in (("equal", first), ("one better", second)):
                found = np.mean([verdicts(images, truths, first, other, seed) for seed in range(repeats)], 0)
                rows.append([f"{title}, {better}", str(images), *(f"{100 * share:.1f}%" for share in found)])
    print(runs.tabulate(header, rows))


if __name__ == "__main__":
    main()
