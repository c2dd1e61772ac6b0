"""What a checkpoint says of itself, read from its pickle without running it."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import Any

WANTED = {"epoch": int, "date": str, "version": str}  # keys of Ultralytics' checkpoints, and their values' types


def facts(file: Path) -> dict[str, Any]:
    """Return the epoch (-1: the training is over), date and Ultralytics version that a checkpoint holds.

    A pickle can run any code when it is loaded; here its instructions are only read. The first of each key counts.

    Args:
        file: What ``torch.save`` wrote.

    Returns:
        The keys of ``WANTED`` that were found; none for a file that is no checkpoint.
    """
    found: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            key = ""
            for code, value, _ in pickletools.genops(archive.read(name)):
                if "PUT" in code.name or code.name == "MEMOIZE":
                    continue
                if key and key not in found and isinstance(value, WANTED[key]):
                    found[key] = value
                key = value if isinstance(value, str) and value in WANTED and "UNICODE" in code.name else ""
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile):
        return found
    return found
