"""Where tintbox's arguments have an effect: set for another task or mode, they are refused rather than ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tintbox.errors import TintboxError
from tintbox.plugins.options import OPTIONS, Option


def check(task: str, mode: str, arguments: Mapping[str, Any], typed: Collection[str]) -> None:
    """Refuse arguments that are set but have no effect.

    A `cfg=` file may serve several modes and tasks, so what is not in ``typed``, the names given in the command or
    call itself, only causes a warning.

    Raises:
        TintboxError: In one line, naming the argument and where it has an effect.
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
    """Return where an argument has an effect, in command syntax: ``yolo detect|segment train|val``."""
    words = [word for word in ("|".join(option.tasks), "|".join(option.modes)) if word]
    return f"`yolo {' '.join(words)}`"
