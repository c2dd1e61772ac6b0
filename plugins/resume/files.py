"""The checkpoints in a run's folder: which one is damaged, and which one can be resumed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from tintbox import checkpoint_file

NAMES = ("last.pt", "best.pt")


def explain_damage(weight: Any) -> str | None:
    """Return advice for a damaged checkpoint if the run has another one that is intact, else None."""
    file = Path(str(weight))
    if file.name not in NAMES or not file.is_file() or checkpoint_file.is_whole(file):
        return None
    for name in NAMES:
        other = file.with_name(name)
        if other.is_file() and checkpoint_file.is_whole(other):
            command = f"yolo train resume model={shlex.quote(str(other))}"
            return f"{file} is damaged; {name} beside it is whole: go on with `{command}`, or take its weights"
    return None
