"""Whether a file is a classic YOLOv3 or YOLOv5 checkpoint, from its bytes alone: nothing is unpickled."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

# The opcode GLOBAL of pickle protocol 2, and the modules of the repositories ultralytics/yolov3 and ultralytics/yolov5.
NAMES = re.compile(rb"cmodels\.(?:yolo|common|experimental)\n")
HEAD = 1 << 22  # bytes of a file of PyTorch before 1.6 that are looked at; its pickle comes before its tensors


def find(file: Any) -> Path | None:
    """Return the path of a file if it is there and is a classic checkpoint, else None."""
    path = Path(str(file).strip().replace("'", ""))
    return path if path.suffix == ".pt" and path.is_file() and is_classic(path) else None


def is_classic(path: Path) -> bool:
    """Return whether the pickle of a PyTorch file names modules of the classic repositories."""
    try:
        return bool(NAMES.search(pickled(path)))
    except (OSError, zipfile.BadZipFile):
        return False


def pickled(path: Path) -> bytes:
    """Return the pickle of a PyTorch file, or what may contain it.

    Raises:
        OSError: The file cannot be read.
        zipfile.BadZipFile: It is damaged.
    """
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            return file.read(HEAD)
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        return archive.read(name) if name else b""
