"""JSON files, and lists of JSON objects that are checked and read by column."""

from __future__ import annotations

import gc
import json
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tintbox import file_bytes
from tintbox.errors import TintboxError, TintboxFileError, list_values, one_line, reason_of, suggest_file

REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # errors of the fast reader
LONGEST = 60  # characters of a value in an error
_SHORT = reprlib.Repr()  # unlike repr, it handles values nested a thousand levels deep
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = LONGEST
_SHORT.maxdict = 3


@contextmanager
def pause_collection() -> Iterator[None]:
    """Pause garbage collection, which scans a large file's objects many times and doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_bytes(file: str | Path) -> bytes:
    """Return a file's content.

    Raises:
        TintboxError: The file does not exist or cannot be read.
    """
    path = Path(str(file))
    try:
        file_bytes.check_regular(path)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise TintboxFileError(f"{file}: no such file{suggest_file(path)}") from error
    except OSError as error:
        raise TintboxError(f"{file}: cannot be read ({reason_of(error)})") from error
    except ValueError as error:  # a name with a null byte
        raise TintboxError(f"{str(file)!r}: no such file ({one_line(error)})") from error


def parse(raw: bytes, file: str | Path) -> Any:
    """Return the content of JSON text.

    Raises:
        TintboxError: It is invalid; the message says where.
    """
    try:
        return msgspec.json.decode(raw)
    except REFUSED:
        pass  # Python's own reader accepts a byte-order mark, and NaN, which is then reported with its position
    try:
        content = json.loads(raw)
        json.dumps(content, ensure_ascii=False).encode()  # raises for text that cannot be encoded
        return content
    except json.JSONDecodeError as error:
        raise TintboxError(f"{file}:{error.lineno}:{error.colno}: broken JSON ({error.msg})") from error
    except UnicodeEncodeError as error:
        lone = ascii(error.object[error.start])
        raise TintboxError(f"{file}: broken JSON ({lone} is half a character: a lone surrogate)") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TintboxError(f"{file}:{line}: broken JSON (byte {error.start} is not {error.encoding})") from error
    except RecursionError as error:
        raise TintboxError(f"{file}: broken JSON (brackets are nested too deeply)") from error
    except ValueError as error:  # Python rejects numbers of more than 4,300 digits
        raise TintboxError(f"{file}: broken JSON ({one_line(error).partition(';')[0]})") from error


@dataclass(frozen=True)
class Rows:
    """A list of JSON objects; every method raises a TintboxError that names the file and the first bad row.

    Attributes:
        file: The file it comes from.
        name: Its key in the file, such as ``annotations``; empty for the whole file.
        rows: The objects.
    """

    file: str | Path
    name: str
    rows: list[dict[str, Any]]

    def __post_init__(self) -> None:
        if not isinstance(self.rows, list):
            place = f"'{self.name}'" if self.name else "the whole"
            raise TintboxError(f"{self.file}: {place} is no list")
        if not set(map(type, self.rows)) <= {dict}:
            self.refuse([type(row) is not dict for row in self.rows], "is no object {...}")

    def refuse(self, bad: Any, what: str, values: Any = None) -> None:
        """Raise if any of N rows is ``bad``; ``{}`` in ``what`` is replaced by the value of the first bad row."""
        indices = np.flatnonzero(np.asarray(bad, dtype=bool))
        if not len(indices):
            return
        first = int(indices[0])
        if values is not None:
            value = values[first]
            what = what.replace("{}", shorten(value.item() if isinstance(value, np.generic) else value), 1)
        others = f" ({len(indices)} rows like that)" if len(indices) > 1 else ""
        raise TintboxError(f"{self.file}: {self.name}[{first}] {what}{others}")

    def column(self, key: str) -> list[Any]:
        """Return a key's values."""
        try:
            return [row[key] for row in self.rows]
        except KeyError:
            self.refuse([key not in row for row in self.rows], f"has no '{key}'")
            raise

    def integers(self, key: str) -> np.ndarray:
        """Return a key's integers, ``(N,)`` int64; 3.0 is accepted as well."""
        values = self.column(key)
        if not set(map(type, values)) <= {int}:
            whole = [type(v) is int or (type(v) is float and v.is_integer()) for v in values]
            self.refuse(~np.array(whole, dtype=bool), f"has {key} {{}}, which is no whole number", values)
            values = [int(value) for value in values]
        try:
            return np.fromiter(values, np.int64, len(values))
        except OverflowError:
            self.refuse([not -(2**63) <= v < 2**63 for v in values], f"has {key} {{}}, which is beyond 64 bits", values)
            raise

    def numbers(self, key: str) -> np.ndarray:
        """Return a key's numbers, ``(N,)`` float64, including NaN and infinity."""
        values = self.column(key)
        if not set(map(type, values)) <= {float, int}:
            self.refuse([type(v) not in (float, int) for v in values], f"has {key} {{}}, which is no number", values)
        return self._floats(values, 1, key, values).reshape(-1)

    def boxes(self) -> np.ndarray:
        """Return the boxes, ``(N, 4)`` float64: x, y, width, height; detections may have negative sides."""
        values = self.column("bbox")
        what = "has bbox {}, not [x, y, width, height]"
        if not (set(map(type, values)) <= {list} and set(map(len, values)) <= {4}):
            self.refuse([type(v) is not list or len(v) != 4 for v in values], what, values)
        if not set(map(type, chain.from_iterable(values))) <= {float, int}:
            self.refuse([any(type(x) not in (float, int) for x in v) for v in values], what, values)
        boxes = self._floats(chain.from_iterable(values), 4, "bbox", values)
        self.refuse(~np.isfinite(boxes).all(axis=1), "has bbox {}; its numbers must be finite", values)
        self.refuse(~is_measurable(boxes), "has bbox {}, whose area is beyond all numbers", values)
        return boxes

    def _floats(self, numbers: Iterable[float], each: int, key: str, values: list[Any]) -> np.ndarray:
        """Return ``each`` numbers per row as ``(N, each)`` float64."""
        try:
            return np.fromiter(numbers, np.float64, each * len(values)).reshape(-1, each)
        except OverflowError:
            large = [any(map(_is_beyond_float, value if each > 1 else [value])) for value in values]
            self.refuse(large, f"has {key} {{}}, with a number beyond 1e308", values)
            raise

    def check_unique(self, values: np.ndarray) -> None:
        """Raise if an id occurs twice."""
        if len(np.unique(values)) < len(values):
            twice = [value for value, count in Counter(values.tolist()).items() if count > 1]
            raise TintboxError(f"{self.file}: {self.name} share ids: id {list_values(twice)} ({len(twice)} in all)")

    def check_known(self, key: str, values: np.ndarray, known: Iterable[int], where: str) -> None:
        """Raise if a value is not among the known ones."""
        bad = ~np.isin(values, np.fromiter(known, dtype=np.int64))
        if bad.any():
            ids = np.unique(values[bad]).tolist()
            first, count = int(np.flatnonzero(bad)[0]), int(bad.sum())
            raise TintboxError(
                f"{self.file}: unknown {key} {list_values(ids)} ({count} of {len(values)} rows, the first is "
                f"{self.name}[{first}]); {where}"
            )


def is_measurable(boxes: np.ndarray) -> np.ndarray:
    """Return which of ``(N, 4)`` boxes x, y, width, height have finite ends and a finite area, ``(N,)`` bool."""
    with np.errstate(over="ignore"):
        ends, areas = boxes[:, :2] + boxes[:, 2:], boxes[:, 2] * boxes[:, 3]
        return np.isfinite(ends).all(1) & np.isfinite(2 * areas)  # the union of two


def _is_beyond_float(value: float) -> bool:
    """Return whether a number is an integer too large for a float."""
    try:
        float(value)
    except OverflowError:
        return True
    return False


def shorten(value: Any) -> str:
    """Return a value's text, cut so that an error stays on one line."""
    text = _SHORT.repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
