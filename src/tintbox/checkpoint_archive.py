"""Opening and reading PyTorch's zip files within limits."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tintbox.errors import TintboxError, TintboxFileError, one_line, reason_of
from tintbox.limits import PICKLE_BYTES, ZIP_DIRECTORY_BYTES, ZIP_RATIO

PICKLE = "data.pkl"
PIECE = 1 << 20  # bytes read at a time
ENCRYPTED = 1  # the flag of a member
# What `zipfile` raises for a file that is not a zip or is damaged.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError)


class BombError(TintboxError):
    """A zip that unpacks to far more than its own size."""


class _Directory(io.FileIO):
    """A file that limits the size of single reads: `zipfile` reads a zip's whole list of members at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes, by default all of them."""
        every = size is None or size < 0
        content = super().read(ZIP_DIRECTORY_BYTES + 1 if every else min(size or 0, ZIP_DIRECTORY_BYTES + 1)) or b""
        if len(content) > ZIP_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of files is longer than {ZIP_DIRECTORY_BYTES >> 20} MiB")
        return content


class Archive:
    """A zip as PyTorch writes it: all members are in one folder, and one of them is the pickle.

    Attributes:
        folder: The folder's name with a trailing slash.
    """

    def __init__(self, path: Path, zipped: zipfile.ZipFile) -> None:
        self.path = path
        self._zip = zipped
        self._members = {member.filename: member for member in zipped.infolist()}
        pickles = [name for name in self._members if name == PICKLE or name.endswith(f"/{PICKLE}")]
        if not pickles:
            raise TintboxError(f"{path}: no checkpoint of PyTorch, there is no {PICKLE} in it")
        self.folder = min(pickles, key=len).removesuffix(PICKLE)
        if len(self._members) != len(zipped.infolist()):
            raise TintboxError(f"{path}: damaged, two files in it have the same name")
        if any(member.flag_bits & ENCRYPTED for member in zipped.infolist()):
            raise TintboxError(f"{path}: encrypted; unpack it and save it once without a password")
        unpacked, packed = sum(member.file_size for member in zipped.infolist()), path.stat().st_size
        if unpacked > max(packed * ZIP_RATIO, PICKLE_BYTES):
            raise BombError(f"{path}: unpacks from {_mib(packed)} to {_mib(unpacked)} MiB, which no checkpoint does")

    def size(self, name: str) -> int | None:
        """Return the size in bytes of a member of the folder, None if it does not exist."""
        member = self._members.get(self.folder + name)
        return member.file_size if member else None

    def read(self, name: str, limit: int) -> bytes:
        """Return a member's first bytes; the checksum is only verified if the whole member is read.

        Args:
            name: Its name within the folder.
            limit: Maximum number of bytes, whatever the file claims.

        Raises:
            TintboxError: It does not exist or is damaged.
        """
        with explain_failures(self.path), self._zip.open(self.folder + name) as member:
            pieces = []
            while limit > 0 and (piece := member.read(min(PIECE, limit))):
                pieces.append(piece)
                limit -= len(piece)
            return b"".join(pieces)

    def pickle(self) -> bytes:
        """Return the pickle.

        Raises:
            TintboxError: It is damaged or larger than `limits.PICKLE_BYTES`.
        """
        raw = self.read(PICKLE, PICKLE_BYTES + 1)
        if len(raw) > PICKLE_BYTES:
            raise TintboxError(f"{self.path}: its {PICKLE} is larger than {_mib(PICKLE_BYTES)} MiB")
        return raw

    def is_whole(self) -> bool:
        """Return whether every member is complete, according to its checksum."""
        try:
            return self._zip.testzip() is None
        except (OSError, KeyError, *DAMAGE):
            return False


@contextlib.contextmanager
def explain_failures(path: Path) -> Iterator[None]:
    """Turn errors from reading a zip into one line.

    Raises:
        TintboxError: The line.
    """
    try:
        yield
    except TintboxError:
        raise
    except FileNotFoundError as error:
        raise TintboxFileError(f"{path}: no such file") from error
    except OSError as error:
        raise TintboxError(f"{path}: cannot be read ({reason_of(error)})") from error
    except (KeyError, *DAMAGE) as error:
        raise TintboxError(f"{path}: damaged or truncated ({one_line(error)[:200]})") from error


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[Archive]:
    """Open a file written by PyTorch 1.6 or later.

    Raises:
        TintboxError: It cannot be read, is damaged, encrypted or not a zip, or unpacks to more than any checkpoint.
    """
    with contextlib.ExitStack() as stack:
        with explain_failures(path):
            file = stack.enter_context(_Directory(path))
            archive = Archive(path, stack.enter_context(zipfile.ZipFile(file)))
        yield archive


def is_zip(path: Path) -> bool:
    """Return whether a file begins like a zip; files from PyTorch before 1.6 do not.

    Raises:
        TintboxError: It cannot be read.
    """
    with explain_failures(path), path.open("rb") as file:
        return file.read(2) == b"PK"


def _mib(size: int) -> int:
    return -(-size >> 20)
