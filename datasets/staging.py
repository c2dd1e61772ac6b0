"""Staging: to Ultralytics, a dataset folder is either complete or missing."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tintbox.checks import is_whole
from tintbox.errors import TintboxError, TintboxFileError, one_line

RECORD = "tintbox.json"  # in the dataset's folder: the recipe that made it, and the number of its files
LAST = Path("images/val")  # Ultralytics considers a dataset complete once this folder exists
STALE_AFTER = 3600.0  # seconds after which another run's staging folder counts as abandoned


def is_complete(target: Path, recipe: Mapping[str, Any]) -> bool:
    """Return whether ``target`` has every file of the dataset that ``recipe``, in JSON types, describes.

    Raises:
        TintboxError: If the folder was made by another recipe. It is not overwritten.
    """
    try:
        record = json.loads((target / RECORD).read_text(encoding="utf-8"))
        found, files = record["recipe"], record["files"]
    except (OSError, ValueError, KeyError, TypeError):  # no record, or a broken one: not finished
        return False
    if not (isinstance(found, dict) and isinstance(files, dict) and all(map(is_whole, files.values()))):
        return False
    if found != dict(recipe):
        raise TintboxError(
            f"{target}: holds another dataset ({_words(found)}), not {_words(recipe)}; "
            "delete the folder or give another 'path'"
        )
    return all(sum(1 for _ in target.glob(pattern)) >= count for pattern, count in files.items())


@contextmanager
def stage(target: Path, recipe: Mapping[str, Any]) -> Iterator[Path]:
    """Provide an empty folder next to ``target`` to fill; it is renamed to ``target`` once the block succeeds.

    A run that fails or is killed leaves ``target`` unchanged. If ``target`` exists (say, an incomplete dataset), the
    new files are moved into it, ``images/val`` last; files with other names stay.

    ``recipe`` has the inputs that the dataset is made from, in JSON types; it is stored in ``tintbox.json``.

    Yields:
        The folder to fill.

    Raises:
        TintboxError: If the folder cannot be written, or a file that the dataset is made from is not there.
    """
    target = target.absolute()
    prefix = f".{target.name}.staging-"
    folder = target.parent / f"{prefix}{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True)
        _sweep(target.parent, prefix)
        yield folder
        patterns = {f"{p.parent.relative_to(folder).as_posix()}/*{p.suffix}": 0 for p in folder.rglob("*.*")}
        files = {pattern: sum(1 for _ in folder.glob(pattern)) for pattern in sorted(patterns)}
        record = json.dumps({"recipe": dict(recipe), "files": files}, indent=1)
        (folder / RECORD).write_text(record + "\n", encoding="utf-8")
        _move_in(folder, target)
    except OSError as error:
        if isinstance(error, TintboxError):  # a TintboxFileError is an OSError too, and says more
            raise
        if (
            isinstance(error, FileNotFoundError)
            and folder.exists()
            and not Path(str(error.filename)).is_relative_to(folder)
        ):
            raise TintboxFileError(f"{target}: '{error.filename}', which it is made from, is not there") from error
        raise TintboxError(
            f"{target}: cannot write the dataset ({one_line(error)}); free the disk or give another 'path'"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _words(recipe: Mapping[str, Any]) -> str:
    """Return ``recipe`` as ``"key value, key value"``."""
    return ", ".join(f"{key} {value}" for key, value in recipe.items())


def _sweep(parent: Path, prefix: str) -> None:
    """Remove staging folders left behind by killed runs."""
    for other in parent.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):  # another run has just removed its own
            if time.time() - other.stat().st_mtime > STALE_AFTER:
                shutil.rmtree(other, ignore_errors=True)


def _move_in(folder: Path, target: Path) -> None:
    """Move ``folder`` to ``target``: by one rename if possible, else file by file with ``images/val`` last."""
    if not target.exists():
        try:
            os.replace(folder, target)  # noqa: PTH105 - one rename creates and publishes the dataset
            return
        except OSError:
            if not target.exists():  # else another process was first: both made the same files
                raise
    files = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
    for name in sorted(files, key=lambda p: (p.name == RECORD, p.parent == LAST, p)):
        if name.parent == LAST and not (target / LAST).exists():
            (target / LAST).parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / LAST, target / LAST)  # noqa: PTH105 - the folder appears with all its files
        elif (folder / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / name, target / name)  # noqa: PTH105
