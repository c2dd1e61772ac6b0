"""The folder of a study: which one, its ``study.yaml``, and that one process works in it at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
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
            raise TintboxError(f"{folder} has another study, or something else; give another name=")
        return folder, own
    number = 1
    while not fits(folder := project / (NAME if number == 1 else f"{NAME}-{number}"), own):
        number += 1
    return folder, own


def fits(folder: Path, grid: Grid) -> bool:
    """Return whether a folder is free, or has this study or a part of it."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    if not (folder / FILE).is_file() or not grid.extends(read(folder)):
        return False
    found = {run.name: outcome.read(folder / run.name) for run in grid.runs()}
    return all(found[run.name] is None or same_arguments(found[run.name], run.arguments) for run in grid.runs())


def read(folder: Path) -> Grid:
    """Return the grid of a study's folder.

    Raises:
        TintboxError: It has none.
    """
    if not (folder / FILE).is_file():
        raise TintboxError(f"{folder} is no study: {FILE} is missing")
    return parse([str(folder / FILE)])


def write(folder: Path, grid: Grid) -> None:
    """Write ``study.yaml``: what was asked, in the form in which `tintbox study` reads it."""
    head = (
        f"# tintbox {tintbox.__version__}: the training arguments of these runs; what has several values is a list.\n"
    )
    head += f"# Use: tintbox study {folder}\n"
    body = yaml.safe_dump(grid.as_dict(), sort_keys=False, default_flow_style=None)
    (folder / FILE).write_text(head + body, encoding="utf-8")


class BusyError(TintboxError):
    """Another process works in the folder."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other studies out of a folder.

    Raises:
        TintboxError: One is at work there.
    """
    lock = folder / LOCK
    with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
        pid, begun = lock.read_text().split()
        # A number alone may by now be another process's.
        if int(pid) != os.getpid() and f"{psutil.Process(int(pid)).create_time():.2f}" == begun:
            raise BusyError(f"{folder}: a study is at work there (process {pid}); wait for it or stop it")
    lock.write_text(f"{os.getpid()} {psutil.Process().create_time():.2f}")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
