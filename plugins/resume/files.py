"""The checkpoints of a run's folder: which one is damaged, and which one it can go on from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from tintbox import checkpoint_file

NAMES = ("last.pt", "best.pt")


def explain_damage(weight: Any) -> str | None:
    """Return what to do about a checkpoint of a run that is damaged, if the run has another one that is whole."""
    file = Path(str(weight))
    if file.name not in NAMES or not file.is_file() or checkpoint_file.is_whole(file):
        return None
    for name in NAMES:
        other = file.with_name(name)
        if other.is_file() and checkpoint_file.is_whole(other):
            command = f"yolo train resume model={shlex.quote(str(other))}"
            return f"{file} is damaged; {name} beside it is whole: go on with `{command}`, or take its weights"
    return None
