"""`tintbox.study`: the command of the same name, for Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.checks import as_python
from tintbox.errors import TintboxError


def study(*, workers: int = 1, ray: str | None = None, yes: bool = False, **arguments: Any) -> Path:
    """Train the runs of a grid of `yolo train`, and write the tables and figures described in docs/study.md.

    Calling it again continues a study that was stopped.

    Args:
        workers: Number of runs at a time, on this machine or on each machine of the cluster. Ultralytics' argument of
            that name, the number of loaders, cannot be given here.
        ray: The address of a Ray cluster, ``"auto"`` for a local or newly started one, None for none.
        yes: Whether a grid of more than 200 runs is intended.
        **arguments: Training arguments, including ``project`` and ``name``, and ``folds``, ``groups`` and ``fold_seed``
            for cross-validation; a list, range or array means several values, a list within a list a single value that
            is itself a list. Text is read as on the command line: ``device="0,1"`` is two devices.

    Returns:
        The study's folder, with a folder for each run, ``runs.csv`` with a row for each, ``study.csv`` with a row for
        each setting, and ``study.md``.

    Raises:
        TintboxError: There is a mistake in the arguments, and nothing has been trained; or runs failed: the others have
            been trained, the tables written, and calling it again tries the failed ones again.
        KeyboardInterrupt: The study was interrupted; the message says how to go on.

    Example:
        ```python
        folder = tintbox.study(
            model="yolo11n.pt", data="bccd.yaml", optimizer="AdamW", lr0=[0.001, 0.002], seed=[0, 1, 2], epochs=30
        )
        ```
    """
    from tintbox.plugins import autoload
    from tintbox.studies import command, grid

    workers, yes, arguments = as_python((workers, yes, arguments))
    if not isinstance(yes, bool):
        raise TintboxError(f"yes={yes}: give True or False")
    autoload.install()
    several = {k: [*value] if isinstance(value, (list, range)) else [value] for k, value in arguments.items()}
    return command.train_grid(grid.from_values(several), workers, ray, yes=yes)
