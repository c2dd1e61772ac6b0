"""Lets one process at a time work in a study's folder: a system lock, which is freed when its holder dies."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from tintbox.errors import TintboxError, one_line, reason_of

LOCK = ".study.lock"  # never deleted: a process that has just opened it would lock a deleted file
HOLDER = ".study.holder"  # who has the lock, for the error message of other processes
PATIENCE = 0.2  # seconds to wait for a new holder to say who it is


class BusyError(TintboxError):
    """Another process is working in the folder."""


def holder(folder: Path) -> str:
    """Return who is working in a folder, e.g. ``" (process 17)"``; "" if unknown."""
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, ValueError, OverflowError):
            pid, _, machine = (folder / HOLDER).read_text(encoding="utf-8").partition(" ")
            if machine != platform.node():
                return f" (process {int(pid)} on {one_line(machine)[:100]})"
            if psutil.pid_exists(int(pid)):  # else the file was left by a killed process
                return f" (process {int(pid)})"
        if time.monotonic() > end:
            return ""
        time.sleep(PATIENCE / 10)


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other studies out of an existing folder.

    Raises:
        BusyError: Another one is working there.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"{folder}: a study is at work there{holder(folder)}; wait for it or stop it") from None
    except OSError as error:
        why = reason_of(error)
        raise TintboxError(f"{folder}: {LOCK} cannot be locked ({why}); give project= on another disk") from error
    try:
        (folder / HOLDER).write_text(f"{os.getpid()} {platform.node()}", encoding="utf-8")
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()
