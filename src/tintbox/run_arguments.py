"""Training arguments in a run's folder: ``args.yaml`` has Ultralytics' own, ``tintbox.yaml`` beside it ours.

A stock Ultralytics refuses unknown arguments, but must accept ``cfg=run/args.yaml`` of every run. So tintbox's
arguments have a separate file, which only exists if any were set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox import limits, yaml_file
from tintbox.errors import TintboxError, explain_refusal

STOCK, OWN = "args.yaml", "tintbox.yaml"
COCO, FREEZE = "coco.json", "freeze.json"
# Results of a run with our arguments, which would be taken for those of the next one in its folder (exist_ok=True).
OWN_RESULTS = (COCO, "coco.csv", "annotations.json", "predictions.json", "image_ids.json", FREEZE)
# First line of an args.yaml with a tintbox.yaml beside it. A stock run that reuses the folder writes args.yaml without
# this line, and leaves our file in place.
HEADER = f"# tintbox's own arguments of this run are in {OWN} beside this file.\n"


def read(folder: Path) -> dict[str, Any]:
    """Return all arguments of a run, by name.

    Raises:
        TintboxError: A file cannot be read, has no arguments, or too many.
    """
    return {**_mapping(folder / STOCK), **beside(folder / STOCK)}


def beside(file: str | Path) -> dict[str, Any]:
    """Return tintbox's own arguments from the file beside a run's ``args.yaml``; {} for any other file.

    Raises:
        TintboxError: They cannot be read, or are invalid.
    """
    own = Path(file).with_name(OWN)
    if Path(file).name != STOCK or not own.is_file():
        return {}
    with explain_refusal(f"{file}: cannot be read"):
        said = _says_own(Path(file))
    return _mapping(own) if said else {}


def clear(file: Path) -> None:
    """Remove the results of an earlier run with our arguments, before its ``args.yaml`` is replaced.

    Raises:
        OSError: One cannot be removed.
    """
    if file.is_file() and _says_own(file):
        for name in OWN_RESULTS:
            file.with_name(name).unlink(missing_ok=True)


def _says_own(file: Path) -> bool:
    """Return whether an ``args.yaml`` says that tintbox's own arguments are beside it."""
    with file.open("rb") as stream:
        return stream.readline(len(HEADER) + 1).rstrip() == HEADER.rstrip().encode()  # Windows ends lines by \r\n


def _mapping(file: Path) -> dict[str, Any]:
    """Return the arguments in a file, with names converted to strings."""
    found = yaml_file.read(file)
    if not isinstance(found, dict):
        raise TintboxError(f"{file.parent} is no training run: {file.name} has no arguments")
    if len(found) > limits.ARGUMENTS:
        raise TintboxError(f"{file}: {len(found):,} arguments, more than {limits.ARGUMENTS:,}")
    return {str(key): value for key, value in found.items()}
