"""Conversion of classic YOLOv3 and YOLOv5 checkpoints to the current format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox import checkpoint_file
from tintbox.errors import TintboxError
from tintbox.plugins.anchor import unpickler
from tintbox.plugins.anchor.conversion import convert
from tintbox.plugins.anchor.records import Record


def checkpoint(path: Path) -> dict[str, Any]:
    """Return a classic checkpoint in the current format, with its model built from Ultralytics' modules.

    Raises:
        TintboxError: It is not a classic checkpoint, or its architecture cannot be built.
    """
    raw = checkpoint_file.head(path)
    if not checkpoint_file.CLASSIC.search(raw):
        raise TintboxError(
            f"{path}: no classic YOLOv3 or YOLOv5 checkpoint (its pickle names neither models.yolo nor models.common); "
            "a current one needs no import"
        )
    content = unpickler.read(path)
    classic = content
    if isinstance(content, dict):
        classic = content.get("model") if content.get("ema") is None else content["ema"]
    if not isinstance(classic, Record) or classic.path not in ("models.yolo.Model", "models.yolo.DetectionModel"):
        what = getattr(classic, "path", type(classic).__name__)
        raise TintboxError(f"{path} holds a {what}; give the checkpoint of a detection model")
    return {"model": convert(classic, path), "train_args": {}, "epoch": -1}
