"""Where tintbox's arguments count: one that is set for a task or mode without it is refused, not passed over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tintbox.errors import TintboxError
from tintbox.plugins.options import OPTIONS, Option


def check(task: str, mode: str, arguments: Mapping[str, Any], typed: Collection[str]) -> None:
    """Refuse what is set and cannot count.

    A file that `cfg=` names may serve several modes and tasks, so for what it sets a warning is enough.

    Args:
        task: The model's task.
        mode: "train", "val", "predict", "track", "export" or "benchmark".
        arguments: All that the run is given, a file's included.
        typed: The names of those that the command or the Python call itself gives.

    Raises:
        TintboxError: In one line, naming the argument and where it counts.
    """
    astray = [option for option in OPTIONS if option.is_set(arguments) and not option.counts(task, mode)]
    for option in astray:
        if option.name in typed:
            raise TintboxError(
                f"{option.name}={arguments[option.name]}: counts in {place(option)} only, not in "
                f"`yolo {task} {mode}`; leave it out"
            )
    if astray:
        from ultralytics.utils import LOGGER

        LOGGER.warning(f"{', '.join(o.name for o in astray)} of the cfg= file: no effect in `yolo {task} {mode}`")


def place(option: Option) -> str:
    """Return where an argument counts, as one writes commands: ``yolo detect|segment train|val``."""
    words = [word for word in ("|".join(option.tasks), "|".join(option.modes)) if word]
    return f"`yolo {' '.join(words)}`"
