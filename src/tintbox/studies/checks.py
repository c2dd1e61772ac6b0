"""Checks of a study before anything is trained: arguments, files, the size of the grid, the folder."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tintbox.checks import is_there
from tintbox.datasets.reading.description import lacks_validation
from tintbox.errors import TintboxError, counted, explain_refusal, one_line, suggest
from tintbox.folds.choice import WORDS
from tintbox.limits import MOST_RUNS
from tintbox.path_names import as_text, is_utf8
from tintbox.plugins import options, preflight
from tintbox.studies import crossing, dependence, files
from tintbox.studies.grid import Grid
from tintbox.studies.values import text
from tintbox.terminal import quiet

ONCE = (*WORDS, "project", "name", "mode")  # arguments of the study, not of a run
PLACE = {
    "exist_ok": "a study goes on where it was",
    "resume": "a study resumes its runs by itself",
    "save_dir": "use project= and name=",
}
MANY = 200  # runs; more need --yes
DEFAULT_TASK = "detect"
ROOM = 64 << 20  # free bytes required per run: two checkpoints of a small network with optimizer, and figures


def check_arguments(grid: Grid, *, many: bool) -> list[str]:
    """Check a grid before its folder is created, and return notes for the user, e.g. fixed arguments without effect.

    More than 200 runs are refused unless ``many``.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    from ultralytics.cfg import MODES, TASKS
    from ultralytics.utils import DEFAULT_CFG_DICT

    for key in (*grid.fixed, *grid.varied):
        if key in PLACE:
            raise TintboxError(f"{key}= is no argument of a study: {PLACE[key]}")
        if key not in DEFAULT_CFG_DICT and key not in WORDS:
            raise TintboxError(f"'{key}' is no argument of `yolo train`{suggest(key, DEFAULT_CFG_DICT)}")
        if key in grid.varied and key in ONCE:
            raise TintboxError(f"{key}={','.join(map(str, grid.varied[key][:3]))}: a study has one {key}")
    if grid.fixed.get("mode", "train") != "train":
        raise TintboxError(f"mode={grid.fixed['mode']}: a study trains ({', '.join(sorted(MODES))} go by `yolo`)")
    for task in values(grid, "task"):
        if task not in TASKS:
            raise TintboxError(f"task={task}: no such task ({', '.join(sorted(TASKS))}){suggest(str(task), TASKS)}")
    remarks = crossing.check_pictures(grid)
    if grid.size > MANY and not many:
        sizes = " x ".join(f"{len(v)} {key}" for key, v in grid.varied.items())
        sizes = " x ".join(filter(None, (sizes, f"{grid.folds} folds" * bool(grid.folds))))
        raise TintboxError(f"{grid.size:,} runs ({sizes}) are more than {MANY}; give --yes if you mean it")
    if grid.size > MOST_RUNS:
        raise TintboxError(f"{grid.size:,} runs are more than a study can have ({MOST_RUNS:,})")
    files.recipe.cache_clear()
    files.model.cache_clear()
    for name in ("data", "cfg", "model", "pretrained"):
        for value in values(grid, name):
            files.check(name, value)
    if not grid.folds:
        for data in values(grid, "data"):
            if data is not None and lacks_validation(data):
                raise TintboxError(
                    f"data={data}: no val split; give folds=5, or make one by `tintbox recipe ... split=0.2`"
                )
    return [*check_runs(grid), *remarks]


def values(grid: Grid, key: str) -> Sequence[Any]:
    """Return all values of an argument."""
    return grid.varied.get(key) or ([grid.fixed[key]] if grid.fixed.get(key) is not None else [])


def check_runs(grid: Grid) -> list[str]:
    """Check each value on its own and the arguments of each run together, and return notes for the user.

    Raises:
        TintboxError: Ultralytics or tintbox would refuse a value or a run, or two runs would be identical.
    """
    from ultralytics.cfg import TASK2MODEL, check_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    for key in (*grid.fixed, *grid.varied):
        for value in () if key in WORDS else values(grid, key):
            own = {key: value}
            options.check(own)  # first: of an argument that it shares with tintbox, Ultralytics names its values only
            try:
                check_cfg(own)
            except (TypeError, ValueError, AttributeError) as error:
                raise TintboxError(one_line(error)) from error  # the message names the argument
    runs = []
    for run in grid.runs():
        recipe = files.recipe(str(run.arguments["cfg"])) if run.arguments.get("cfg") else {}
        arguments = {**DEFAULT_CFG_DICT, **recipe, **run.arguments}
        options.check(arguments)
        task = run.arguments.get("task") or recipe.get("task")
        model = files.model(str(arguments["model"] or TASK2MODEL[str(task or DEFAULT_TASK)]))
        task = task or model.task
        crossing.check_task(grid, task)
        plain = model.head and model.head not in ("AnchorDetect", "DarknetDetect")
        try:
            with quiet(logging.ERROR):  # the run itself warns of what counts for nothing in its cfg= file
                preflight.check_arguments(task, arguments, run.arguments, arguments["model"] if plain else None)
        except TintboxError as error:
            raise TintboxError(f"{run.name}: {one_line(error)}" if grid.varied else one_line(error)) from error
        runs.append((run, arguments, task))
    if wrong := dependence.find_same(runs):
        raise TintboxError(wrong)
    _, arguments, task = runs[0]
    return [
        f"{key}={text(value)} does not count: {why}"
        for key, value in grid.fixed.items()
        if value and key not in WORDS and (why := dependence.explain_ignored(key, arguments, task))
    ]


def check_folder(folder: Path, runs: int, word: str = "project") -> None:
    """Create the study's folder; raise TintboxError if it cannot be written, or the disk is too full for more ``runs``.

    ``word`` is the argument that named the folder.
    """
    resolved = str(folder.resolve())
    if resolved.count("[") != resolved.count("]"):
        raise TintboxError(f"{folder}: `yolo` takes no path in which a bracket is not closed; give {word}=")
    if not is_utf8(resolved):  # Ultralytics writes it into files
        raise TintboxError(f"{as_text(resolved)}: the folder's path is not in UTF-8; give {word}=")
    probe = folder / f".write-{os.getpid()}"
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if is_there(place, Path.exists))
    with explain_refusal(f"{folder}: cannot be written", f"; give {word}="):
        free = shutil.disk_usage(there).free
        if free < ROOM * runs:
            need = f"{counted(runs, 'run')} may need {ROOM * runs / 2**30:.1f} GiB"
            raise TintboxError(f"{folder}: {free / 2**30:.1f} GiB are free, {need}; make room or give {word}=")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"\0" * 2**20)
        finally:
            probe.unlink(missing_ok=True)
