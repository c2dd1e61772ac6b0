"""The process of one run: `python -m tintbox.studies.worker FOLDER [word ...]` trains what its ``run.json`` specifies.

The words are specific to this machine, such as ``workers=1``. The process ends when its standard input closes, so no
run outlives a study that was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tintbox import checkpoint_file, run_arguments
from tintbox.plugins.coco_eval.outcome import PREDICTIONS
from tintbox.run_arguments import COCO
from tintbox.studies import crossing, files, outcome
from tintbox.studies.grid import FOLD
from tintbox.studies.outcome import Outcome


def start(
    folder: Path,
    arguments: Mapping[str, Any],
    environment: Mapping[str, str],
    more: Sequence[str] = (),
    where: Path | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a run in its own process group; it lives as long as its standard input is held open.

    Args:
        folder: The run's folder, created if necessary.
        arguments: The training arguments.
        environment: Variables to set for it; those with an empty value are unset.
        more: Machine-specific words, such as ``workers=1``, that do not affect the run's identity.
        where: The working directory for relative paths; None for this process's.
        recipe: What the file of ``cfg=`` said when the study began; the run fails if it says something else by now.
    """
    Outcome(outcome.STARTED, arguments=arguments, recipe=recipe).write(folder)
    # Unbuffered, so that the log ends with the last output; TINTBOX_ENVIRONMENT records where a plain run was made.
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "TINTBOX_ENVIRONMENT": "1", **environment}
    command = [sys.executable, "-m", "tintbox.studies.worker", str(folder), *more]
    with (folder / outcome.LOG).open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=where, start_new_session=True,
            env={key: value for key, value in variables.items() if value or key not in environment},
        )  # fmt: skip


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill a run with its child processes, which may have outlived it, and wait until it has ended."""
    for one in family_of(process.pid):
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.kill()
    process.wait()


def family_of(leader: int) -> set[psutil.Process]:
    """Return the processes of a leader's group and their descendants.

    On several GPUs, PyTorch starts a process for each, in a session of its own: the group does not include them.
    """
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, AttributeError):  # ended by now; Windows has no groups
            if os.getpgid(process.pid) == leader:
                found |= {process, *process.children(recursive=True)}
    return found


def end(folder: Path, status: int, arguments: Mapping[str, Any]) -> Outcome:
    """Save and return the outcome of a run whose process ended with this exit status."""
    why = outcome.reason(folder, status) if status else ""
    if not status and outcome.lacks_predictions(folder, arguments):
        why = "its fold could not be evaluated; its log says why"
    begun = outcome.read(folder)
    found = Outcome(outcome.FAILED if why else outcome.FINISHED, why, arguments, begun.recipe if begun else None)
    found.write(folder)
    return found


def words(folder: Path, arguments: Mapping[str, Any]) -> list[str] | None:
    """Return the words of the `yolo` command that starts or resumes a run; None if nothing is left to do."""
    resolved, whole = crossing.resolve(folder, arguments), outcome.find_whole_checkpoints(folder)
    if trained := [file for file in whole if outcome.is_trained(folder, file)]:
        if any(file.name == "best.pt" for file in whole) or not (folder / outcome.WEIGHTS / "best.pt").exists():
            # It was killed during its final validation, for which a fold is trained and which `coco_eval=` asks for.
            if FOLD in arguments:
                lacking = outcome.lacks_predictions(folder, arguments)
                return crossing.validation(folder, trained[0], resolved) if lacking else None
            unevaluated = outcome.read_unevaluated(folder)
            return crossing.validation(folder, whole[-1], unevaluated) if unevaluated else None
        whole = []  # the best weights are damaged, and a fully trained last.pt cannot be resumed
    if whole:
        # The folder may have been moved in the meantime.
        data = [f"data={resolved['data']}"] if FOLD in arguments else []
        return ["train", f"model={whole[0]}", f"resume={whole[0]}", f"save_dir={folder}", *data]
    left = (old for name in ("results.*", PREDICTIONS, COCO) for old in folder.glob(name))
    for old in (*left, folder / outcome.WEIGHTS):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    place = {"project": folder.parent, "name": folder.name, "exist_ok": True}
    task = [str(resolved["task"])] if resolved.get("task") else []
    return [*task, "train", *(f"{k}={v}" for k, v in {**resolved, **place}.items() if k != "task")]


def finish_polishing(folder: Path) -> None:
    """Polish the best weights of a run that asked for it, if it was killed after its last epoch and before that."""
    whole = outcome.find_whole_checkpoints(folder)
    if len(whole) < 2 or not outcome.is_trained(folder, whole[0]):
        return
    best = whole[1]
    if checkpoint_file.facts(best).get("epoch") == -1:
        return  # the state of training is removed after the polishing
    arguments = run_arguments.read(folder)
    several = "," in str(arguments.get("device"))  # whose runs are not polished at their end
    if arguments.get("polish") and not several:
        from tintbox.plugins.polish import training, variants

        if not checkpoint_file.mentions(best, variants.MARK.encode()):
            training.replace_best(best, arguments, arguments.get("device"))


def die_with_standard_input() -> None:
    """Kill this process and its children when the other end of its standard input is closed."""
    while os.read(0, 1024):  # not sys.stdin, whose lock a thread must not hold when the interpreter exits
        pass
    for one in family_of(os.getpid()) - {psutil.Process()}:
        with contextlib.suppress(psutil.Error):
            one.kill()
    os._exit(1)


def main() -> None:
    """Train the run."""
    folder = Path(sys.argv[1]).resolve()
    threading.Thread(target=die_with_standard_input, daemon=True).start()
    recorded = outcome.read(folder)
    if recorded is None or recorded.arguments is None:
        raise SystemExit(f"{folder}: no {outcome.FILE}")
    if other := files.list_changed(recorded.recipe, files.contents(recorded.arguments.get("cfg")), recorded.arguments):
        cfg = recorded.arguments["cfg"]
        raise SystemExit(f"cfg={cfg} has changed since the study began ({other}); restore it, or begin another study")
    finish_polishing(folder)
    if line := words(folder, recorded.arguments):
        sys.argv[:] = ["yolo", *line, *sys.argv[2:]]  # in place: an imported Ultralytics holds this very list
        from ultralytics.cfg import entrypoint

        entrypoint()


if __name__ == "__main__":
    main()
