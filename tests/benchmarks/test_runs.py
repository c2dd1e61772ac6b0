"""What the benchmarks share: the interval of a difference over test images and seeds."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from tintbox.plugins.coco_eval import seeds
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import overall

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
IMAGES = 20
BOXES = np.random.default_rng(0).uniform([0, 0, 20, 20], [50, 50, 45, 45], (IMAGES, 4))


def evaluation(offset, seed):
    """An evaluation of boxes that are some pixels off, one per image."""
    images = [{"id": i, "width": 100, "height": 100} for i in range(IMAGES)]
    objects = [
        {"id": i + 1, "image_id": i, "category_id": 1, "bbox": box.tolist(), "area": float(box[2] * box[3])}
        for i, box in enumerate(BOXES)
    ]
    moved = BOXES + np.random.default_rng(seed).normal(0, offset, BOXES.shape)
    found = Detections(np.arange(IMAGES), np.ones(IMAGES, int), moved.clip(1), np.linspace(0.9, 0.1, IMAGES))
    return evaluate(Truth(images, objects, [{"id": 1, "name": "a"}]), found)


@pytest.mark.parametrize("number", [1, 3])
def test_intervals_are_over_images_and_seeds_as_in_a_study(monkeypatch, number):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runs = importlib.import_module("runs")
    made = {
        Path(name, str(seed)): evaluation(off, seed) for name, off in (("a", 2), ("b", 3)) for seed in range(number)
    }
    monkeypatch.setattr(runs, "read_evaluation", lambda folder, split: made[folder])
    pairs = [(Path("a", str(seed)), Path("b", str(seed))) for seed in range(number)]
    (value, *bounds), single = runs.intervals(pairs)
    both = [(made[one], made[two]) for one, two in pairs]
    samples = np.array([overall(a.samples)[:, 0] - overall(b.samples)[:, 0] for a, b in both])
    differences = np.array([a["AP"] - b["AP"] for a, b in both])
    assert value == pytest.approx(differences.mean()) and len(single) == number
    assert bounds == pytest.approx(seeds.difference_interval(samples, differences, support=IMAGES))
