"""A colouriser's backbone and neck as a plain detector checkpoint, for an Ultralytics that has no tintbox."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, one_line

BATCH = 16  # pictures at a time for the statistics


def export_backbone(source: str | Path, target: str | Path, data: str | None = None, imgsz: int | None = None) -> str:
    """Write a detector with the backbone and neck of a colouriser and a head with fresh weights.

    Args:
        source: The colouriser's checkpoint, trained on a model with a ``base``.
        target: The file to write, ``.pt``.
        data: A dataset YAML; the BatchNorm statistics are recomputed on its training pictures, in colour. Without it
            they stay those of grey pictures.
        imgsz: Side of these pictures in pixels; by default that of the training.

    Returns:
        A line that says what was written.

    Raises:
        TintboxError: If the source is no such checkpoint or the target cannot be written.
    """
    import torch
    import ultralytics
    from ultralytics.nn import tasks

    from tintbox.plugins import handover

    source, target = Path(source), Path(target)
    if target.suffix != ".pt":
        raise TintboxError(f"{target}: give the file to write the suffix .pt")
    if not source.is_file():
        raise TintboxFileError(f"{source}: no such file; give a colouriser's checkpoint, e.g. .../weights/best.pt")
    try:
        colouriser, _ = tasks.load_checkpoint(source)
    except (OSError, TypeError, RuntimeError) as error:
        raise TintboxError(f"{source}: {one_line(error)}") from error
    if not handover.is_colouriser(colouriser) or "base" not in colouriser.yaml:
        kind = handover.title(colouriser)
        raise TintboxError(f"{source} is no colouriser on a detector but {kind}; train one from yolo11n-colorize.yaml")
    base = deepcopy(colouriser.yaml["base"])
    task = tasks.guess_model_task(base)
    kinds = {"segment": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel}
    detector = kinds.get(task, tasks.DetectionModel)(base, ch=colouriser.yaml["in_channels"], verbose=False)
    match = handover.check(colouriser, detector, str(source))
    state = colouriser.state_dict()
    detector.load_state_dict({name: state[name] for name in match.taken}, strict=False)
    statistics = "BatchNorm statistics are those of grey pictures"
    if data is not None:
        count = recompute_on(detector, data, imgsz or int(colouriser.args.get("imgsz") or 256))
        statistics = f"BatchNorm statistics recomputed on {count} pictures of {data}"
    detector.task = task
    checkpoint = {
        "model": detector.half(),
        "train_args": {"task": task, "model": base.get("yaml_file")},
        "date": datetime.now(timezone.utc).isoformat(),
        "version": ultralytics.__version__,
    }
    try:
        torch.save(checkpoint, target)
    except (OSError, RuntimeError) as error:
        raise TintboxError(f"{target}: cannot be written ({one_line(error)})") from error
    return f"{target}: {handover.title(detector)}, {handover.report(detector, match)}; {statistics}; the head is new"


def recompute_on(detector: Any, data: str, imgsz: int) -> int:
    """Recompute the BatchNorm statistics on training pictures of a dataset; return how many."""
    from tintbox.colorization.data import Order, PictureLoader, Pictures, image_files
    from tintbox.colorization.trainer import checked_dataset
    from tintbox.plugins.norm_statistics import BATCHES, recompute

    pictures = Pictures(image_files(checked_dataset(data, "val")["train"]), imgsz, cache="disk")
    loader = PictureLoader(pictures, BATCH, Order(len(pictures), "once"))
    return recompute(detector, islice((batch["img"].float() / 255 for batch in loader), BATCHES))
