"""What can be said of a study before anything is trained: arguments, files, the size of the grid, the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tintbox.errors import TintboxError, TintboxFileError, nearest, nearest_file, one_line
from tintbox.study.grid import Grid, Run

OWN = ("project", "name")  # the study's, not a run's
PLACE = {
    "exist_ok": "a study goes on where it was",
    "resume": "a study resumes its runs by itself",
    "save_dir": "use project= and name=",
}
MANY = 200  # runs that nobody asks for by mistake
ROOM = (
    64 * 2**20
)  # bytes that must be free per run: two checkpoints of a small network with its optimizer, and pictures


def check_arguments(grid: Grid, *, many: bool) -> None:
    """Check a grid before its folder is made.

    Args:
        grid: The grid.
        many: Whether more than 200 runs are meant.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    from ultralytics.cfg import MODES, TASKS
    from ultralytics.utils import DEFAULT_CFG_DICT

    for key in (*grid.fixed, *grid.varied):
        if key in PLACE:
            raise TintboxError(f"{key}= is no argument of a study: {PLACE[key]}")
        if key not in DEFAULT_CFG_DICT:
            raise TintboxError(f"'{key}' is no argument of `yolo train`{nearest(key, DEFAULT_CFG_DICT)}")
        if key in grid.varied and key in (*OWN, "mode"):
            raise TintboxError(f"{key}={','.join(map(str, grid.varied[key]))}: a study has one {key}")
    if grid.fixed.get("mode", "train") != "train":
        raise TintboxError(f"mode={grid.fixed['mode']}: a study trains ({', '.join(sorted(MODES))} go by `yolo`)")
    for task in values(grid, "task"):
        if task not in TASKS:
            raise TintboxError(f"task={task}: no such task ({', '.join(sorted(TASKS))}){nearest(task, TASKS)}")
    runs = grid.runs()
    if len(runs) > MANY and not many:
        sizes = " x ".join(f"{len(v)} {key}" for key, v in grid.varied.items())
        raise TintboxError(f"{len(runs)} runs ({sizes}) are more than {MANY}; give --yes if you mean it")
    for name in ("data", "cfg", "model"):
        for value in values(grid, name):
            check_file(name, value)
    for run in runs:
        check_run(run)


def values(grid: Grid, key: str) -> Sequence[Any]:
    """Return all values of an argument."""
    return grid.varied.get(key) or ([grid.fixed[key]] if grid.fixed.get(key) is not None else [])


def check_file(key: str, value: Any) -> None:
    """Raise TintboxError if an argument names a file that is nowhere; weights by bare name may be downloaded."""
    from ultralytics.nn.tasks import yaml_model_load
    from ultralytics.utils.checks import check_file as search

    path = Path(str(value))
    try:
        if path.suffix in (".yaml", ".yml"):
            yaml_model_load(path) if key == "model" else search(str(path), download=False)
        elif path.suffix == ".pt" and path.parent != Path() and not path.is_file():
            raise TintboxFileError(f"'{path}' does not exist{nearest_file(path)}")
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:  # a broken YAML
        raise TintboxFileError(f"{key}={value}: {one_line(error)}") from error


def check_run(run: Run) -> None:
    """Raise TintboxError if a run's arguments have a value that Ultralytics or tintbox refuses."""
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT, YAML
    from ultralytics.utils.checks import check_yaml

    arguments = dict(run.arguments)
    file = arguments.pop("cfg", None)
    try:
        arguments = {**(YAML.load(check_yaml(file)) if file else {}), **arguments}
        arguments.pop("cfg", None)
        get_cfg(DEFAULT_CFG_DICT, arguments)
    except (OSError, TypeError, ValueError, SyntaxError, AttributeError, yaml.YAMLError) as error:
        raise TintboxError(f"{run.name}: {one_line(error)}") from error


def check_folder(folder: Path, runs: int, word: str = "project") -> None:
    """Raise TintboxError if the study's folder cannot be written, or the disk is too full for its runs.

    Args:
        folder: The folder, made if need be.
        runs: How many runs are still to be made.
        word: The argument that named the folder.
    """
    probe = folder / f".write-{os.getpid()}"
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        free = shutil.disk_usage(there).free
        if free < ROOM * runs:
            need = f"{runs} run{'s' * (runs > 1)} may need {ROOM * runs / 2**30:.1f} GiB"
            raise TintboxError(f"{folder}: {free / 2**30:.1f} GiB are free, {need}; make room or give {word}=")
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 2**20)
        probe.unlink()
    except OSError as error:
        probe.unlink(missing_ok=True) if folder.is_dir() else None
        raise TintboxError(
            f"{folder}: cannot be written ({error.strerror or one_line(error)}); give {word}="
        ) from error
