"""The grid of a study: which arguments are fixed, which vary, and the runs that follow."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tintbox.errors import TintboxError, TintboxFileError, nearest, nearest_file, one_line

REPLICATE = "seed"  # runs that differ in it alone are one cell of the table
PAIRS = {"(": ")", "[": "]", "{": "}"}
LONGEST = 60  # characters of a run's name that come from one argument


@dataclass(frozen=True)
class Run:
    """One training run that a study asks for.

    Attributes:
        name: The name of its folder.
        settings: Its value of every argument that varies.
        arguments: All training arguments, these among them.
    """

    name: str
    settings: Mapping[str, Any]
    arguments: Mapping[str, Any]

    @property
    def cell(self) -> tuple[str, ...]:
        """What it shares with the runs that differ from it by chance alone: its settings without the seed, as text."""
        return tuple(text(value) for key, value in self.settings.items() if key != REPLICATE)


@dataclass(frozen=True)
class Grid:
    """Training arguments, some with several values.

    Attributes:
        fixed: Argument -> its one value.
        varied: Argument -> its values, two or more, in the order in which they were given; the first is the baseline.
    """

    fixed: Mapping[str, Any]
    varied: Mapping[str, Sequence[Any]]

    def runs(self) -> list[Run]:
        """Return all runs, the baseline's first, and the seeds of a cell one after the other."""
        keys = sorted(self.varied, key=lambda key: key == REPLICATE)  # a stable sort: seed last
        found = []
        for values in itertools.product(*(self.varied[key] for key in keys)):
            settings = dict(zip(keys, values))
            found.append(Run(run_name(settings), settings, {**self.fixed, **settings}))
        return distinct(found)

    def as_dict(self) -> dict[str, Any]:
        """Return the grid as its YAML file has it: what varies is a list."""
        # A value that is itself a list would be taken for several values.
        fixed = {key: [v] if isinstance(v, list) else v for key, v in self.fixed.items()}
        return {**fixed, **{key: list(values) for key, values in self.varied.items()}}

    def extends(self, other: Grid) -> bool:
        """Return whether every run of ``other`` is one of this grid's, under the same name."""
        same = self.fixed == other.fixed and list(self.varied) == list(other.varied)
        return same and all(value in self.varied[key] for key, values in other.varied.items() for value in values)


def plain(value: Any) -> Any:
    """Return a value as YAML writes it: tuples as lists."""
    return list(value) if isinstance(value, tuple) else value


def text(value: Any) -> str:
    """Return a value as it is shown: a file by its name alone."""
    return Path(value).name if isinstance(value, str) and "/" in value else str(value)


def run_name(settings: Mapping[str, Any]) -> str:
    """Return a folder's name, e.g. ``batch_32-seed_0``."""
    if not settings:
        return "run"
    parts = []
    for key, value in settings.items():
        shown = Path(text(value)).stem if str(value).endswith((".yaml", ".yml", ".pt")) else text(value)
        plain_text = re.sub(r"[^\w.+-]+", "_", shown).strip("_")  # a minus is a number's, e.g. 1e-05
        parts.append(f"{key}_{plain_text}"[:LONGEST])
    return "-".join(parts)


def distinct(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with a number put to the names that several have."""
    names = [run.name for run in runs]
    return [
        Run(f"{run.name}-{names[: i + 1].count(run.name)}", run.settings, run.arguments)
        if names.count(run.name) > 1
        else run
        for i, run in enumerate(runs)
    ]


def parse(words: Sequence[str]) -> Grid:
    """Return the grid that ``key=value`` words, and YAML files among them, ask for; a later word overrules an earlier.

    A value with commas is a list of values; commas within brackets, braces or quotes separate nothing.

    Raises:
        TintboxError: A word is neither, a list is empty, or a value stands in it twice.
    """
    values: dict[str, list[Any]] = {}
    for word in words:
        key, equals, given = word.partition("=")
        if equals:
            values[key.strip()] = [read_value(part) for part in split(key, given)]
        elif Path(word).suffix in (".yaml", ".yml"):
            values |= read_file(Path(word))
        elif word != "train":  # as in `yolo colorize train ...`
            values["task"] = [check_task_word(word)]
    for key, found in values.items():
        if not found:
            raise TintboxError(f"{key}: the list is empty; give values, e.g. {key}=1,2")
        if twice := [value for i, value in enumerate(found) if value in found[:i]]:
            raise TintboxError(f"{key}: {twice[0]} is there twice")
    return Grid(
        {key: found[0] for key, found in values.items() if len(found) == 1},
        {key: found for key, found in values.items() if len(found) > 1},
    )


def check_task_word(word: str) -> str:
    """Return a word that stands alone, which must be a task.

    Raises:
        TintboxError: It is none; perhaps it was to be a folder.
    """
    from ultralytics.cfg import TASKS

    if word not in TASKS:
        near = nearest(word, [*TASKS, "train"]) or nearest_file(Path(word))
        raise TintboxError(f"'{word}' is no key=value, no folder of a study, no YAML file and no task{near}")
    return word


def split(key: str, given: str) -> list[str]:
    """Return the parts of a text between its outer commas.

    Raises:
        TintboxError: A part is empty, or a bracket is not closed.
    """
    parts, open_, quote = [""], [], ""
    for letter in given:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in PAIRS:
            open_.append(PAIRS[letter])
        elif open_ and letter == open_[-1]:
            open_.pop()
        elif letter == "," and not open_:
            parts.append("")
            continue
        parts[-1] += letter
    if open_ or quote:
        raise TintboxError(f"{key}={given}: a '{quote or open_[-1]}' is missing")
    if not given.strip() or given.strip() == "[]":
        raise TintboxError(f"{key}=: the list is empty; give values, e.g. {key}=1,2")
    if not all(part.strip() for part in parts):
        raise TintboxError(f"{key}={given}: a value is missing beside a comma")
    return [part.strip() for part in parts]


def read_value(given: str) -> Any:
    """Return a value as the `yolo` command reads it: a Python literal, None, True, False, or the text itself."""
    known = {"none": None, "true": True, "false": False}
    if given.lower() in known:
        return known[given.lower()]
    try:
        found = ast.literal_eval(given)
    except (ValueError, SyntaxError):
        return given
    # Quotes keep a comma or a bracket together; `yolo` takes a quoted number for a number all the same.
    return read_value(found) if isinstance(found, str) and found != given else plain(found)


def read_file(file: Path) -> dict[str, list[Any]]:
    """Return argument -> values of a YAML file, in which a list stands for several values.

    Raises:
        TintboxError: The file is not there or has no arguments.
    """
    if not file.is_file():
        raise TintboxFileError(f"{file}: no such file{nearest_file(file)}")
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TintboxError(f"{file}: {one_line(error)}") from error
    if not isinstance(found, dict):
        raise TintboxError(f"{file}: give arguments of `yolo train`, e.g. batch: [32, 64]")
    values = {str(key): value if isinstance(value, list) else [value] for key, value in found.items()}
    # YAML 1.1 takes 1e-3 for a text
    return {key: [read_value(v) if isinstance(v, str) and v else v for v in found] for key, found in values.items()}
