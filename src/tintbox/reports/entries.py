"""The subject of a report: the runs behind the named folders, with unique names, by task."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tintbox import checkpoint_file, run_folder
from tintbox.checks import is_there, is_whole
from tintbox.errors import TintboxError, TintboxFileError, explain_refusal, one_line, value_text
from tintbox.path_names import distinct_names
from tintbox.plugins.coco_eval.pooling import MARK
from tintbox.plugins.options import OPTIONS
from tintbox.reports.evaluations import CocoFile
from tintbox.reports.evaluations import read as read_coco
from tintbox.run_folder import RunFolder
from tintbox.studies import place

DEEPEST = 3  # levels of folders that are searched for runs
OWN_DEFAULTS = {option.name: option.default for option in OPTIONS}


@dataclass(frozen=True)
class Entry:
    """A run on the page.

    Attributes:
        index: Its number on the page, counted from 0 task by task.
        place: Its position among the runs of its task, which determines its colour and symbol.
        name: Its name on the page: its folder's name, with as much of the path as makes it unique.
        coco: Its COCO evaluation, None if there is none.
        coco_problem: Why an existing evaluation cannot be shown; else empty.
    """

    index: int
    place: int
    name: str
    run: RunFolder
    coco: CocoFile | None = None
    coco_problem: str = ""

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """Return the checkpoint's metadata, read without executing it: see `checkpoint_file.facts`."""
        return checkpoint_file.facts(self.run.weights) if self.run.weights else {}

    @property
    def planned(self) -> int:
        """The requested number of epochs."""
        epochs = self.run.arguments.get("epochs")
        return epochs if is_whole(epochs) else self.run.epochs

    @property
    def state(self) -> str:
        """A remark on a run with fewer epochs than planned; else empty."""
        if self.run.epochs >= self.planned:
            return ""
        # Ultralytics strips checkpoints at the end of a training; folds are pooled when all have ended.
        if self.checkpoint.get("epoch") == -1 or (self.run.folder / MARK).exists():
            return "stopped early"
        return "still training or interrupted"


@dataclass(frozen=True)
class Section:
    """The runs of one task, which share a table."""

    task: str
    entries: Sequence[Entry]


def gather(folders: Sequence[str]) -> tuple[list[Section], list[str]]:
    """Return the runs by task, in the order in which they were named, and notes on runs left out.

    A folder that is not a run stands for those below it, such as a study's.

    Raises:
        TintboxError: A folder is not a run, or none was named; the line says what is missing.
    """
    if not folders:
        raise TintboxError("no runs are named; give the folders of training runs, e.g. runs/detect/train")
    runs: dict[Path, RunFolder] = {}
    left_out = []
    for folder in folders:
        collections = find_collections(Path(str(folder)))
        for collection in collections:
            try:
                found, notes = read_members(collection)
            except TintboxError as error:
                if len(collections) == 1:
                    raise
                found, notes = {}, [one_line(error)]
            runs |= {path: run for path, run in found.items() if path not in runs}
            left_out += notes
    if not runs:
        raise TintboxError(f"no run can be shown, e.g. {left_out[0]}")
    tasks = list(dict.fromkeys(run.task for run in runs.values()))
    named = sorted(zip(distinct_names(list(runs)), runs.values()), key=lambda pair: tasks.index(pair[1].task))
    first = {task: [run.task for _, run in named].index(task) for task in tasks}
    entries = [
        Entry(index, index - first[run.task], name, run, *read_coco(run.folder))
        for index, (name, run) in enumerate(named)
    ]
    return [Section(task, [e for e in entries if e.run.task == task]) for task in tasks], left_out


def find_collections(folder: Path) -> list[Path]:
    """Return the folders with runs directly in them: this one and others below it; just itself, if there are none.

    Folders in a run, hidden ones, links, and those more than `DEEPEST` levels down are not searched.
    """
    if may_be_run(folder) or not is_there(folder, Path.is_dir):
        return [folder]
    found = []
    for here, names, _ in os.walk(folder):
        runs = {name for name in names if may_be_run(Path(here, name))}
        found += [Path(here)] * bool(runs)
        deeper = len(Path(here).relative_to(folder).parts) < DEEPEST
        others = (name for name in names if deeper and name not in runs and not name.startswith("."))
        names[:] = sorted(others, key=natural_key)
    return found or [folder]


def read_members(folder: Path) -> tuple[dict[Path, RunFolder], list[str]]:
    """Return the run in a folder, or the runs directly in it, by resolved path, and notes on runs left out.

    Raises:
        TintboxError: It is no run and has none that can be shown.
    """
    planned = study_runs(folder)
    with explain_refusal(f"{folder}: cannot be read"):
        below = members(folder, planned)
    if planned and not below:
        raise TintboxFileError(f"{folder}: none of the {len(planned)} runs of this study has a finished epoch yet")
    runs, left_out = {}, []
    for member in below or [folder]:
        try:
            runs[member.resolve()] = run_folder.read(member)
        except TintboxError as error:
            if not below:
                raise add_hint(folder, error) from error
            left_out.append(one_line(error))
    if not runs:
        raise TintboxError(f"{folder}: none of its {len(below)} runs can be shown, e.g. {left_out[-1]}")
    if below and (lacking := set(planned) - {member.name for member in below}):
        left_out.append(f"{folder}: {', '.join(sorted(lacking, key=natural_key))}: without a result so far")
    return runs, left_out


def members(folder: Path, planned: Sequence[str]) -> list[Path]:
    """Return the runs directly below a folder that is not a run: in a study's order, else in natural order by name.

    ``planned`` are the names of the study's runs, if it is a study's folder.

    Raises:
        OSError: The folder cannot be listed.
    """
    if not folder.is_dir() or not run_folder.missing(folder):
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and may_be_run(path)]
    order = {name: i for i, name in enumerate(planned)}
    if any((path / MARK).is_file() for path in found):  # with folds; a single one says little
        found = [path for path in found if path.name in order]
    return sorted(found, key=lambda path: (order.get(path.name, len(order)), natural_key(path.name)))


def may_be_run(folder: Path) -> bool:
    """Return whether a folder is a run, perhaps one that died early, or unreadable: `run_folder.read` reports those."""
    try:
        return (folder / run_folder.ARGUMENTS).is_file()
    except OSError:
        return True


def study_runs(folder: Path) -> list[str]:
    """Return the names of a study's runs, baseline first; [] if the folder is not a study.

    For a study with folds, these are the folders with the pooled results of the folds.
    """
    try:
        return [run.name for run in place.read(folder).pooled().runs()]
    except (TintboxError, OSError):
        return []


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``train10`` after ``train9``."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def add_hint(folder: Path, error: TintboxError) -> TintboxError:
    """Return the error for a folder that is not a run, with a hint if it lies inside one."""
    inside = (folder.parent, folder.parent.parent)
    try:
        run = next((path for path in inside if folder.exists() and not run_folder.missing(path)), None)
    except OSError:  # an unreadable folder
        return error
    return TintboxFileError(f"{one_line(error)}; did you mean '{run}'?") if run else error


def find_differing(entries: Sequence[Entry], keys: Sequence[str]) -> dict[str, list[str]]:
    """Return the arguments among ``keys`` in which runs differ, each with its distinct values as text."""
    found = {}
    for key in keys:
        values = list(dict.fromkeys(value_text(argument(entry.run.arguments, key)) for entry in entries))
        if len(values) > 1 and not (key == "data" and same_file(values)):
            found[key] = values
    return found


def same_file(paths: Sequence[str]) -> bool:
    """Return whether differently written paths are the same file."""
    try:
        return all(Path(path).is_file() for path in paths) and len({Path(path).resolve() for path in paths}) == 1
    except (OSError, ValueError):  # not a possible file name
        return False


def argument(arguments: Mapping[str, Any], key: str) -> Any:
    """Return an argument's value; if a stock run lacks a tintbox argument, its default, which is stock behaviour."""
    return arguments.get(key, OWN_DEFAULTS.get(key))
