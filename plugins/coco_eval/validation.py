"""COCO evaluation inside `yolo val` and at the end of `yolo train`: what the callbacks do with ``coco_eval=True``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.coco_eval import examples, output
from tintbox.plugins.coco_eval.detections import Detections
from tintbox.plugins.coco_eval.evaluation import Evaluation, evaluate
from tintbox.plugins.coco_eval.settings import settings
from tintbox.plugins.coco_eval.truth import Split, Truth, for_dataset

IOU_TYPES = {"detect": ("bbox",), "segment": ("bbox", "segm")}


@dataclass(frozen=True)
class Outcome:
    """The COCO evaluation of a validation run: ``model.val(coco_eval=True).coco``.

    Attributes:
        evaluations: By IoU type, ``"bbox"`` and for segment models ``"segm"``.
        split: The ground truth.
        detections: What the model found.
    """

    evaluations: dict[str, Evaluation]
    split: Split
    detections: Detections

    def __getitem__(self, iou_type: str) -> Evaluation:
        """Return the evaluation of boxes or masks."""
        return self.evaluations[iou_type]


def check_task(task: str) -> str | None:
    """Return what is wrong with evaluating a model of this task, or None."""
    if task in IOU_TYPES:
        return None
    return f"coco_eval=True: COCO evaluation is for {' and '.join(IOU_TYPES)} models, not for {task}"


def check_classes(validator: Any) -> str | None:
    """Return what is wrong if a model has classes that its dataset lacks, or None."""
    has, lacks = validator.names, validator.data["names"]
    if validator.args.single_cls or len(has) <= len(lacks):
        return None
    return (
        f"coco_eval=True: the model has {len(has)} classes ({has[0]}, ...), the dataset {len(lacks)} ({lacks[0]}, ...);"
        " evaluate it on a dataset with its classes"
    )


def on_val_start(validator: Any) -> None:
    """Read the split's ground truth before the model runs, so that bad labels are told at once."""
    validator.coco_split = None
    if validator.training:
        return  # once, at the final evaluation
    if wrong := check_task(validator.args.task) or check_classes(validator):
        raise TintboxError(wrong)
    try:
        validator.coco_split = for_dataset(validator.data, validator.args.split)
    except TintboxError as error:
        if not _is_final(validator):
            raise
        _tell_failure(error)


def on_val_end(validator: Any) -> None:
    """Evaluate what was recorded, print and save it; as the end of a training run it never fails the run."""
    split = getattr(validator, "coco_split", None)
    if validator.training or split is None:
        return
    try:
        validator.metrics.coco = finish(validator, split)
    except Exception as error:
        if not _is_final(validator):
            raise
        _tell_failure(error)


def finish(validator: Any, split: Split) -> Outcome:
    """Return the evaluation of a validation run, printed and saved in its folder."""
    args = validator.args
    records = {record["file"]: record for record in validator.jdict}
    split = seen(split, set(records))
    if args.single_cls:
        split = single_class(split)
    detections = collect(records, split, masks=args.task == "segment")
    chosen = settings(args.coco_eval)
    found = {kind: evaluate(split.truth, detections, kind, chosen) for kind in IOU_TYPES[args.task]}
    outcome = Outcome(found, split, detections)
    if not chosen.report:
        return outcome
    about = {"model": str(args.model), "data": str(args.data), "split": args.split, "imgsz": args.imgsz}
    folder = Path(validator.save_dir)
    output.save(folder, found, about, pictures=args.plots)
    if validator.coco_json:
        save_json(folder, split, detections)
    if chosen.examples:
        paths = {image_id: Path(file) for file, image_id in split.image_ids.items()}
        draw_worst(found, split.truth, detections, paths, folder, chosen.examples)
    LOGGER.info(output.text(found))
    LOGGER.info(f"\nCOCO evaluation saved to {folder}")
    return outcome


def save_json(folder: Path, split: Split, detections: Detections) -> None:
    """Write truth and detections as COCO's JSON, and which image has which id."""
    split.truth.save(folder / "annotations.json")
    detections.save(folder / "predictions.json")
    ids = {str(file): image_id for file, image_id in split.image_ids.items()}
    (folder / "image_ids.json").write_text(json.dumps(ids, indent=1), encoding="utf-8")


def draw_worst(
    found: dict[str, Evaluation],
    truth: Truth,
    detections: Detections,
    paths: dict[int, Path],
    folder: Path,
    n: int,
) -> None:
    """Draw the worst pictures of each evaluation."""
    for kind, evaluation in found.items():
        if evaluation.errors:
            target = folder / ("worst" if kind == "bbox" else f"worst_{kind}")
            examples.draw_worst(evaluation.errors, truth, detections, paths, target, n)


def seen(split: Split, files: set[str]) -> Split:
    """Return the part of a split that was validated: `fraction` and the like leave images out."""
    ids = {image_id for file, image_id in split.image_ids.items() if file in files}
    truth = Truth(
        [image for image in split.truth.images if image["id"] in ids],
        [annotation for annotation in split.truth.annotations if annotation["image_id"] in ids],
        split.truth.categories,
    )
    return Split(truth, {file: i for file, i in split.image_ids.items() if i in ids}, split.category_ids)


def single_class(split: Split) -> Split:
    """Return a split whose objects are all of one class, as `single_cls=True` takes them."""
    annotations = [{**annotation, "category_id": 1} for annotation in split.truth.annotations]
    truth = Truth(split.truth.images, annotations, [{"id": 1, "name": "item"}])
    return Split(truth, split.image_ids, {0: 1})


def collect(records: dict[str, dict[str, Any]], split: Split, *, masks: bool) -> Detections:
    """Return recorded predictions as Detections.

    Args:
        records: Per image file ``bbox`` (n, 4) x, y, width, height in pixels, ``score`` (n,), ``class`` (n,), and with
            masks ``segmentation``, n run-length encodings.
        split: The split that the files are of.
        masks: Whether there are masks.
    """
    used = [(file, record) for file, record in records.items() if len(record["score"])]
    if not used:
        return Detections.empty()
    return Detections(
        image_id=np.concatenate([np.full(len(r["score"]), split.image_ids[file], dtype=np.int64) for file, r in used]),
        category_id=np.array([split.category_ids[int(c)] for _, r in used for c in r["class"]], dtype=np.int64),
        bbox=np.concatenate([r["bbox"] for _, r in used]).astype(np.float64),
        score=np.concatenate([r["score"] for _, r in used]).astype(np.float64),
        segmentation=[mask for _, r in used for mask in r["segmentation"]] if masks else None,
    )


def _is_final(validator: Any) -> bool:
    """Return whether a validation ends a training run, rather than being what the user asked for."""
    return validator.args.mode == "train"


def _tell_failure(error: Exception) -> None:
    """Log in one line that the evaluation failed."""
    what = "" if isinstance(error, TintboxError) else f"{type(error).__name__}: "
    LOGGER.warning(f"coco_eval=True: {what}{one_line(error)}; the run's other results are complete")
