"""How a study's run stands: ``run.json`` in its folder, and what can be resumed of it."""

from __future__ import annotations

import json
import re
import signal
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tintbox.errors import one_line
from tintbox.run_folder import RESULTS

FILE, LOG = "run.json", "log.txt"
FINISHED, FAILED, STARTED = "finished", "failed", "started"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK = "Traceback (most recent call last):"
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Outcome:
    """How a run stands.

    Attributes:
        state: ``"started"``, ``"finished"`` or ``"failed"``; a run that is "started" and has no process was killed.
        reason: Why it failed, in a line.
        arguments: What it was started with.
    """

    state: str
    reason: str = ""
    arguments: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Write ``run.json``; it appears as a whole."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{FILE}.part"
        part.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        part.replace(folder / FILE)


def read(folder: Path) -> Outcome | None:
    """Return how a run stands, or None if it was never started."""
    try:
        return Outcome(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def same_arguments(outcome: Outcome, arguments: Mapping[str, Any]) -> bool:
    """Return whether a run was started with these arguments; JSON has no tuples and no keys but texts."""
    return outcome.arguments == json.loads(json.dumps(arguments))


def resumable(folder: Path) -> Path | None:
    """Return the checkpoint to resume from; the one that was being written when the process was killed is none."""
    files = [folder / "weights" / name for name in ("last.pt", "best.pt")]
    return next((file for file in files if file.is_file() and zipfile.is_zipfile(file)), None)


def epochs_done(folder: Path) -> int:
    """Return how many epochs are in ``results.csv``."""
    try:
        return max(0, (folder / RESULTS).read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def reason(folder: Path, status: int) -> str:
    """Return why a process ended with a status other than zero: its error, the last line it wrote, or its signal."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return f"killed by signal {-status} ({name}){'; out of memory?' if name == 'SIGKILL' else ''}"
    try:
        log = COLOUR.sub("", (folder / LOG).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        log = ""
    said = [line for line in log.splitlines() if line.strip()]
    traces = [i for i, line in enumerate(said) if line == TRACEBACK]
    if traces:  # what it names comes after the indented lines, and may be several lines long
        after = said[traces[-1] + 1 :]
        error = next((i for i, line in enumerate(after) if not line.startswith(" ")), None)
        said = said if error is None else [" ".join(after[error:])]
    why = one_line(said[-1]) if said else f"exit status {status}"
    return why if len(why) <= LONGEST else f"{why[: LONGEST - 4]} ..."
