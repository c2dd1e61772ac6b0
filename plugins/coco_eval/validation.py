"""COCO evaluation inside `yolo val` and at the end of `yolo train`: the callbacks of ``coco_eval=True``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ultralytics.utils import LOGGER, RANK

from tintbox.errors import TintboxError, list_values, one_line, reason_of
from tintbox.plugins.coco_eval import output, tables
from tintbox.plugins.coco_eval.data.records import collect, keep_classes, keep_validated, single_class
from tintbox.plugins.coco_eval.data.truth import Split, for_dataset
from tintbox.plugins.coco_eval.evaluation import evaluate, iou_types, masks_left_out
from tintbox.plugins.coco_eval.outcome import IOU_TYPES, Outcome, Predictions, check_task
from tintbox.plugins.coco_eval.recording import Recording
from tintbox.plugins.coco_eval.settings import settings
from tintbox.terminal import make_printable


def check_classes(validator: Any) -> str | None:
    """Return an error if the model has more classes than its dataset, else None; other mismatches are only logged."""
    has, lacks = validator.names, validator.data["names"]
    if validator.args.single_cls:
        return None
    if wrong := explain_more(list(has.values()), list(lacks.values())):
        return f"coco_eval=True: {wrong}"
    if some := part_of_classes(validator):
        LOGGER.warning(f"coco_eval=True: {some}")
    if other := [i for i in has if str(has[i]) != str(lacks.get(i))]:
        LOGGER.warning(
            f"coco_eval=True: class {other[0]} is '{has[other[0]]}' for the model and '{lacks.get(other[0])}' in the "
            f"dataset ({len(other)} of {len(has)} differ); classes are taken by number, as in Ultralytics"
        )
    return None


def explain_more(own: Sequence[str], there: Sequence[str]) -> str:
    """Return the error for a model with more classes than its dataset, else ""."""
    if len(own) <= len(there):
        return ""
    return (
        f"the model has {len(own)} classes ({own[0]}, ...), the dataset {len(there)} ({there[0]}, ...); evaluate it on "
        "a dataset with its classes"
    )


def part_of_classes(validator: Any) -> str | None:
    """Return a warning if the model has only some of the dataset's classes, else None."""
    has, there = validator.names, validator.data["names"]
    if validator.args.single_cls or len(has) >= len(there):
        return None
    lost = [name for i, name in there.items() if i not in has]
    return (
        f"THE MODEL HAS {len(has)} CLASSES, THE DATASET {len(there)}: the other {len(lost)} ({list_values(lost)}) and "
        "their objects are left out, so these are no numbers for the whole dataset"
    )


def on_pretrain_routine_end(trainer: Any) -> None:
    """Check the ground truth before hours of training, so that errors can be fixed in the meantime."""
    if RANK not in (-1, 0):
        return
    try:
        for_dataset(trainer.data, trainer.args.split)
    except TintboxError as error:
        LOGGER.warning(f"coco_eval=True: {one_line(error)}; mend it before the run ends, it is not evaluated otherwise")


def on_val_start(validator: Any) -> None:
    """Read the split's ground truth before the model runs, so that bad labels are reported at once."""
    if validator.training:
        return  # evaluated once, at the final validation
    try:
        if wrong := check_task(validator.args.task):
            raise TintboxError(f"coco_eval=True: {wrong}")
        Recording(for_dataset(validator.data, validator.args.split), on_classes_known).attach(validator)
    except TintboxError as error:
        if not _is_final(validator):
            raise
        _tell_failure(validator, error)


def on_classes_known(validator: Any) -> None:
    """Check the classes once the validator has the names that it evaluates; called by `Recording.begin_images`."""
    if wrong := check_classes(validator):
        error = TintboxError(wrong)
        if not _is_final(validator):
            raise error
        Recording.remove(validator)
        _tell_failure(validator, error)


def on_val_end(validator: Any) -> None:
    """Evaluate the recorded predictions, print and save the results; never fails a training run at its end."""
    recording = Recording.of(validator)
    if validator.training or recording is None:
        return
    records = Recording.remove(validator)
    try:
        validator.metrics.coco = finish(validator, recording.split, records)
    except Exception as error:
        if not _is_final(validator):
            raise
        _tell_failure(validator, error)


def finish(validator: Any, split: Split, records: Mapping[str, Mapping[str, Any]]) -> Outcome:
    """Return the evaluation of a finished validation run, and print it and save it in the run's folder."""
    args = validator.args
    split = keep_validated(split, set(records))
    split = single_class(split) if args.single_cls else keep_classes(split, classes_of(validator))
    detections = collect(records, split, masks="segm" in IOU_TYPES[args.task])
    if left_out := masks_left_out(split.truth, detections):
        LOGGER.warning(f"coco_eval=True: {left_out}")
    kinds = iou_types(split.truth, detections)
    chosen = settings(args.coco_eval)
    found = {kind: evaluate(split.truth, detections, kind, chosen) for kind in kinds}
    outcome = Outcome(found, Predictions(split.truth, detections, split.image_ids))
    if not chosen.report:
        return outcome
    model = best_of(validator) if _is_final(validator) else args.model
    part = part_of_classes(validator)
    about = {"model": str(model), "data": str(args.data), "split": args.split, "imgsz": args.imgsz}
    if part:
        about["classes"] = f"{len(validator.names)} of {len(validator.data['names'])}"
    folder = Path(validator.save_dir)
    try:
        Predictions.remove(folder)
        output.save(folder, found, about, pictures=args.plots)
        if args.save_json:
            outcome.predictions.save(folder)
        if chosen.examples:
            paths = {image_id: Path(file) for file, image_id in split.image_ids.items()}
            outcome.draw_worst(paths, folder, chosen.examples)
    except OSError as error:
        raise TintboxError(f"{error.filename or folder}: cannot be written ({reason_of(error)})") from error
    LOGGER.info(make_printable(tables.text(found, classes=args.verbose)))
    if part:  # repeated next to the numbers
        LOGGER.warning(f"coco_eval=True: {part}")
    LOGGER.info(f"COCO evaluation saved to {folder}")
    return outcome


def classes_of(validator: Any) -> set[int]:
    """Return the class indices to evaluate: the model's, limited to those that `classes=` names."""
    named = validator.args.classes
    if named is None:
        return set(validator.names)
    return set(validator.names) & set(named if isinstance(named, (list, tuple)) else [named])


def best_of(validator: Any) -> Path:
    """Return the checkpoint that is evaluated at the end of a training run."""
    return Path(validator.save_dir) / "weights" / "best.pt"


def _is_final(validator: Any) -> bool:
    """Return whether this is the final validation of a training run, not one that the user started."""
    return validator.args.mode == "train"


def _tell_failure(validator: Any, error: Exception) -> None:
    """Log in one line that the evaluation failed and how to repeat it."""
    what = "" if isinstance(error, TintboxError) else f"{type(error).__name__}: "
    LOGGER.warning(
        f"coco_eval=True: {what}{one_line(error)}; the run's other results are complete, and this is repeated by "
        f"tintbox coco-eval model={best_of(validator)}"
    )
