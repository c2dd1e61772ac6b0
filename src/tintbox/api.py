"""`tintbox.study` and `tintbox.report`: the commands of the same names, for Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tintbox.checks import is_path
from tintbox.errors import TintboxError


def study(*, workers: int = 1, ray: str | None = None, yes: bool = False, **arguments: Any) -> Path:
    """Train the runs of a grid of `yolo train`, and write the tables and figures described in docs/study.md.

    Calling it again continues a study that was stopped.

    Args:
        workers: Number of runs at a time, on this machine or on each machine of the cluster.
        ray: The address of a Ray cluster, ``"auto"`` for a local or newly started one, None for none.
        yes: Whether a grid of more than 200 runs is intended.
        **arguments: Training arguments, including ``project`` and ``name``; a list means several values, a list within
            a list a single value that is itself a list.

    Returns:
        The study's folder, with a folder for each run, ``runs.csv`` with a row for each, ``study.csv`` with a row for
        each setting, and ``study.md``.

    Raises:
        TintboxError: A mistake in the arguments; nothing has been trained in that case.

    Example:
        ```python
        folder = tintbox.study(
            model="yolo11n.pt", data="bccd.yaml", optimizer="AdamW", lr0=[0.001, 0.002], seed=[0, 1, 2], epochs=30
        )
        ```
    """
    from tintbox.plugins import autoload
    from tintbox.studies import checks, command, grid, place

    if not isinstance(yes, bool):
        raise TintboxError(f"yes={yes}: give True or False")
    autoload.install()
    with command.explain_failures():
        several = {key: value if isinstance(value, list) else [value] for key, value in arguments.items()}
        requested = grid.from_values(several)
        notes = checks.check_arguments(requested, many=yes)
        folder, own = place.choose(requested)
    return command.train(folder, own, notes, workers, ray)


def report(
    folders: str | Path | Sequence[str | Path],
    out: str | Path = "report.html",
    *,
    pictures: bool = True,
    n: int = 4,
    split: str = "val",
    conf: float = 0.25,
    images: str | Sequence[str] | None = None,
    seed: int = 0,
    imgsz: int | None = None,
) -> Path:
    """Write a page that compares training runs of tintbox or a stock Ultralytics: one file that needs no network.

    Args:
        folders: The runs' folders; a folder with runs directly below it, such as a study's, stands for those.
        out: The file to write.
        pictures: Whether to show images of the dataset with each run's predictions, for which the weights are needed.
        n: Number of images of each dataset.
        split: The split to take them from.
        conf: Minimum confidence of the boxes shown.
        images: Names of images to show instead, with or without suffix.
        seed: Seed for the choice of images.
        imgsz: Input size in pixels; None for the size that each model was trained at.

    Returns:
        The path of the file.

    Raises:
        TintboxError: A folder is not a run, a value is invalid, or the file cannot be written; an existing file is
            left unchanged.

    Example:
        ```python
        tintbox.report(["runs/detect/train", "runs/detect/train-2"], "report.html")
        ```
    """
    from tintbox.plugins import autoload
    from tintbox.reports import command

    autoload.install()
    several = [folders] if is_path(folders) else folders
    if not isinstance(several, Iterable):
        raise TintboxError(f"folders={folders}: give the folder of a run, or a list of them")
    return command.report([str(folder) for folder in several], out, n, split, conf, images, seed, imgsz, pictures)
