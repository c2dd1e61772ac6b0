"""The folder of a study: choosing it, its ``study.yaml``, and whether it already holds another study."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

import tintbox
from tintbox import atomic
from tintbox.checks import is_there
from tintbox.errors import TintboxError
from tintbox.studies import files, outcome
from tintbox.studies.grid import Grid, parse
from tintbox.studies.lock import HOLDER, LOCK
from tintbox.studies.outcome import same_arguments
from tintbox.studies.values import as_hashable

FILE = "study.yaml"
PROJECT, NAME = "runs/study", "study"


def choose(grid: Grid) -> tuple[Path, Grid]:
    """Return the study's folder and its grid, without `project` and `name`.

    The folder is the one that already holds this study or a part of it, else the next free one. If the user gives a
    name, that folder and no other is used.

    Raises:
        TintboxError: The folder of that name holds another study.
    """
    fixed = {key: value for key, value in grid.fixed.items() if key not in ("project", "name", "mode")}
    own = Grid(fixed, grid.varied)
    project, name = Path(str(grid.fixed.get("project") or PROJECT)), grid.fixed.get("name")
    if name:
        folder = project / str(name)
        if not is_free_for(folder, own):
            what = explain_difference(folder, own) or f"{folder} is there and is no study"
            raise TintboxError(f"{what}; give another name=")
        return folder, own
    number = 1
    while not is_free_for(folder := project / (NAME if number == 1 else f"{NAME}-{number}"), own):
        number += 1
    return folder, own


def is_folder(word: str) -> bool:
    """Return whether a word means a study's folder: an existing folder that is not merely named like a task."""
    from ultralytics.cfg import TASKS

    if not is_there(Path(word), Path.is_dir):
        return False
    return word not in (*TASKS, "train") or (Path(word) / FILE).is_file()


def is_free_for(folder: Path, grid: Grid) -> bool:
    """Return whether a folder is free, or holds this study or a part of it."""
    if not folder.exists():
        return True
    if folder.is_dir() and not any(file.name not in (LOCK, HOLDER) for file in folder.iterdir()):
        return True
    try:
        return (folder / FILE).is_file() and explain_difference(folder, grid) is None
    except TintboxError:  # its content cannot be read, so it is left alone
        return False


def explain_difference(folder: Path, grid: Grid) -> str | None:
    """Return how a folder's study differs from this grid, None if it is a part of it or there is no study."""
    if not (folder / FILE).is_file():
        return None
    recorded = read(folder)
    if not grid.extends(recorded):
        then, now = ({**{k: [v] for k, v in g.fixed.items()}, **g.varied} for g in (recorded, grid))
        has = {key: set(map(as_hashable, found)) for key, found in now.items()}
        lost = [key for key in then if not has.get(key, set()) >= set(map(as_hashable, then[key]))]
        new = [key for key in now if key not in then or (key in grid.varied) != (key in recorded.varied)]
        order = [key for key in grid.varied if key in recorded.varied] != list(recorded.varied)
        silent = "the order of its arguments" if order else "the naming of its runs"  # of files with one name
        other = ", ".join(dict.fromkeys([*lost, *new])) or silent
        return f"{folder} has another study: {other} differ{'s' if ',' not in other else ''}"
    contents = functools.lru_cache(files.contents)
    for run in grid.runs():
        found = outcome.read(folder / run.name)
        if found is None:
            continue
        if not same_arguments(found, run.arguments):
            return f"{folder / run.name} was trained with other arguments than {FILE} has"
        other = files.list_changed(found.recipe, contents(run.arguments.get("cfg")), run.arguments)
        if other and outcome.has_begun(folder / run.name, found):
            return f"{folder / run.name} was trained before {run.arguments['cfg']} changed ({other})"
    return None


def read(folder: Path, words: Sequence[str] = ()) -> Grid:
    """Return the grid of a study's folder, with words that override it, e.g. more seeds.

    Raises:
        TintboxError: The folder has no ``study.yaml``.
    """
    if not (folder / FILE).is_file():
        raise TintboxError(f"{folder} is no study: {FILE} is missing")
    return parse([str(folder / FILE), *words])


def write(folder: Path, grid: Grid) -> None:
    """Write ``study.yaml``: the grid, in the form that `tintbox study` reads."""
    head = (
        f"# tintbox {tintbox.__version__}: the training arguments of these runs; what has several values is a list.\n"
    )
    head += f"# Use: tintbox study {shlex.quote(str(folder))}\n"
    body = yaml.safe_dump(grid.as_dict(), sort_keys=False, default_flow_style=None)
    atomic.write_text(folder / FILE, head + body)
