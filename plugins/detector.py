"""A detector's checkpoint, loaded, with what is wrong with it in one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tintbox.errors import CheckpointError, TintboxError, TintboxFileError, one_line, suggest

TASKS = ("detect", "segment", "pose", "obb")  # those whose results have boxes


def load_detector(model: str | Path, offered: Iterable[str] = TASKS) -> Any:
    """Return the YOLO model of a checkpoint whose task has boxes.

    Args:
        model: The checkpoint.
        offered: Tasks that the error names for one without boxes.

    Raises:
        TintboxError: There is no such file, or it is no detector.
    """
    from tintbox.plugins import autoload

    path = Path(str(model))
    if path.suffix in (".yaml", ".yml"):
        raise TintboxError(f"model={model} is a model's YAML, without trained weights; give a checkpoint, e.g. best.pt")
    autoload.install()
    from ultralytics import YOLO

    try:
        detector = YOLO(str(model))
    except CheckpointError as error:
        raise TintboxError(f"model={model}: cannot be loaded ({one_line(error.__cause__)})") from error
    except TintboxError:
        raise
    except FileNotFoundError as error:
        near = suggest(path.name, (p.name for p in path.parent.glob(f"*{path.suffix}")) if path.suffix else ())
        raise TintboxFileError(f"model={model}: no such file{near}") from error
    except Exception as error:  # a damaged checkpoint raises whatever its pickle leads to
        raise TintboxError(f"model={model}: cannot be loaded ({one_line(error)})") from error
    if detector.task not in TASKS:
        raise TintboxError(
            f"model={model} is a {detector.task} model, which has no boxes; give one of {', '.join(offered)}"
        )
    return detector
