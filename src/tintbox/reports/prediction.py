"""Predictions of a model for an image, with one-line errors."""

from __future__ import annotations

from typing import Any

from tintbox.checks import is_number, is_whole
from tintbox.errors import TintboxError, one_line
from tintbox.limits import PREDICTED_SIDE
from tintbox.reports.boxes import Boxes

LEAST_SIDE = 32  # pixels


def check_size(imgsz: Any) -> None:
    """Raise TintboxError for an invalid input size, which is a side in pixels or ``[height, width]``."""
    sides = imgsz if isinstance(imgsz, (list, tuple)) else [imgsz]
    if not sides or len(sides) > 2:
        raise TintboxError(f"imgsz={imgsz}: give a side in pixels, or [height, width]")
    for side in sides:
        if not is_whole(side, LEAST_SIDE, PREDICTED_SIDE):
            raise TintboxError(
                f"imgsz={one_line(side)[:40]}: give a whole number from {LEAST_SIDE} to {PREDICTED_SIDE}"
            )


def check_choice(n: Any, seed: Any, conf: Any) -> None:
    """Raise TintboxError if the number of images, the seed that chooses them, or the confidence is invalid."""
    for name, value, low in (("n", n, 1), ("seed", seed, 0)):
        if not is_whole(value, low):
            raise TintboxError(f"{name}={value}: give a whole number of {low} or more")
    if not is_number(conf, 0, 1):
        raise TintboxError(f"conf={conf}: give a number from 0 to 1")


def predict(model: Any, file: str, conf: float, imgsz: Any) -> Any:
    """Return Ultralytics' result for an image, which has been checked against the size limits.

    Raises:
        TintboxError: The size is invalid, or the model fails.
    """
    check_size(imgsz)
    try:
        return model.predict(file, conf=conf, imgsz=imgsz, save=False, verbose=False)[0]
    except TintboxError:
        raise
    except Exception as error:  # whatever weights of another version or too little memory cause
        raise TintboxError(f"the model fails at {file} ({type(error).__name__}: {one_line(error)})") from error


def boxes(result: Any) -> Boxes:
    """Return the boxes of a result, oriented ones as their axis-aligned boxes.

    Raises:
        TintboxError: The model predicts classes that it has no names for.
    """
    found = result.boxes if result.obb is None else result.obb  # obb models have no `boxes`
    try:
        names = [str(result.names[int(c)]) for c in found.cls]
    except (LookupError, TypeError) as error:
        raise TintboxError("the model has no names for its classes") from error
    return Boxes(found.xyxy.cpu().numpy().reshape(-1, 4), names, found.conf.tolist())
