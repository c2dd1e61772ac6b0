"""The state of a study's run: ``run.json`` in its folder, and whether it is finished or can be resumed."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tintbox import atomic, checkpoint_file, json_file, run_arguments
from tintbox.errors import COLOUR, TintboxError, one_line
from tintbox.limits import JSON_BYTES, LOG_BYTES
from tintbox.plugins import callbacks
from tintbox.plugins.coco_eval import pooling
from tintbox.run_folder import RESULTS
from tintbox.studies.grid import FOLD

FILE, LOG, WEIGHTS = "run.json", "log.txt", "weights"
FINISHED, FAILED, STARTED = "finished", "failed", "started"
TRACEBACK = "Traceback (most recent call last):"
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Outcome:
    """The state of a run.

    Attributes:
        state: ``"started"``, ``"finished"`` or ``"failed"``; a "started" run without a process was killed.
        reason: Why it failed, in one line.
        arguments: The arguments that it was started with.
        recipe: What the file of its ``cfg=`` said then; None without one, or if unknown.
    """

    state: str
    reason: str = ""
    arguments: Mapping[str, Any] | None = None
    recipe: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Write ``run.json`` atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(folder / FILE, json.dumps(asdict(self), indent=1))


def read(folder: Path) -> Outcome | None:
    """Return the state of a run, or None if it was never started or its file is damaged."""
    try:
        found = Outcome(**json_file.read(folder / FILE, JSON_BYTES))
    except (TintboxError, TypeError):
        return None
    if found.state not in (STARTED, FINISHED, FAILED) or not isinstance(found.reason, str):
        return None
    if not all(value is None or isinstance(value, dict) for value in (found.arguments, found.recipe)):
        return None
    return replace(found, reason=shorten(found.reason))


def same_arguments(outcome: Outcome, arguments: Mapping[str, Any]) -> bool:
    """Return whether a run was started with these arguments, compared as JSON: no tuples, only string keys."""
    return outcome.arguments == json.loads(json.dumps(arguments))


def has_begun(folder: Path, found: Outcome) -> bool:
    """Return whether a run has weights, from which it would be resumed, or has finished."""
    return found.state == FINISHED or any((folder / WEIGHTS).glob("*.pt"))


def find_whole_checkpoints(folder: Path) -> list[Path]:
    """Return those of a run's ``last.pt`` and ``best.pt`` that are complete, in this order."""
    files = [folder / WEIGHTS / name for name in ("last.pt", "best.pt")]
    return [file for file in files if checkpoint_file.is_whole(file)]


def is_trained(folder: Path, file: Path) -> bool:
    """Return whether a checkpoint is of its run's last epoch, so not to be resumed; no code in it is executed."""
    epoch = checkpoint_file.facts(file).get("epoch")
    return epoch is not None and (epoch == -1 or epoch + 1 >= planned_epochs(folder))


def planned_epochs(folder: Path) -> float:
    """Return the planned number of epochs in a run's ``args.yaml``; infinity if that cannot be read."""
    try:
        epochs = float(run_arguments.read(folder)["epochs"])
    except (TintboxError, KeyError, TypeError, ValueError, OverflowError):
        return math.inf
    return epochs if epochs >= 1 else math.inf


def claims_to_be_finished(folder: Path) -> bool:
    """Return whether a run's file says that it has finished; its weights are not checked."""
    found = read(folder)
    return found is not None and found.state == FINISHED


def is_finished(folder: Path, found: Outcome | None) -> bool:
    """Return whether a run has finished with complete weights and, if it has a fold, its predictions."""
    if found is None or found.state != FINISHED or lacks_predictions(folder, found.arguments):
        return False
    best = folder / WEIGHTS / "best.pt"  # does not exist if no epoch had a fitness
    return checkpoint_file.is_whole(best if best.exists() else best.with_name("last.pt"))


def lacks_predictions(folder: Path, arguments: Mapping[str, Any] | None) -> bool:
    """Return whether a run has a fold but no predictions for it, or damaged ones."""
    return FOLD in (arguments or {}) and not pooling.is_whole(folder)


def read_unevaluated(folder: Path) -> Mapping[str, Any] | None:
    """Return the arguments in a run's folder if they ask for a COCO evaluation that is not there, else None."""
    try:
        found = run_arguments.read(folder)
    except TintboxError:
        return None
    requested = callbacks.wants_coco_eval(SimpleNamespace(**found))
    return found if requested and not (folder / run_arguments.COCO).is_file() else None


def trained_epochs(folder: Path) -> int:
    """Return the number of epochs in ``results.csv``."""
    try:
        return max(0, (folder / RESULTS).read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def reason(folder: Path, status: int) -> str:
    """Return why a process ended with a nonzero status: its error, its last line of output, or its signal."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return f"killed by signal {-status} ({name}){'; out of memory?' if name == 'SIGKILL' else ''}"
    said = [line for line in COLOUR.sub("", log_end(folder)).splitlines() if line.strip()]
    traces = [i for i, line in enumerate(said) if line == TRACEBACK]
    if traces:  # the error itself follows the indented lines, and may span several lines
        after = said[traces[-1] + 1 :]
        error = next((i for i, line in enumerate(after) if not line.startswith(" ")), None)
        said = said if error is None else [" ".join(after[error:])]
    return shorten(said[-1]) if said else f"exit status {status}"


def log_end(folder: Path) -> str:
    """Return the end of a run's log."""
    try:
        with (folder / LOG).open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - LOG_BYTES))
            return stream.read(LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""


def shorten(reason: str) -> str:
    """Return a reason as one line of limited length; `one_line` also escapes what is not UTF-8."""
    why = one_line(reason)
    return why if len(why) <= LONGEST else f"{why[: LONGEST - 4]} ..."
