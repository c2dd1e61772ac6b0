"""The YAML files that tintbox ships, found by bare name from any folder, like Ultralytics' own."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import tintbox.cfg
import tintbox.datasets
from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxFileError


def folders() -> list[Path]:
    """Return the folders of the model, recipe and dataset YAMLs, wherever the package is installed."""
    return [Path(package.__path__[0]) for package in (tintbox.cfg, tintbox.datasets)]


def find_all() -> dict[str, Path]:
    """Return file name -> path of every YAML that tintbox ships."""
    return {path.name: path for folder in folders() for path in sorted(folder.glob("*.yaml"))}


def find(file: object) -> Path | None:
    """Return the shipped YAML with the bare name ``file``, or None; a user's file of that name takes precedence."""
    name = str(file).strip()
    if not yaml_file.is_yaml(name) or Path(name).name != name or is_there(Path(name), Path.exists):
        return None
    return find_all().get(name)


def explain_missing(file: object) -> TintboxFileError | None:
    """Return the error for a YAML that does not exist if one of tintbox's has a similar name, else None."""
    name = str(file).strip()
    if not yaml_file.is_yaml(name):
        return None
    stems = {path.stem: path.name for path in find_all().values()}
    near = get_close_matches(Path(name).stem, stems, n=1, cutoff=0.7)  # strict, so that stock names do not match
    return TintboxFileError(f"'{name}' does not exist; did you mean '{stems[near[0]]}'?") if near else None
