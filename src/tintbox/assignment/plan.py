"""The assignment's training plan: its four parts as studies, at full size and as a quick version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import tintbox.cfg
from tintbox import atomic
from tintbox.assignment.published import NETWORKS
from tintbox.checks import is_there, is_whole
from tintbox.errors import TintboxError, TintboxFileError, suggest_file
from tintbox.studies.grid import Grid, from_values

PARTS = {"A": "PoolUpsampleNet", "B": "ConvTransposeNet", "C": "UNet", "D": "fine-tuning a detector"}
KERNELS = (4, 5)  # of ConvTransposeNet; its standard kernel is 3


@dataclass(frozen=True)
class Plan:
    """Data, sizes and epochs of all trainings.

    Attributes:
        data: The colourisers' dataset YAML.
        epochs: Epochs of the colourisers.
        batch: Batch size of the colourisers, except in the study of batch sizes.
        batches: The batch sizes of Part B's study.
        more: More arguments for the colourisers.
        detection: The detector's dataset YAML.
        detection_size: Side of the detector's images in pixels.
        detection_epochs: Epochs of the detector.
        weights: The detector to fine-tune; None trains one on the same images first.
        seed: The seed of all runs.
    """

    data: str = "cifar10-horses.yaml"
    epochs: int = 25
    batch: int = 100
    batches: tuple[int, ...] = (32, 64, 128, 256, 512)
    more: tuple[tuple[str, Any], ...] = ()
    detection: str = "coco128.yaml"
    detection_size: int = 640
    detection_epochs: int = 5
    weights: str | None = "yolov5n.pt"
    seed: int = 0


FULL = Plan()
# The embedded dataset has 400 images: a twelfth of the horses, in batches a sixth as large.
QUICK = Plan(
    data="fruitbowl.yaml", epochs=12, batch=16, batches=(8, 16, 32, 64, 128), more=(("palette", 24),),
    detection="fruitbowl.yaml", detection_size=96, weights=None,
)  # fmt: skip
FIRST_DETECTOR = "yolov5n-anchor.yaml"  # a classic model, like the assignment's
FIRST_EPOCHS = 15


def check(plan: Plan, parts: Any) -> None:
    """Raise TintboxError if a value is invalid or a file is missing."""
    for key, value in (("epochs", plan.epochs), ("imgsz", plan.detection_size)):
        if not is_whole(value, 1):
            raise TintboxError(f"{key}={value}: give a whole number of 1 or more")
    if not is_whole(plan.seed, 0):
        raise TintboxError(f"seed={plan.seed}: give a whole number of 0 or more")
    if not isinstance(parts, str) or not parts or set(parts.upper()) - set(PARTS):
        raise TintboxError(f"parts={'' if parts is None else parts}: give some of {''.join(PARTS)}, e.g. parts=AC")
    if "D" in parts.upper() and plan.weights is not None and not is_there(Path(plan.weights)):
        file = Path(plan.weights)
        raise TintboxFileError(
            f"weights={file}: no such file{suggest_file(file)}; Part D fine-tunes a detector, e.g. a classic yolov3.pt "
            "or yolov5n.pt; or leave it out: parts=ABC"
        )


def studies(plan: Plan, parts: str, folder: Path) -> dict[str, Grid]:
    """Return study name -> its grid, in execution order; write models with other kernels to ``folder``."""
    common: dict[str, list[Any]] = {
        "task": ["colorize"], "data": [plan.data], "cfg": ["recipe-seed.yaml"], "epochs": [plan.epochs],
        "seed": [plan.seed], **{key: [value] for key, value in plan.more},
    }  # fmt: skip
    chosen = [f"{model}.yaml" for model, part in zip(NETWORKS, "ABC") if part in parts]
    found: dict[str, dict[str, list[Any]]] = {}
    if chosen:
        found["networks"] = {**common, "batch": [plan.batch], "model": chosen}
    if "B" in parts:
        kernels = [str(kernel_model(folder, kernel)) for kernel in KERNELS]
        found["kernels"] = {**common, "batch": [plan.batch], "model": kernels}
        found["batches"] = {**common, "model": ["colorize-convt.yaml"], "batch": [*plan.batches]}
    if "D" in parts:
        detect: dict[str, list[Any]] = {
            "task": ["detect"], "data": [plan.detection], "imgsz": [plan.detection_size], "seed": [plan.seed],
        }  # fmt: skip
        weights = plan.weights
        if weights is None:
            found["first"] = {**detect, "model": [FIRST_DETECTOR], "epochs": [FIRST_EPOCHS], "batch": [16]}
            weights = str(folder / "first" / "run" / "weights" / "best.pt")
        tuned: dict[str, list[Any]] = {
            "model": [weights],
            "cfg": ["recipe-assignment.yaml"],
            "epochs": [plan.detection_epochs],
        }
        found["detector"] = {**detect, **tuned}
    return {name: from_values(values) for name, values in found.items()}


def kernel_model(folder: Path, kernel: int) -> Path:
    """Write the YAML of a ConvTransposeNet with another kernel, and return its path."""
    description = yaml.safe_load((Path(tintbox.cfg.__path__[0]) / "colorize-convt.yaml").read_text(encoding="utf-8"))
    file = folder / "models" / f"colorize-convt-k{kernel}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(file, yaml.safe_dump({**description, "kernel": kernel}, sort_keys=False))
    return file
