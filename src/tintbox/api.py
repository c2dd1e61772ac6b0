"""`tintbox.study` and `tintbox.report`: the commands of these names, for Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def study(*, workers: int = 1, ray: str | None = None, yes: bool = False, **arguments: Any) -> Path:
    """Train the runs of a grid of `yolo train`, and write their tables and pictures; docs/study.md says which.

    A study that was stopped goes on where it was when it is asked for again.

    Args:
        workers: Runs at a time, on this machine or on each machine of the cluster.
        ray: The address of a Ray cluster, ``"auto"`` for one that is here or is made, None for none.
        yes: Whether a grid of more than 200 runs is meant.
        **arguments: Training arguments, ``project`` and ``name`` among them; a list stands for several values, a list
            in a list for one value that is a list itself.

    Returns:
        The study's folder: a folder for each run, ``study.csv`` with a row for each, ``study.md``.

    Raises:
        TintboxError: A mistake in the arguments; nothing has been trained then.

    Example:
        ```python
        folder = tintbox.study(
            model="yolo11n.pt", data="bccd.yaml", optimizer="AdamW", lr0=[0.001, 0.002], seed=[0, 1, 2], epochs=30
        )
        ```
    """
    from tintbox.plugins import autoload
    from tintbox.studies import checks, command, grid, place

    autoload.install()
    with command.explain_failures():
        several = {key: value if isinstance(value, list) else [value] for key, value in arguments.items()}
        asked = grid.from_values(several)
        notes = checks.check_arguments(asked, many=yes)
        folder, own = place.choose(asked)
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
    """Write a page that compares training runs, of tintbox or of a stock Ultralytics: one file, no network.

    Args:
        folders: The runs' folders; one that has runs directly below it, such as a study's, stands for these.
        out: The file to write.
        pictures: Whether to show pictures of the dataset with what each run finds in them: they need the weights.
        n: Number of pictures of each dataset.
        split: The split that they are of.
        conf: Least confidence of a box that is shown.
        images: Names of pictures to show instead, with or without suffix.
        seed: What the choice of the pictures depends on.
        imgsz: Side in pixels that the models see; None for that of each one's training.

    Returns:
        The path of the file.

    Raises:
        TintboxError: A folder is no run, a value makes no sense, or the file cannot be written, which then stays as it
            was.

    Example:
        ```python
        tintbox.report(["runs/detect/train", "runs/detect/train-2"], "report.html")
        ```
    """
    from tintbox.plugins import autoload
    from tintbox.reports import command

    autoload.install()
    several = [folders] if isinstance(folders, (str, Path)) else folders
    return command.report([str(folder) for folder in several], out, n, split, conf, images, seed, imgsz, pictures)
