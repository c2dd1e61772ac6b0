"""Palette files: finding them, checking their contents, and writing them."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tintbox import atomic, yaml_file
from tintbox.checks import as_path, is_path, is_there
from tintbox.errors import TintboxError, TintboxFileError, lack, one_line, suggest, suggest_file

TABLES = ("bins", "colours")  # the key of the table tells the kind of palette
SETTINGS = ("scale", "temperature", "rebalance", "weights")
HEADER = """\
# A colour palette of tintbox, for `yolo colorize train palette=PATH` and tintbox.Palette.load.
# colours: (list) K x 3 numbers in [0, 1], red, green, blue; the position is the class index
# scale: (float) what an 8-bit pixel value is divided by to reach [0, 1]
# temperature, rebalance: (float) of the annealed mean and of the loss; weights: (list) of each colour in the loss
"""


def find(name: str | Path) -> Path:
    """Return the file of a palette: one that comes with tintbox by its bare name, any other by its path.

    Raises:
        TintboxFileError: If there is no such palette or file.
        TintboxError: If it is neither a name nor a path.
    """
    if not is_path(name):
        raise TintboxError(f"palette {name!r}: give a name, e.g. horses24, or a path to a .yaml file")
    path = as_path(name)
    if not yaml_file.is_yaml(path):
        folder = importlib.resources.files("tintbox.cfg") / "palettes"
        shipped = {Path(file.name).stem: Path(str(file)) for file in folder.iterdir() if file.name.endswith(".yaml")}
        if str(name) not in shipped:
            known, hint = ", ".join(sorted(shipped)), suggest(str(name), shipped)
            raise TintboxFileError(f"palette '{name}': no such name ({known}) and no path to a .yaml file{hint}")
        path = shipped[str(name)]
    if not is_there(path):
        hint = suggest_file(path) or "; give a bare name or a path to a .yaml"
        raise TintboxFileError(f"palette '{path}': {lack(path)}{hint}")
    return path


@contextmanager
def name_file(path: Path) -> Iterator[None]:
    """Add the file's name to errors about its contents."""
    try:
        yield
    except TintboxError as error:
        text = one_line(error).removeprefix(f"{path}: ").replace(f"{path}:", "line ")
        raise TintboxError(f"palette file '{path}': {text}") from error


def write(path: str | Path, description: Mapping[str, Any]) -> None:
    """Write a description to a ``.yaml`` file at full precision.

    Raises:
        TintboxError: If it is no path with this suffix.
        OSError: If the file cannot be written.
    """
    if not is_path(path) or not yaml_file.is_yaml(Path(path)):
        raise TintboxError(f"palette path '{path}': give it the suffix .yaml, so that load knows it for a file")
    file = as_path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(file, HEADER + yaml.safe_dump(dict(description), default_flow_style=None, width=200))


def check(description: Any) -> dict[str, Any]:
    """Return the description after checking its keys; the palette itself checks the values.

    Raises:
        TintboxError: If a key is missing or unknown; it names the key.
    """
    if not isinstance(description, Mapping) or not set(TABLES) & set(description):
        raise TintboxError("no 'colours' key; give 'colours:' with one [red, green, blue] in [0, 1] per line")
    table = next(key for key in TABLES if key in description)
    known = (table, *SETTINGS)
    if unknown := set(map(str, description)) - set(known):
        name = min(unknown)
        raise TintboxError(f"unknown key '{name}' ({', '.join(known)}){suggest(name, known)}")
    return dict(description)
