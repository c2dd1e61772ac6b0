"""The cores of this machine, and how many threads may use them: what the user set, and what shares the machine."""

from __future__ import annotations

import math
import os
import threading
import time

TYPE_CHECKING = False  # typing's own would cost the start of an interpreter
if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

# Ultralytics sets OMP_NUM_THREADS=1 when it is imported. The start-up hook imports this module before that, so that the
# user's own setting is known: keep this module cheap, and keep the hook importing it.
USER_THREADS = os.environ.get("OMP_NUM_THREADS")
# How often others' share of the cores is looked at, from which share of one on they count, and for how many looks in a
# row they must be quiet.
SECONDS, SHARE, PATIENCE = 0.5, 0.2, 6
CGROUP = "/sys/fs/cgroup"
_ends: dict[int, threading.Event] = {}  # of the watches that go on, by threads


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota() -> int | None:
    """Return how many cores' time a container may use (`docker run --cpus`), None for any: affinity does not say."""
    from pathlib import Path

    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # cgroups 2 and 1
        try:
            share, period = " ".join(Path(CGROUP, name).read_text() for name in names).split()
        except (OSError, ValueError):
            continue
        return max(1, math.ceil(int(share) / int(period))) if share.isdigit() else None
    return None


def most_threads() -> int | None:
    """Return how many threads ``TINTBOX_THREADS`` allows a process that shares its machine, None for any."""
    return _limit(os.environ.get("TINTBOX_THREADS", ""))


def users_threads() -> int | None:
    """Return what the user set as ``OMP_NUM_THREADS``, of several levels the first; None for nothing."""
    return _limit((USER_THREADS or "").partition(",")[0].strip())


def _limit(setting: str) -> int | None:
    return int(setting) or None if setting.isdecimal() else None


def available() -> int:
    """Return the number of threads that may compute here: the cores, or less where a container or the user limits it.

    ``OMP_NUM_THREADS``, if the user set it, is one; so is ``TINTBOX_THREADS``, where processes share the machine.
    """
    return min([cores(), *(limit for limit in (quota(), users_threads(), most_threads()) if limit)])


def use_all_cores(device: torch.device, spare: int = 0) -> None:
    """Let torch use all threads that are `available`, but for ``spare`` ones, unless it uses a GPU.

    Ultralytics leaves torch one thread, which suits a data loader's worker but not a process of its own.
    """
    import torch

    if device.type == "cpu":
        threads = max(1, available() - spare)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if threads > 1:
            watch(threads)


def watch(threads: int) -> None:
    """Have OpenMP's threads sleep while they wait for each other, for as long as others want the same cores.

    At the end of every parallel loop the threads wait for the last one. GNU OpenMP lets them spin for milliseconds
    before they sleep, which is the quickest while the cores are theirs. But where another program wants one of them,
    it is the thread that still works that has to share: steps then take up to six times as long, single ones twenty
    times. Waiting asleep avoids that, and costs a third on a quiet machine (benchmarks/waiting.py). OpenMP lets threads
    sleep where it has more of them than cores, as its manual says of GOMP_SPINCOUNT, which itself is read before
    anybody could know that a run wants it. So a second team, which does nothing, is there while the machine is busy.
    """
    if threads not in _ends:
        end = _ends[threads] = threading.Event()
        threading.Thread(target=_watch, args=(threads, end.wait), name="tintbox-watch", daemon=True).start()


def unwatch() -> None:
    """Leave OpenMP's threads to themselves again."""
    while _ends:
        _ends.popitem()[1].set()


def _watch(threads: int, ended: Callable[[float], bool]) -> None:
    """Form the resting team when others want a core, and dismiss it when they have not for a while, and at the end.

    ``ended`` waits for as many seconds, and returns whether it is the end.
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
    """Return the time, and the seconds that other processes have used on this one's cores."""
    import psutil

    here = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(cores()))
    used = sum(
        sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0)
        for core, times in enumerate(psutil.cpu_times(percpu=True))
        if core in here
    )
    return time.monotonic(), used - time.process_time()


def rest(threads: int) -> threading.Event:
    """Form a team of OpenMP threads that does nothing until the event that is returned is set."""
    import torch

    formed, dismissed = threading.Event(), threading.Event()

    def form() -> None:
        torch.set_num_threads(threads)  # OpenMP keeps the number per thread
        torch.zeros(1 << 20).add_(1)  # large enough to be done in parallel
        formed.set()
        dismissed.wait()

    threading.Thread(target=form, name="tintbox-rest", daemon=True).start()
    formed.wait()
    return dismissed
