"""PyTorch files: read as zips with a pickle, within limits and without executing anything, and written atomically."""

from __future__ import annotations

import contextlib
import pickletools
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from tintbox import atomic
from tintbox.checkpoint_archive import PICKLE, BombError, explain_failures, is_zip, open_checkpoint
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, lack, one_line, reason_of, suggest_file
from tintbox.limits import PICKLE_BYTES, PICKLE_INSTRUCTIONS

# The opcode GLOBAL of pickle protocol 2, and the modules of the repositories ultralytics/yolov3 and ultralytics/yolov5.
CLASSIC = re.compile(rb"cmodels\.(?:yolo|common|experimental)\n")
HEAD = 1 << 22  # bytes to read of a file from PyTorch before 1.6, whose pickle precedes its tensors
WANTED = {"epoch": int, "date": str, "version": str}  # keys of Ultralytics' checkpoints and the types of their values
KEY = re.compile(rb"(?:X.\0\0\0|\x8c.)(?:epoch|date|version)", re.DOTALL)  # one as an instruction with its length
PLACES = 10_000  # of such bytes that are looked at; there are about ten
VALUE_BYTES = 300  # read from a key on: it, its value, and what remembers them


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint is complete: a zip with a pickle, in which every member's checksum is correct.

    This reads the whole file, about a second per gigabyte.
    """
    try:
        with open_checkpoint(path) as archive:
            return archive.is_whole()
    except TintboxError:
        return False


def write(target: Path, content: dict[str, Any], make_folder: bool = False) -> None:
    """Write a checkpoint atomically; the date is added unless the content has one.

    Raises:
        TintboxError: It cannot be written.
    """
    import torch

    try:
        if make_folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(target) as part, part.open("wb") as file:
            torch.save({"date": datetime.now().astimezone().isoformat(), **content}, file)
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a name with a zero byte
        raise TintboxError(f"{target}: cannot be written ({reason_of(error)})") from error


def network_of(weights: Any) -> Any:
    """Return the network of a loaded checkpoint, averaged if there is one; anything else is a network itself."""
    return (weights.get("ema") or weights.get("model")) if isinstance(weights, dict) else weights


def load_for_export(source: Path, target: Path, what: str) -> tuple[Any, dict[str, Any]]:
    """Return the model and the content of a checkpoint that is to be exported to another one.

    The target is a `.pt`, too; an existing one is replaced. ``what`` says in errors what the source should be.

    Raises:
        TintboxError: The source cannot be loaded, or a checkpoint cannot be written to the target.
    """
    from ultralytics.nn import tasks

    if not is_there(source):
        raise TintboxFileError(f"{source}: {lack(source)}; give {what}{suggest_file(source)}")
    if source.suffix.lower() != ".pt":  # of an exported model, for one
        raise TintboxError(f"{source}: no checkpoint, which would end in .pt; give {what}")
    if target.suffix != ".pt":
        raise TintboxError(f"{target}: give the file to write the suffix .pt")
    if is_there(target, Path.is_dir):
        raise TintboxError(f"{target}: a folder; give the name of a file")
    if not is_there(target.parent, Path.is_dir):
        raise TintboxFileError(f"{target}: there is no folder {target.parent}; make it first")
    try:
        target.exists()
    except (OSError, ValueError) as error:  # such a name cannot exist; ValueError: it has a zero byte
        raise TintboxError(f"{target}: cannot be written ({reason_of(error)})") from error
    if is_there(target) and target.samefile(source):
        raise TintboxError(f"{target}: would overwrite the model itself; give another name")
    try:
        return tasks.load_checkpoint(source)
    except (OSError, TypeError, RuntimeError) as error:
        raise TintboxError(f"{source}: {one_line(error).removeprefix(f'{source}: ')}") from error


def head(path: Path) -> bytes:
    """Return the first bytes of a file's pickle or, for old formats, of the file.

    Raises:
        TintboxError: As in `open_checkpoint`, or the pickle is damaged.
    """
    if is_zip(path):
        with open_checkpoint(path) as archive:
            return archive.read(PICKLE, PICKLE_BYTES)
    with explain_failures(path), path.open("rb") as file:
        return file.read(HEAD)


def mentions(path: Path, text: bytes) -> bool:
    """Return whether a file's pickle contains these bytes; False if it cannot be read."""
    try:
        return text in head(path)
    except TintboxError:
        return False


def is_classic(path: Path) -> bool:
    """Return whether the pickle of a PyTorch file names modules of the classic repositories.

    Raises:
        BombError: It unpacks to far more than its own size; raised because another loader would unpack it.
    """
    try:
        return bool(CLASSIC.search(head(path)))
    except BombError:
        raise
    except TintboxError:
        return False


def find_classic(file: Any) -> Path | None:
    """Return the path of a file if it exists and is a classic checkpoint, else None.

    Raises:
        BombError: As in `is_classic`.
    """
    path = Path(str(file).strip().replace("'", ""))
    return path if path.suffix == ".pt" and is_there(path) and is_classic(path) else None


def instructions(raw: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    """Yield each of a pickle's instructions with its argument, without executing any.

    Raises:
        TintboxError: There are more than `limits.PICKLE_INSTRUCTIONS`.
        ValueError: It is not a pickle.
    """
    for count, (code, value, _) in enumerate(pickletools.genops(raw)):
        if count >= PICKLE_INSTRUCTIONS:
            raise TintboxError(f"its pickle has more than {PICKLE_INSTRUCTIONS:,} instructions")
        yield code, value


def facts(path: Path) -> dict[str, Any]:
    """Return the epoch (-1: training has ended), date and Ultralytics version in a checkpoint.

    Loading a pickle can run arbitrary code; here the bytes of the keys are searched, and the two or three instructions
    from there on are only read: walking through all of them takes twenty times as long. The first occurrence of each
    key counts, even within a text; a file that is not a checkpoint yields {}.
    """
    found: dict[str, Any] = {}
    with contextlib.suppress(TintboxError):
        with open_checkpoint(path) as archive:
            raw = archive.pickle()
        for place in islice(KEY.finditer(raw), PLACES):
            part = raw[place.start() : place.start() + VALUE_BYTES]
            with contextlib.suppress(ValueError):  # these bytes were something else
                read = islice(pickletools.genops(part), 3)
                key, value = [value for code, value, _ in read if not is_memo(code.name)][:2]
                if isinstance(key, str) and key not in found and isinstance(value, WANTED.get(key, ())):
                    found[key] = value
            if len(found) == len(WANTED):
                break
    return found


def is_memo(name: str) -> bool:
    """Return whether an instruction only remembers the value before it."""
    return "PUT" in name or name == "MEMOIZE"
