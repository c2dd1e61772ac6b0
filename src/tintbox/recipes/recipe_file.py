"""A recipe as a YAML file for `yolo train ... cfg=`, with a reason on every line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import yaml

import tintbox
from tintbox import atomic, yaml_file
from tintbox.errors import TintboxError, explain_refusal, one_line
from tintbox.recipes.rules import Recipe

OURS = "by tintbox"  # in the first line; identifies a recipe
LINE = 10_000  # characters of the first line that are read, since the file may be anything


def write(
    file: str | Path, recipe: Recipe, model: str, data: str, minutes: float | None, measured: Sequence[str] = ()
) -> Path:
    """Write a recipe and, as lines of comments, the measurements behind it.

    ``minutes`` is the time limit, None if the user gave the epochs.

    Raises:
        TintboxError: The file cannot be written.
    """
    within = f"in {minutes:g} minute{'s' * (minutes != 1)}" if minutes else "for the requested epochs"
    comments = [f"Use: {command(model, data, file)}", *recipe.advice, *measured]
    lines = [f"# {one_line(comment)}" for comment in comments]  # a class may have any name
    for setting in recipe.settings:
        left = setting.value is None
        value = setting.instead if left else setting.value
        shown = "" if value is None else f"{as_yaml(value)} # "
        lines.append(f"{'# ' * left}{setting.name}: {shown}{one_line(setting.reason)}")
    title = f"Recipe for {Path(model).name} on {Path(data).name} {within}, {OURS} {tintbox.__version__}"
    first = f"# {one_line(title)} (checksum {checksum(lines)})"
    path = Path(file)
    with explain_refusal(f"out={file}: cannot be written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, "\n".join([first, *lines]) + "\n")
    return path


def checksum(lines: Sequence[str]) -> str:
    """Return a checksum of a recipe's lines after the first, by which a recipe that was edited is recognised."""
    return f"{crc32(' '.join(lines).encode(errors='surrogateescape')):08x}"


def check(out: str | Path) -> None:
    """Check that a recipe can be written, before the work begins.

    Raises:
        TintboxError: Its name is not a YAML's, another file or a recipe that was edited is in its place, or the folder
            is not writable.
    """
    file = Path(out)
    if not yaml_file.is_yaml(file):
        raise TintboxError(f"out={out}: a recipe is YAML; give a file that ends in {' or '.join(yaml_file.SUFFIXES)}")
    with explain_refusal(f"out={out}: cannot be written"):
        if file.exists():
            with file.open(encoding="utf-8", errors="surrogateescape") as lines:
                first, rest = lines.readline(LINE).rstrip("\n"), lines.read(yaml_file.YAML_BYTES).splitlines()
            if first and not (first.startswith("# ") and OURS in first):
                raise TintboxError(f"out={out} exists and is not a recipe by tintbox; give another out=")
            if "(checksum " in first and checksum(rest) not in first:
                raise TintboxError(f"out={out} was edited since tintbox wrote it; give another out=, or remove it")
        there = next(place for place in file.absolute().parents if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise TintboxError(f"out={out}: cannot be written in {there}; give another out=")


def command(model: str | Path, data: str | Path, file: str | Path) -> str:
    """Return the command that trains with a recipe, quoted for a shell."""
    return shlex.join(["yolo", "train", f"model={model}", f"data={data}", f"cfg={file}"])


def as_yaml(value: Any) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")
