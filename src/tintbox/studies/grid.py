"""The grid of a study: which arguments are fixed, which vary, and the resulting runs."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintbox import yaml_file
from tintbox.checks import is_there, is_whole
from tintbox.errors import TintboxError, suggest, suggest_file
from tintbox.folds.choice import WORDS
from tintbox.studies.values import as_hashable, check, split, text

REPLICATE = "seed"  # runs that differ only in it form one cell of the table
FOLD = "fold"  # in studies with folds, the fold that a run is judged on; part of no cell either
LONGEST = 60  # characters of a run's name that come from one argument
LONGEST_NAME = 200  # bytes of a run's name, without its fold


@dataclass(frozen=True)
class Run:
    """One training run of a study.

    Attributes:
        name: The name of its folder.
        settings: Its value of every argument that varies.
        arguments: All training arguments, including the settings.
    """

    name: str
    settings: Mapping[str, Any]
    arguments: Mapping[str, Any]

    @property
    def cell(self) -> tuple[str, ...]:
        """Its settings as text, without seed and fold: equal for runs that differ only by chance."""
        return tuple(str(value) for key, value in self.settings.items() if key not in (REPLICATE, FOLD))


@dataclass(frozen=True)
class Grid:
    """Training arguments, some with several values.

    Attributes:
        fixed: Argument -> its single value.
        varied: Argument -> its values, two or more, in the order given; the first is the baseline.
    """

    fixed: Mapping[str, Any]
    varied: Mapping[str, Sequence[Any]]

    @property
    def size(self) -> int:
        """Number of runs, computed without building them."""
        return math.prod(map(len, self.varied.values())) * max(1, self.folds)

    @property
    def folds(self) -> int:
        """Number of folds for each of its settings; 0 for none."""
        folds = self.fixed.get("folds")
        return folds if is_whole(folds, 2) else 0

    def pooled(self) -> Grid:
        """Return the grid without folds: each of its runs stands for one run per fold, consecutive in this grid."""
        return Grid({key: value for key, value in self.fixed.items() if key not in WORDS}, self.varied)

    def runs(self) -> list[Run]:
        """Return all runs, baseline first, ordered by cell, then seed, then fold."""
        keys = sorted(self.varied, key=lambda key: key == REPLICATE)  # a stable sort: seed last
        axes = [self.varied[key] for key in keys]
        if self.folds:
            keys, axes = [*keys, FOLD], [*axes, range(self.folds)]
        found = []
        for values in itertools.product(*axes):
            settings = dict(zip(keys, values))
            found.append(Run(run_name(settings), settings, {**self.fixed, **settings}))
        return number_names(found)

    def as_dict(self) -> dict[str, Any]:
        """Return the grid in the form of its YAML file, in which varied arguments are lists."""
        # Wrapped, because a value that is itself a list would be read as several values.
        fixed = {key: [v] if isinstance(v, list) else v for key, v in self.fixed.items()}
        return {**fixed, **{key: list(values) for key, values in self.varied.items()}}

    def extends(self, other: Grid) -> bool:
        """Return whether every run of ``other`` is also in this grid, under the same name."""
        mine = {run.name: run.arguments for run in self.runs()} if other.size <= self.size else {}
        return bool(mine) and all(mine.get(run.name) == run.arguments for run in other.runs())


def run_name(settings: Mapping[str, Any]) -> str:
    """Return a folder's name, e.g. ``batch_32-seed_0``."""
    if not settings:
        return "run"
    parts = []
    for key, value in settings.items():
        shown = Path(text(value)).stem if str(value).endswith((*yaml_file.SUFFIXES, ".pt")) else text(value)
        plain_text = re.sub(r"[^\w.+-]+", "_", shown).strip("_")  # a minus may belong to a number, e.g. 1e-05
        parts.append(f"{key}_{plain_text}"[:LONGEST])
    fold = [parts.pop()] if FOLD in settings else []
    # A folder name has at most 255 bytes. The fold is the last setting, and is kept: the name without it is that of the
    # folder in which the folds are put together.
    cut = "-".join(parts).encode()[:LONGEST_NAME].decode(errors="ignore")
    return "-".join([cut, *fold] if parts else fold)


def number_names(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with a number appended to names that occur more than once."""
    several = {name for name, times in Counter(run.name for run in runs).items() if times > 1}
    taken = {run.name for run in runs} - several
    numbers: Counter[str] = Counter()
    found = []
    for run in runs:
        name = run.name
        while name in several or (name in taken and name != run.name):
            numbers[run.name] += 1
            name = f"{run.name}-{numbers[run.name]}"
        taken.add(name)
        found.append(Run(name, run.settings, run.arguments))
    return found


def parse(words: Sequence[str]) -> Grid:
    """Return the grid described by ``key=value`` words and YAML files; later words override earlier ones.

    A value with commas is a list of values; commas within brackets, braces or quotes do not separate values.

    Raises:
        TintboxError: A word is none of these, a list is empty, or a list has a value twice.
    """
    values: dict[str, list[Any]] = {}
    for word in words:
        key, equals, given = word.partition("=")
        if yaml_file.is_yaml(word) and (not equals or is_there(Path(word))):  # a path may have a = in it
            values |= read_file(Path(word))
        elif equals:
            values[key.strip()] = split(key, given)
        elif word != "train":  # as in `yolo colorize train ...`
            values["task"] = [check_task_word(word)]
    return from_values(values)


def from_values(values: Mapping[str, Sequence[Any]]) -> Grid:
    """Return the grid of arguments with their values; those with several values vary.

    Raises:
        TintboxError: An argument has no value, or the same value twice.
    """
    checked: dict[str, list[Any]] = {}
    for key, found in values.items():
        if not found:
            raise TintboxError(f"{key}: the list is empty; give values, e.g. {key}=1,2")
        checked[key] = [check(key, value) for value in found]
        seen = set()
        for value in checked[key]:
            if (one := as_hashable(value)) in seen:
                raise TintboxError(f"{key}: {value} is there twice")
            seen.add(one)
    return Grid(
        {key: found[0] for key, found in checked.items() if len(found) == 1},
        {key: found for key, found in checked.items() if len(found) > 1},
    )


def check_task_word(word: str) -> str:
    """Return a word without ``=``, which must be a task.

    Raises:
        TintboxError: It is not a task; perhaps a folder was meant.
    """
    from ultralytics.cfg import TASKS

    if word not in TASKS:
        if is_there(Path(word), Path.is_dir):
            raise TintboxError(f"'{word}': a study's folder comes first, before what is changed in it")
        near = suggest(word, [*TASKS, "train"]) or suggest_file(Path(word))
        raise TintboxError(f"'{word}' is no key=value, no folder of a study, no YAML file and no task{near}")
    return word


def read_file(file: Path) -> dict[str, list[Any]]:
    """Return argument -> values of a YAML file, in which a list means several values.

    Raises:
        TintboxError: The file does not exist, is not YAML or has no arguments.
    """
    found = yaml_file.read(file)
    if not isinstance(found, dict):
        raise TintboxError(f"{file}: give arguments of `yolo train`, e.g. batch: [32, 64]")
    return {str(key): value if isinstance(value, list) else [value] for key, value in found.items()}
