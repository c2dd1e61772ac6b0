"""Standard output and error that accept any text and outlive whoever reads them; and a quiet Ultralytics."""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tintbox.errors import reason_of

if TYPE_CHECKING:
    from rich.console import Console

LEGIBLE = "tintbox.legible"  # name of the handler below in `codecs`
PLAIN = {"─": "-", "━": "-", "│": "|", "…": "...", "−": "-", "±": "+-", "²": "^2", "→": "->"}


def make_legible(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks by something readable (an error handler for `codecs`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or c.encode("unicode_escape").decode() for c in lacking), error.end


codecs.register_error(LEGIBLE, make_legible)


def make_printable(text: str, stream: Any = None) -> str:
    """Return text in a form that a stream, by default standard output, can encode; log handlers have no fallback."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, LEGIBLE).decode(encoding)


def console() -> Console:
    """Return a console on standard output; in a file or pipe, its lines are not folded unless ``COLUMNS`` is set."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 200)


@contextlib.contextmanager
def quiet(level: int = logging.WARNING) -> Iterator[None]:
    """Within this context, Ultralytics logs only messages of a level or above, and shows no progress bars."""
    from ultralytics.utils import LOGGER

    before = LOGGER.level
    LOGGER.setLevel(level)
    try:
        yield
    finally:
        LOGGER.setLevel(before)


class PatientStream:
    """A text stream that survives its reader: what cannot be written is dropped, and the reason kept."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text in a form that the stream's encoding can represent."""
        self._try(self._stream.write, make_printable(text, self._stream))
        return len(text)

    def flush(self) -> None:
        """Flush the stream's buffer."""
        self._try(self._stream.flush)

    def _try(self, action: Any, *arguments: Any) -> None:
        try:
            action(*arguments)
        except OSError as error:
            self.failure = self.failure or error
            # Buffered and further output is discarded; otherwise it would cause an error at the interpreter's exit.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def use_patient_streams() -> Iterator[None]:
    """Use patient streams within this context; at its end, a full disk is an error but a closed pipe is not.

    Raises:
        SystemExit: Standard output could not be written, which a line on standard error says.
    """
    kept = sys.stdout, sys.stderr
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed by the shell: the next file opened would get its number
            setattr(sys, name, os.fdopen(_occupy(number), "r" if number == 0 else "w"))
    out, err = PatientStream(sys.stdout), PatientStream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield
    except SystemExit as stop:  # click also ends successful commands this way
        if stop.code not in (0, None):
            raise
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = kept[0] or out._stream, kept[1] or err._stream
    if out.failure and not isinstance(out.failure, BrokenPipeError):
        reason = reason_of(out.failure)
        print(f"tintbox: the standard output cannot be written ({reason}); files are complete", file=sys.stderr)
        raise SystemExit(1)


def _occupy(number: int) -> int:
    """Return a descriptor of the null device, with this number if it is free."""
    found = os.open(os.devnull, os.O_RDWR)
    if found != number:
        with contextlib.suppress(OSError):
            os.fstat(number)
            return found
        os.dup2(found, number)
        os.close(found)
    return number
