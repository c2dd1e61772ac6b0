"""The results of a validation with COCO evaluation: numbers, files and images.

Reading them does not import Ultralytics, which takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tintbox import atomic
from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Split, Truth
from tintbox.plugins.coco_eval.errors import examples
from tintbox.plugins.coco_eval.evaluation import Evaluation
from tintbox.plugins.coco_eval.metrics import SUFFIXES

# The files of save_json: COCO's JSON, and the image id by path.
ANNOTATIONS, PREDICTIONS, IMAGE_IDS = "annotations.json", "predictions.json", "image_ids.json"
IOU_TYPES = {"detect": ("bbox",), "segment": ("bbox", "segm")}


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Mapping[str, Evaluation]):
    """The COCO evaluation of a validation run, ``model.val(coco_eval=True).coco``: a mapping of IoU type to evaluation.

    Attributes:
        evaluations: By IoU type: ``"bbox"``, and for segment models ``"segm"``.
    """

    evaluations: dict[str, Evaluation]
    split: Split
    detections: Detections

    def __getitem__(self, iou_type: str) -> Evaluation:
        """Return the evaluation of boxes or masks."""
        return self.evaluations[iou_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.evaluations})"

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        return tables.html(self.evaluations)


def check_task(task: str) -> str | None:
    """Return why a model of this task cannot be evaluated, or None if it can."""
    if task in IOU_TYPES:
        return None
    return f"COCO evaluation is for {' and '.join(IOU_TYPES)} models, not for {task}"


def save_json(folder: Path, truth: Truth, detections: Detections, image_ids: Mapping[str, int]) -> None:
    """Write truth and detections as COCO's JSON, and the image id by path."""
    truth.save(folder / ANNOTATIONS)
    detections.save(folder / PREDICTIONS)
    atomic.write_text(folder / IMAGE_IDS, json.dumps(image_ids, indent=1))


def draw_worst(
    found: dict[str, Evaluation], truth: Truth, detections: Detections, paths: dict[int, Path], folder: Path, n: int
) -> None:
    """Draw the images with the worst errors of each evaluation."""
    for kind, evaluation in found.items():
        if evaluation.errors:
            examples.draw_worst(evaluation.errors, truth, detections, paths, folder / f"worst{SUFFIXES[kind]}", n)
