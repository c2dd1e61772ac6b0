"""The cores of this machine and how many threads may use them, given the user's settings and other programs."""

from __future__ import annotations

import math
import os
import threading
import time

TYPE_CHECKING = False  # importing typing would slow down every interpreter start
if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

# Ultralytics sets OMP_NUM_THREADS=1 when it is imported. The start-up hook imports this module before that, to record
# the user's own setting: keep this module cheap, and keep the hook importing it.
USER_THREADS = os.environ.get("OMP_NUM_THREADS")
# Seconds between measurements of other programs' load, the share of a core from which it counts, and the number of
# consecutive quiet measurements after which they are considered idle.
SECONDS, SHARE, PATIENCE = 0.5, 0.2, 6
CGROUP = "/sys/fs/cgroup"
_ends: dict[int, threading.Event] = {}  # number of threads -> the event that ends their watch


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota() -> int | None:
    """Return a container's CPU limit in cores (`docker run --cpus`), None if unlimited; affinity does not show it."""
    from pathlib import Path

    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # cgroups 2 and 1
        try:
            share, period = " ".join(Path(CGROUP, name).read_text() for name in names).split()
        except (OSError, ValueError):
            continue
        return max(1, math.ceil(int(share) / int(period))) if share.isdigit() else None
    return None


def most_threads() -> int | None:
    """Return the limit ``TINTBOX_THREADS`` for a process that shares its machine, None if unlimited."""
    return _limit(os.environ.get("TINTBOX_THREADS", ""))


def users_threads() -> int | None:
    """Return the user's ``OMP_NUM_THREADS``, its first level if there are several, or None."""
    return _limit((USER_THREADS or "").partition(",")[0].strip())


def _limit(setting: str) -> int | None:
    return int(setting) or None if setting.isdecimal() else None


def available() -> int:
    """Return the number of threads that may compute here: the cores, or less if a container or the user limits it.

    The user's limits are ``OMP_NUM_THREADS`` and, for processes that share the machine, ``TINTBOX_THREADS``.
    """
    return min([cores(), *(limit for limit in (quota(), users_threads(), most_threads()) if limit)])


def use_all_cores(device: torch.device, spare: int = 0) -> None:
    """On a CPU, let torch use all `available` threads except ``spare`` ones.

    Ultralytics leaves torch one thread, which suits a data loader's worker but not a main process.
    """
    import torch

    if device.type == "cpu":
        threads = max(1, available() - spare)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if threads > 1:
            watch(threads)


def watch(threads: int) -> None:
    """Make OpenMP's threads sleep while they wait for each other, as long as other programs want the same cores.

    At the end of every parallel loop the threads wait for the last one. GNU OpenMP lets them spin for milliseconds
    before they sleep, which is fastest while the cores are theirs. But if another program wants a core, the thread that
    is still working has to share its own: steps then take up to six times as long, single ones twenty times. Sleeping
    avoids that, and costs a third on a quiet machine (benchmarks/waiting.py). OpenMP lets threads sleep if it has more
    of them than cores, as its manual says under GOMP_SPINCOUNT; that variable itself is read too early, before it is
    known that a run wants it. So while the machine is busy, a second, idle team of threads is kept.
    """
    if threads not in _ends:
        end = _ends[threads] = threading.Event()
        threading.Thread(target=_watch, args=(threads, end.wait), name="tintbox-watch", daemon=True).start()


def unwatch() -> None:
    """End all watches, restoring OpenMP's own behaviour."""
    while _ends:
        _ends.popitem()[1].set()


def _watch(threads: int, ended: Callable[[float], bool]) -> None:
    """Form the idle team when other programs want a core, and dismiss it after a quiet period and at the end.

    ``ended`` waits for the given seconds, and returns whether the watch is over.
    """
    team, quiet, before = None, 0, busy_seconds()
    while not ended(SECONDS):
        now = busy_seconds()
        others = (now[1] - before[1]) / max(now[0] - before[0], 1e-9)  # cores that other processes used
        before = now
        crowded = others > cores() - threads + SHARE
        quiet = 0 if crowded else quiet + 1
        if crowded and team is None:
            team = rest(threads)
        elif team is not None and quiet >= PATIENCE:
            team.set()
            team = None
    if team is not None:
        team.set()


def busy_seconds() -> tuple[float, float]:
    """Return the current time, and the CPU seconds that other processes have used on this one's cores."""
    import psutil

    here = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(cores()))
    used = sum(
        sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0)
        for core, times in enumerate(psutil.cpu_times(percpu=True))
        if core in here
    )
    return time.monotonic(), used - time.process_time()


def rest(threads: int) -> threading.Event:
    """Form a team of OpenMP threads that stays idle until the returned event is set."""
    import torch

    formed, dismissed = threading.Event(), threading.Event()

    def form() -> None:
        torch.set_num_threads(threads)  # OpenMP keeps this number per thread
        torch.zeros(1 << 20).add_(1)  # large enough to run in parallel
        formed.set()
        dismissed.wait()

    threading.Thread(target=form, name="tintbox-rest", daemon=True).start()
    formed.wait()
    return dismissed
