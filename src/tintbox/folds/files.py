"""Folds as ordinary datasets: a YAML and two image lists each, plus one table that assigns images to folds."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import tintbox
from tintbox import atomic, yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, one_line

TABLE = "folds.csv"
HEADER = ["picture", "fold", "group", "split"]


@dataclass(frozen=True)
class Folds:
    """Sorted absolute image paths, and for each its fold, its group and its split of the dataset."""

    files: list[str]
    folds: list[int]
    groups: list[str]
    splits: list[str]

    @property
    def number(self) -> int:
        """Number of folds."""
        return max(self.folds) + 1

    @property
    def grouped(self) -> dict[str, str]:
        """Image -> its group; empty if every image is a group of its own."""
        return dict(zip(self.files, self.groups)) if len(set(self.groups)) < len(self.files) else {}


def grouped_alike(folds: Folds, other: Folds) -> bool:
    """Return whether two folds of the same images keep the same ones together, whatever the groups are called."""
    pairs = set(zip(folds.groups, other.groups))
    return len(pairs) == len(set(folds.groups)) == len(set(other.groups))


def find_moved(folds: Folds, files: Sequence[str]) -> dict[str, str] | None:
    """Return old -> new path for folds whose images have moved together, None if ``files`` are other images.

    They have moved if they have the same names below another folder, and none is where it was.
    """
    if make_relative(folds.files) != make_relative(files) or any(is_there(Path(file)) for file in folds.files):
        return None
    return dict(zip(folds.files, files))


def make_relative(files: Sequence[str]) -> list[str]:
    """Return absolute paths relative to the folder that all are in."""
    try:
        return [os.path.relpath(file, os.path.commonpath(files)) for file in files]
    except ValueError:  # on two drives
        return list(files)


def yaml_name(fold: int) -> str:
    """Return the file name of a fold's dataset YAML."""
    return f"fold_{fold}.yaml"


def write(folder: Path, folds: Folds, kept: Mapping[str, Any], data: str) -> None:
    """Write the folds into a folder; the table is written last, so if it exists, everything does.

    ``kept`` has the keys of the dataset's YAML other than its splits; ``data`` is its name, for the YAMLs' headers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for fold in range(folds.number):
        write_dataset(folder / yaml_name(fold), split_parts(folds, fold), kept, describe_fold(folds, fold, data))
    rows = zip(folds.files, folds.folds, folds.groups, folds.splits)
    atomic.write_csv(folder / TABLE, [HEADER, *rows])


def split_parts(folds: Folds, fold: int) -> dict[str, list[str]]:
    """Return the images of a fold's two splits: it is judged on its own, and learns from the others."""
    return {
        "train": [file for file, own in zip(folds.files, folds.folds) if own != fold],
        "val": [file for file, own in zip(folds.files, folds.folds) if own == fold],
    }


def describe_fold(folds: Folds, fold: int, data: str) -> str:
    """Return what the header of a fold's YAML says."""
    return f"fold {fold} of {folds.number} of {one_line(data)}: learns from the others, is judged on its own"


def complete(folder: Path, folds: Folds, kept: Mapping[str, Any], data: str) -> str | None:
    """Write the files of folds that are missing in a folder; return what is wrong with those there, None if nothing.

    Arguments as in `write`.
    """
    for fold in range(folds.number):
        file = folder / yaml_name(fold)
        parts = split_parts(folds, fold)
        lists = {split: list_of(file, split) for split in parts}
        if not all(path.is_file() for path in (file, *lists.values())):
            write_dataset(file, parts, kept, describe_fold(folds, fold, data))
            continue
        if changed := [path for split, path in lists.items() if path.read_bytes() != listed(parts[split]).encode()]:
            return f"{changed[0]} has been changed since it was written"
        try:
            found = yaml_file.read(file)
        except TintboxError:
            found = None
        wanted = {**{split: path.name for split, path in lists.items()}, **kept}
        if found == wanted:
            continue
        if isinstance(found, dict) and found.get("names", wanted["names"]) != wanted["names"]:
            return f"{file}: {one_line(data)} has other classes than when its folds were made"
        return f"{file} has been changed since it was written"
    return None


def listed(pictures: Sequence[str]) -> str:
    """Return the content of an image list."""
    return "".join(f"{picture}\n" for picture in pictures)


def list_of(file: Path, split: str) -> Path:
    """Return the path of the image list for a split of a dataset's YAML."""
    return file.with_name(f"{file.stem}-{split}.txt")


def write_dataset(file: Path, parts: Mapping[str, Sequence[str]], kept: Mapping[str, Any], about: str) -> None:
    """Write a dataset's YAML and, beside it, an image list per split; they can be moved together.

    The YAML is the first, since it says whose the lists are that a killed process leaves.
    """
    body = yaml.safe_dump(
        {**{split: list_of(file, split).name for split in parts}, **kept}, sort_keys=False, allow_unicode=True
    )
    atomic.write_text(file, f"# {about}, by tintbox {tintbox.__version__}.\n{body}")
    for split, pictures in parts.items():
        atomic.write_text(list_of(file, split), listed(pictures))


def read(folder: Path) -> Folds | None:
    """Return the folds in a folder, None if there are none yet.

    Raises:
        TintboxError: Their table cannot be read.
    """
    file = folder / TABLE
    try:
        if not file.is_file():
            return None
        rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
        if rows[0] != HEADER:
            raise ValueError("its heading is another one")
        files, folds, groups, splits = (list(column) for column in zip(*rows[1:]))
        numbers = list(map(int, folds))
        if set(numbers) != set(range(max(numbers) + 1)):
            raise ValueError("folds are missing")
        return Folds(files, numbers, groups, splits)
    except (OSError, ValueError, LookupError, csv.Error) as error:
        raise TintboxError(f"{file}: cannot be read ({one_line(error)})") from error
