"""Differences between our error analysis and the authors' own package: `pip install tidecv`, then run this file.

Each case has random images; the table gives the largest difference in AP50 and the eight gains. "At tidecv's recalls"
reads the precision at i / 100 as tidecv does, instead of at pycocotools' 101 recalls.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import machine
from tintbox.plugins.coco_eval import accumulation
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors.tide import KINDS, SPECIALS
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings

NAMES = dict(zip(("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FalsePos", "FalseNeg"), KINDS + SPECIALS))
MOST = 100  # detections per image that tidecv considers


def cases() -> dict[str, list[tuple[Truth, Detections]]]:
    """Return the cases by description; `random_case` comes from the tests."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "plugins" / "coco_eval"))
    case, seeds = importlib.import_module("errors.test_references").random_case, range(20, 28)

    def stray(seed: int) -> tuple[Truth, Detections]:
        truth, found = case(seed)
        label = found.category_id.copy()
        label[::100] = 6
        truth.categories.append({"id": 6, "name": "without objects"})
        return truth, Detections(found.image_id, label, found.bbox, found.score)

    return {
        "every class has objects, up to 100 detections per image, no crowd, no equal scores": [case(s) for s in seeds],
        "1 of 6 classes has no object, but 7 detections": [stray(s) for s in seeds],
        "117 detections per image": [case(s, images=6) for s in seeds],
        "400 detections per image": [case(s, images=5, found=2000) for s in seeds],
        "8 of 150 objects are crowd regions": [case(s, crowd=8) for s in seeds],
        "scores of one digit": [case(s, ties=True) for s in seeds],
    }


def theirs(truth: Truth, found: Detections) -> dict[str, float]:
    """Return tidecv's AP50 and gains, in 0..1."""
    from tidecv import TIDE  # not among the development packages
    from tidecv.data import Data

    data = Data("truth", MOST), Data("found", MOST)
    for own in data:
        for image in truth.images:
            own.add_image(image["id"], str(image["id"]))
        for category in truth.categories:
            own.add_class(category["id"], category["name"])
    for row in truth.annotations:
        add = data[0].add_ignore_region if row["iscrowd"] else data[0].add_ground_truth
        add(row["image_id"], row["category_id"], row["bbox"])
    columns = (found.image_id, found.category_id, found.score, found.bbox)
    for image_id, category_id, score, box in zip(*(column.tolist() for column in columns)):
        data[1].add_detection(image_id, category_id, score, box)
    analysis = TIDE()
    run = analysis.evaluate(*data, mode=TIDE.BOX)
    gains: dict[str, Any] = {}
    for group in analysis.get_all_errors().values():
        gains |= next(iter(group.values()))
    return {"AP50": run.ap / 100, **{NAMES[key]: value / 100 for key, value in gains.items()}}


def ours(truth: Truth, found: Detections, levels: np.ndarray) -> dict[str, float]:
    """Return our AP50 and gains, with precision read at the recalls ``levels``."""
    accumulation.RECALL_THRESHOLDS = levels
    result = evaluate(truth, found, settings=Settings(resamples=0)).errors.overall
    return {"AP50": result.ap, **result.gain}


def main() -> None:
    """Print the largest differences of each case."""
    parser = machine.make_parser(__doc__)
    parser.parse_args()
    if importlib.util.find_spec("tidecv") is None:
        parser.error("tidecv is not installed; pip install tidecv")
    warnings.filterwarnings("ignore")
    print("| 8 random cases each | largest difference | at tidecv's recalls |\n|---|---|---|")
    for name, pairs in cases().items():
        worst = []
        for levels in (np.linspace(0, 1, 101), np.arange(101) / 100):
            values = [(ours(*pair, levels), theirs(*pair)) for pair in pairs]
            worst.append(max((abs(a[key] - b[key]), key, a[key], b[key]) for a, b in values for key in a))
        (gap, key, a, b), (rest, *_) = worst
        print(f"| {name} | {gap:.1e} ({key} {a:.4f}, tidecv {b:.4f}) | {rest:.1e} |", flush=True)


if __name__ == "__main__":
    main()
