"""The results of a validation with COCO evaluation: predictions, numbers, files and images.

Reading them does not import Ultralytics, which takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tintbox import atomic
from tintbox.plugins.coco_eval import tables
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.errors import examples
from tintbox.plugins.coco_eval.evaluation import Evaluation
from tintbox.plugins.coco_eval.metrics import SUFFIXES

# The files of save_json: COCO's JSON, and the image id by path.
ANNOTATIONS, PREDICTIONS, IMAGE_IDS = "annotations.json", "predictions.json", "image_ids.json"
IOU_TYPES = {"detect": ("bbox",), "segment": ("bbox", "segm")}


@dataclass(frozen=True)
class Predictions:
    """One model's detections against one truth.

    Attributes:
        truth: The truth of the images.
        detections: The detections in them.
        image_ids: Image path -> id; empty if not known.
    """

    truth: Truth
    detections: Detections
    image_ids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Predictions:
        """Read truth and detections, not the image ids, which other programs do not write.

        Raises:
            TintboxError: A file is missing or invalid.
        """
        truth = Truth.read(folder / ANNOTATIONS)
        return cls(truth, Detections.read(folder / PREDICTIONS, truth))

    def save(self, folder: Path) -> None:
        """Write truth and detections as COCO's JSON, and the image id by path."""
        self.truth.save(folder / ANNOTATIONS)
        self.detections.save(folder / PREDICTIONS)
        atomic.write_text(folder / IMAGE_IDS, json.dumps(self.image_ids, indent=1))

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove what an earlier validation saved; without image ids, it is from another program, and stays."""
        if (folder / IMAGE_IDS).is_file():
            for name in (PREDICTIONS, ANNOTATIONS, IMAGE_IDS):
                (folder / name).unlink(missing_ok=True)


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Mapping[str, Evaluation]):
    """The COCO evaluation of a validation run, ``model.val(coco_eval=True).coco``: a mapping of IoU type to evaluation.

    Attributes:
        evaluations: By IoU type: ``"bbox"``, and for segment models ``"segm"``.
        predictions: The detections and their truth.
    """

    evaluations: dict[str, Evaluation]
    predictions: Predictions

    def __getitem__(self, iou_type: str) -> Evaluation:
        """Return the evaluation of boxes or masks."""
        return self.evaluations[iou_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.evaluations})"

    def draw_worst(self, paths: Mapping[int, Path], folder: Path, n: int) -> None:
        """Draw the images with the worst errors of each evaluation, up to ``n`` each; ``paths`` are by image id."""
        truth, detections = self.predictions.truth, self.predictions.detections
        for kind, evaluation in self.items():
            if evaluation.errors:
                examples.draw_worst(evaluation.errors, truth, detections, paths, folder / f"worst{SUFFIXES[kind]}", n)

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        return tables.html(self.evaluations)


def check_task(task: str) -> str | None:
    """Return why a model of this task cannot be evaluated, or None if it can."""
    if task in IOU_TYPES:
        return None
    return f"COCO evaluation is for {' and '.join(IOU_TYPES)} models, not for {task}"
