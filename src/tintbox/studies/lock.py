"""One process works in a study's folder at a time: a lock of the system, which is free when its holder is dead."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from tintbox.errors import TintboxError, one_line

LOCK = ".study.lock"  # stays where it is: whoever has just opened it would lock a file that is gone
HOLDER = ".study.holder"  # who has the lock, for the message of whoever has not
PATIENCE = 0.2  # seconds in which a holder that has just begun says who it is


class BusyError(TintboxError):
    """Another process works in the folder."""


def holder(folder: Path) -> str:
    """Return who works in a folder, e.g. ``" (process 17)"``; nothing if that cannot be found out."""
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, ValueError, OverflowError):
            pid, _, machine = (folder / HOLDER).read_text(encoding="utf-8").partition(" ")
            if machine != platform.node():
                return f" (process {int(pid)} on {one_line(machine)[:100]})"
            if psutil.pid_exists(int(pid)):  # else it is left of one that was killed
                return f" (process {int(pid)})"
        if time.monotonic() > end:
            return ""
        time.sleep(PATIENCE / 10)


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other studies out of a folder, which is there.

    Raises:
        BusyError: One is at work there.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"{folder}: a study is at work there{holder(folder)}; wait for it or stop it") from None
    except OSError as error:
        why = error.strerror or one_line(error)
        raise TintboxError(f"{folder}: {LOCK} cannot be locked ({why}); give project= on another disk") from error
    try:
        (folder / HOLDER).write_text(f"{os.getpid()} {platform.node()}", encoding="utf-8")
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()
