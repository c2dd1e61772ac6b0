"""The cores of this machine, and how many threads may use them: what the user set, and what shares the machine."""

from __future__ import annotations

import functools
import os
import threading

TYPE_CHECKING = False  # typing's own would cost the start of an interpreter
if TYPE_CHECKING:
    import torch

# Ultralytics sets OMP_NUM_THREADS=1 when it is imported. The start-up hook imports this module before that, so that the
# user's own setting is known: keep this module cheap, and keep the hook importing it.
USER_THREADS = os.environ.get("OMP_NUM_THREADS")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def most_threads() -> int | None:
    """Return how many threads ``TINTBOX_THREADS`` allows a process that shares its machine, None for any."""
    limit = os.environ.get("TINTBOX_THREADS", "")
    return int(limit) if limit.isdigit() and int(limit) else None


def users_threads() -> int | None:
    """Return what the user set as ``OMP_NUM_THREADS``, of several levels the first; None for nothing."""
    limit = (USER_THREADS or "").partition(",")[0].strip()
    return int(limit) if limit.isdigit() and int(limit) else None


def use_all_cores(device: torch.device) -> None:
    """Let torch use every core that this process may run on, unless it uses a GPU.

    ``OMP_NUM_THREADS``, if the user set it, is a limit; so is ``TINTBOX_THREADS``, where processes share the machine.

    Ultralytics leaves torch one thread, which suits a data loader's worker but not a process of its own.
    """
    import torch

    if device.type == "cpu":
        threads = min([cores(), *(limit for limit in (users_threads(), most_threads()) if limit)])
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if threads > 1:
            rest(threads)


@functools.cache
def rest(threads: int) -> None:
    """Make OpenMP's threads sleep while they wait for each other, by a second team of them that does nothing.

    At the end of every parallel loop the threads wait for the last one. GNU OpenMP lets them spin for milliseconds
    before they sleep; whatever else wants a core, a process that loads pictures above all, then takes it from the one
    thread that still works. On a busy machine that made a training step of two threads three to six times as long, and
    single ones twenty times (benchmarks/waiting.py). They sleep at once where OpenMP has more threads than cores: so
    says its manual of GOMP_SPINCOUNT, which itself is read before anybody could know that a run wants it.

    The team is there until the process ends; nothing but the waiting changes.

    Args:
        threads: How many threads compute.
    """
    import torch

    formed = threading.Event()

    def form() -> None:
        torch.set_num_threads(threads)  # OpenMP keeps the number per thread
        torch.zeros(1 << 20).add_(1)  # large enough to be done in parallel
        formed.set()
        threading.Event().wait()

    threading.Thread(target=form, name="tintbox-rest", daemon=True).start()
    formed.wait()
