"""The start of a resumed run: whether there is anything to resume, and from which state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ultralytics.utils import LOGGER, RANK
from ultralytics.utils.checks import check_file

from tintbox import atomic, yaml_file
from tintbox.errors import TintboxError, TintboxFileError
from tintbox.plugins import callbacks, options
from tintbox.plugins.resume.state import KEY, VERSION, Position


def check_finished(model: Any, given: Mapping[str, Any]) -> None:
    """Refuse to resume a tintbox run from a finished checkpoint, or from none, or without its dataset.

    Raises:
        TintboxError: The checkpoint is finished, the model is none, or the dataset is not there.
    """
    checkpoint = model.ckpt or {}
    before = {**checkpoint.get("train_args", {}), **getattr(model.model, "tintbox_args", {})}
    arguments = {**before, **given, "task": model.task}
    if not callbacks.wants_resume(SimpleNamespace(**arguments)):
        return
    name = model.ckpt_path or model.model_name
    if checkpoint.get("epoch", -1) >= 0 and checkpoint.get("optimizer") is not None:
        if checkpoint["epoch"] + 1 >= before.get("epochs", math.inf):
            raise TintboxError(explain_stopped_at_its_end(name))
        check_data(str(arguments.get("data")))
    else:
        nothing = f"resume=True: model={name} is no checkpoint of a stopped run; give its last.pt as model="
        raise TintboxError(explain_finished(name) if checkpoint else nothing)


def check_data(data: str) -> None:
    """Refuse to resume a run whose dataset YAML is not there, as in another folder than the run was started in.

    Raises:
        TintboxFileError: It is not.
    """
    if yaml_file.is_yaml(data) and yaml_file.ADDRESS not in data and not check_file(data, hard=False):
        raise TintboxFileError(f"data={data}: no such file here; resume where the run was started, or give data=")


def check_kept(network: Any, given: Mapping[str, Any]) -> None:
    """Refuse to resume a checkpoint's run with other arguments of tintbox's, which Ultralytics would ignore.

    Raises:
        TintboxError: One has another value than in the run.
    """
    given, kept = dict(given), {**options.own_defaults(), **getattr(network, "tintbox_args", {})}
    options.check(given)
    for name in sorted(kept.keys() - {"palette"}):  # by its content, in the colouriser's own check
        if name in given and given[name] != kept[name]:
            raise TintboxError(f"{name}={given[name]}: a resumed run goes on with {name}={kept[name]}; leave it out")


def check(trainer: Any, checkpoint: dict[str, Any] | None) -> None:
    """Refuse to resume a run that has trained all its epochs.

    Raises:
        TintboxError: The run is finished.
    """
    if trainer.resume and checkpoint is not None and not 0 < checkpoint.get("epoch", -1) + 1 < trainer.epochs:
        stopped = checkpoint.get("epoch", -1) >= 0
        raise TintboxError((explain_stopped_at_its_end if stopped else explain_finished)(trainer.args.model))


def explain_stopped_at_its_end(file: Any) -> str:
    """Return the error message for a run that was stopped when all its epochs were trained."""
    best = Path(str(file)).with_name("best.pt")
    return (
        f"model={file} has trained all its epochs and was stopped before the last validation: there is nothing to "
        f"resume; {best} is complete: `yolo val model={best}` validates it, `tintbox polish {best}` polishes it"
    )


def explain_finished(file: Any) -> str:
    """Return the error message for a finished run."""
    return f"model={file} is a finished run's: there is nothing to resume; leave out `resume` to train on from it"


def explain_moved(file: Path, folder: Path) -> str | None:
    """Return the warning for a checkpoint outside its run's folder, where Ultralytics goes on; None for one within."""
    if folder.resolve() in file.resolve().parents:
        return None
    here = file.parent.parent if file.parent.name == "weights" else file.parent
    return f"{file} is not in its run's folder, and the run goes on there, in {folder}; to go on here: save_dir={here}"


def begin(trainer: Any, checkpoint: dict[str, Any] | None) -> None:
    """Track the training state from here on; a resumed run first restores the checkpoint's state."""
    trainer.tintbox_position = Position(trainer)
    if not trainer.resume or checkpoint is None:
        return
    if RANK in {-1, 0}:
        if moved := explain_moved(Path(trainer.args.model), Path(trainer.save_dir)):
            LOGGER.warning(moved)
        drop_rows(trainer.csv, trainer.start_epoch + 1)
    saved = (checkpoint.get("optimizer") or {}).get(KEY, {})
    if saved.get("version") != VERSION:
        return  # saved by stock Ultralytics or an earlier tintbox
    try:
        trainer.tintbox_position.restore(saved)
    except (KeyError, ValueError) as error:
        LOGGER.warning(
            f"{trainer.args.model}: resuming from the averaged weights, since its own do not fit this network ({error})"
        )


def drop_rows(file: Path, epoch: int) -> None:
    """Remove the rows of a results.csv from ``epoch`` on, counted from 1, and incomplete ones left by a killed process.

    If an epoch appears twice because of an earlier resume, its last row is kept. The other rows stay byte for byte.
    """
    if not file.is_file():
        return
    header, *rows = file.read_bytes().splitlines(keepends=True) or [b""]
    columns = header.count(b",")
    kept: dict[int, bytes] = {}
    for row in rows:
        first = row.partition(b",")[0].strip()
        if row.endswith(b"\n") and row.count(b",") == columns and first.isdigit() and int(first) < epoch:
            kept[int(first)] = row
    if len(kept) < len(rows):
        atomic.write_bytes(file, header + b"".join(kept[number] for number in sorted(kept)))
