"""The runs of a study with folds: the user's choice, the folds in the study's folder, and each run's share of them.

Every run trains on all folds but its own, is not evaluated before it has ended, and is judged by its last weights:
nothing is selected on the fold, so it is as unseen as any new image.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tintbox import run_arguments
from tintbox.errors import TintboxError, one_line
from tintbox.folds import files, pictures
from tintbox.folds.choice import WORDS, Choice
from tintbox.folds.files import Folds
from tintbox.folds.pictures import Pictures
from tintbox.plugins import options
from tintbox.plugins.coco_eval import pooling
from tintbox.plugins.coco_eval.outcome import IMAGE_IDS, IOU_TYPES
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.sources import VALIDATION
from tintbox.studies.grid import FOLD, Grid

FOLDER = "folds"  # within the study's folder
ELSEWHERE = "give the study another name="
# Arguments of a fold's run; evaluating a fold on its own needs no intervals.
JUDGED = {"val": False, "polish": False, "save_json": True}
ALONE = {"resamples": 0, "explain": False}
REFUSED = {
    "val": "a fold is looked at once, when its run has ended",
    "split": "a run is judged on its fold",
    "polish": "it would choose on the fold",
}


def check_task(grid: Grid, task: str | None) -> None:
    """Raise TintboxError if runs of a task (None if unknown) cannot be judged on folds."""
    if grid.folds and task and task not in IOU_TYPES:
        raise TintboxError(f"folds={grid.folds}: predictions are pooled for {' and '.join(IOU_TYPES)}, not for {task}")


def check_pictures(grid: Grid) -> list[str]:
    """Check a grid's folds before its runs are listed, and return notes for the user; [] for a grid without folds.

    Raises:
        TintboxError: A value is invalid, an argument conflicts with folds, or the dataset cannot be split this way.
    """
    choice = Choice.of(grid.fixed)
    if choice is None:
        return []
    for key, why in REFUSED.items():
        if key in grid.fixed or key in grid.varied:
            raise TintboxError(f"{key}= does not go with folds={grid.folds}: {why}; leave it out")
    if "data" in grid.varied:
        raise TintboxError(f"data={','.join(map(str, grid.varied['data'][:3]))}: folds= splits one dataset; give one")
    if not grid.fixed.get("data"):
        raise TintboxError(f"data= is missing: folds={grid.folds} needs a dataset to split, e.g. data=my.yaml")
    check_task(grid, grid.fixed.get("task"))
    split.cache_clear()
    return split(str(grid.fixed["data"]), choice)[2]


@functools.lru_cache(maxsize=1)
def split(data: str, choice: Choice) -> tuple[Pictures, Folds, list[str]]:
    """Return a dataset's images, their folds, and notes for the user.

    Raises:
        TintboxError: The dataset cannot be split this way.
    """
    found = pictures.gather(data)
    return found, *choice.split(found)


def prepare(folder: Path, grid: Grid, elsewhere: str = ELSEWHERE) -> Folds | None:
    """Write the folds of a grid into its study's folder, and return them; existing folds are kept.

    If the dataset has moved, the folds are written again with the new paths, which the runs' image ids get too. For
    errors, ``elsewhere`` says how to begin in another folder.

    Raises:
        TintboxError: The existing folds are of other images, groups or classes, or their files damaged or changed.
    """
    choice = Choice.of(grid.fixed)
    if choice is None:
        return None
    try:
        there = files.read(folder / FOLDER)
    except TintboxError as error:
        raise TintboxError(f"{one_line(error)}; {elsewhere}") from error
    found, folds, _ = split(str(grid.fixed["data"]), choice)
    if there is None:
        files.write(folder / FOLDER, folds, found.kept, found.data)
        return folds
    moved = files.find_moved(there, found.files) if there.files != found.files else {}
    if moved is None:
        new, gone = (len(set(a) - set(b)) for a, b in ((found.files, there.files), (there.files, found.files)))
        raise TintboxError(
            f"{folder / FOLDER}: {found.data} has {new} more images and {gone} fewer than when its folds were made; "
            f"{elsewhere}"
        )
    if not files.grouped_alike(there, folds):
        raise TintboxError(
            f"{folder / FOLDER}: groups={choice.groups} keeps other images together than when its folds were made; "
            f"{elsewhere}"
        )
    if moved:
        for run in folder.glob(f"*/{IMAGE_IDS}"):
            pooling.rename_images(run.parent, moved)
        there = replace(there, files=found.files)
        files.write(folder / FOLDER, there, found.kept, found.data)
    elif wrong := files.complete(folder / FOLDER, there, found.kept, found.data):
        raise TintboxError(f"{wrong}; {elsewhere}")
    return there


def resolve(folder: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's arguments; a fold's run gets the fold's dataset, located relative to the run's folder."""
    if FOLD not in arguments:
        return dict(arguments)
    own = {key: value for key, value in arguments.items() if key not in (*WORDS, FOLD)}
    evaluated = {**wishes(arguments), **ALONE}
    data = folder.parent / FOLDER / files.yaml_name(arguments[FOLD])
    return {**own, "data": str(data), **JUDGED, "coco_eval": evaluated}


def validation(folder: Path, weights: Path, arguments: Mapping[str, Any]) -> list[str]:
    """Return the words of the `yolo` command that evaluates a trained run.

    The arguments are those that `resolve` returns for a fold's run; else those of the run's folder.
    """
    trained = run_arguments.read(folder)
    place = {"project": folder.parent, "name": folder.name, "exist_ok": True}
    # Ultralytics writes a device that was not given as "", which no word can express.
    how = {
        key: trained[key]
        for key in (*VALIDATION, "classes", "agnostic_nms", "reconcile", "plots")
        if trained.get(key) not in (None, "")
    }
    wanted = {key: arguments[key] for key in ("data", "coco_eval", "save_json")}
    return ["val", f"model={weights}", *(f"{key}={value}" for key, value in {**how, **wanted, **place}.items())]


def evaluation_settings(arguments: Mapping[str, Any]) -> Settings:
    """Return the settings for evaluating the pooled predictions of a run's folds, taken from its ``coco_eval=``."""
    return Settings(**{**wishes(arguments), "examples": 0, "report": True})


def wishes(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evaluation settings in ``coco_eval=``; {} for true or false."""
    requested = arguments.get("coco_eval")
    requested = options.parse(requested) if isinstance(requested, str) else requested
    return dict(requested) if isinstance(requested, Mapping) else {}
