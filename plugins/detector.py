"""Loading of a detector's checkpoint, with one-line errors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tintbox import yaml_file
from tintbox.errors import CheckpointError, TintboxError, TintboxFileError, one_line, suggest

TASKS = ("detect", "segment", "pose", "obb")  # tasks whose results have boxes


def load_detector(model: str | Path, offered: Iterable[str] = TASKS) -> Any:
    """Return the YOLO model of a checkpoint whose task has boxes.

    Args:
        model: The checkpoint.
        offered: Tasks to name in the error for a model without boxes.

    Raises:
        TintboxError: The file does not exist, or is not a detector.
    """
    from tintbox.plugins import autoload

    path = Path(str(model))
    if yaml_file.is_yaml(path):
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
    except Exception as error:  # a damaged checkpoint can raise anything
        raise TintboxError(f"model={model}: cannot be loaded ({one_line(error)})") from error
    check_task(model, detector.task, offered)
    return detector


def check_task(model: str | Path, task: str, offered: Iterable[str] = TASKS) -> None:
    """Raise TintboxError if the models of a task have no boxes; ``offered`` as in `load_detector`."""
    if task not in TASKS:
        raise TintboxError(f"model={model} is a {task} model, which has no boxes; give one of {', '.join(offered)}")
