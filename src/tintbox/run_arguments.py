"""Training arguments in a run's folder: ``args.yaml`` has Ultralytics' own, ``tintbox.yaml`` beside it ours.

A stock Ultralytics refuses arguments that it does not know, and is to accept ``cfg=run/args.yaml`` of every run. So
those of tintbox that were set have a file of their own, which is not there if none was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox import limits, yaml_file
from tintbox.errors import TintboxError

STOCK, OWN = "args.yaml", "tintbox.yaml"
# Begins an args.yaml that has arguments beside it. A stock run that takes the folder over writes it without this line,
# and leaves our file where it was.
HEADER = f"# tintbox's own arguments of this run are in {OWN} beside this file.\n"


def read(folder: Path) -> dict[str, Any]:
    """Return all arguments of a run, by name.

    Raises:
        TintboxError: A file cannot be read, has no arguments, or too many.
    """
    return {**_mapping(folder / STOCK), **beside(folder / STOCK)}


def beside(file: str | Path) -> dict[str, Any]:
    """Return tintbox's own arguments that lie beside a file, if that is a run's ``args.yaml``.

    Raises:
        TintboxError: They cannot be read, or are none.
    """
    own = Path(file).with_name(OWN)
    if Path(file).name != STOCK or not own.is_file():
        return {}
    try:
        with Path(file).open("rb") as stream:
            said = stream.read(len(HEADER)) == HEADER.encode()
    except OSError as error:
        raise TintboxError(f"{file}: cannot be read ({error.strerror})") from error
    return _mapping(own) if said else {}


def _mapping(file: Path) -> dict[str, Any]:
    """Return the arguments in a file; names that are no texts, such as numbers, become texts."""
    found = yaml_file.read(file)
    if not isinstance(found, dict):
        raise TintboxError(f"{file.parent} is no training run: {file.name} has no arguments")
    if len(found) > limits.ARGUMENTS:
        raise TintboxError(f"{file}: {len(found):,} arguments, more than {limits.ARGUMENTS:,}")
    return {str(key): value for key, value in found.items()}
