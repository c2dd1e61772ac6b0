"""The folder of a study: which one, its ``study.yaml``, and that one process works in it at a time."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import yaml

import tintbox
from tintbox.errors import TintboxError
from tintbox.study import outcome
from tintbox.study.grid import Grid, parse
from tintbox.study.outcome import same_arguments

FILE, LOCK = "study.yaml", ".study.lock"
PROJECT, NAME = "runs/study", "study"


def choose(grid: Grid) -> tuple[Path, Grid]:
    """Return the study's folder and its grid, without `project` and `name`.

    The folder is the one that already has this study, or a part of it; else the next free one. A name that the user
    gives is that folder and no other.

    Raises:
        TintboxError: The folder of that name has another study.
    """
    fixed = {key: value for key, value in grid.fixed.items() if key not in ("project", "name", "mode")}
    own = Grid(fixed, grid.varied)
    project, name = Path(str(grid.fixed.get("project") or PROJECT)), grid.fixed.get("name")
    if name:
        folder = project / str(name)
        if not fits(folder, own):
            what = differs(folder, own) if (folder / FILE).is_file() else f"{folder} is there and is no study"
            raise TintboxError(f"{what}; give another name=")
        return folder, own
    number = 1
    while not fits(folder := project / (NAME if number == 1 else f"{NAME}-{number}"), own):
        number += 1
    return folder, own


def is_folder(word: str) -> bool:
    """Return whether a word is meant as the folder of a study: a folder, but not one that is called as a task is."""
    from ultralytics.cfg import TASKS

    return Path(word).is_dir() and (word not in (*TASKS, "train") or (Path(word) / FILE).is_file())


def fits(folder: Path, grid: Grid) -> bool:
    """Return whether a folder is free, or has this study or a part of it."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    return (folder / FILE).is_file() and differs(folder, grid) is None


def differs(folder: Path, grid: Grid) -> str | None:
    """Return in which way a study's folder has another study than a part of this grid, None if it has not."""
    asked = read(folder)
    if not grid.extends(asked):
        then, now = ({**{k: [v] for k, v in g.fixed.items()}, **g.varied} for g in (asked, grid))
        lost = [key for key in then if key not in now or any(value not in now[key] for value in then[key])]
        new = [key for key in now if key not in then or (key in grid.varied) != (key in asked.varied)]
        other = ", ".join(dict.fromkeys([*lost, *new])) or "the order of its arguments"
        return f"{folder} has another study: {other} differ{'s' if ',' not in other else ''}"
    for run in grid.runs():
        found = outcome.read(folder / run.name)
        if found is not None and not same_arguments(found, run.arguments):
            return f"{folder / run.name} was trained with other arguments than {FILE} has"
    return None


def read(folder: Path, words: Sequence[str] = ()) -> Grid:
    """Return the grid of a study's folder, with words that say otherwise, e.g. more seeds.

    Raises:
        TintboxError: It has none.
    """
    if not (folder / FILE).is_file():
        raise TintboxError(f"{folder} is no study: {FILE} is missing")
    return parse([str(folder / FILE), *words])


def write(folder: Path, grid: Grid) -> None:
    """Write ``study.yaml``: what was asked, in the form in which `tintbox study` reads it."""
    head = (
        f"# tintbox {tintbox.__version__}: the training arguments of these runs; what has several values is a list.\n"
    )
    head += f"# Use: tintbox study {shlex.quote(str(folder))}\n"
    body = yaml.safe_dump(grid.as_dict(), sort_keys=False, default_flow_style=None)
    (folder / FILE).write_text(head + body, encoding="utf-8")


class BusyError(TintboxError):
    """Another process works in the folder."""


def at_work(lock: Path) -> int | None:
    """Return the number of the process that holds a lock, None if it is gone or there is no lock."""
    try:
        pid, begun = lock.read_text().split()
        # The number alone may by now be another process's.
        same = f"{psutil.Process(int(pid)).create_time():.2f}" == begun
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return int(pid) if same and int(pid) != os.getpid() else None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other studies out of a folder.

    Raises:
        TintboxError: One is at work there.
    """
    lock = folder / LOCK
    if (holder := at_work(lock)) is not None:
        raise BusyError(f"{folder}: a study is at work there (process {holder}); wait for it or stop it")
    lock.unlink(missing_ok=True)
    try:
        with lock.open("x") as stream:  # of two that begin at the same moment, one makes the file
            stream.write(f"{os.getpid()} {psutil.Process().create_time():.2f}")
    except FileExistsError:
        raise BusyError(f"{folder}: another study has just begun there; wait for it or stop it") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
