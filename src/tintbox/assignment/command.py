"""`tintbox assignment`: train what the assignment asks for, and write its report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tintbox import atomic, json_file, run_folder
from tintbox.assignment import page, plan
from tintbox.assignment.plan import FULL, QUICK, Plan
from tintbox.assignment.published import NETWORKS
from tintbox.datasets.reading.description import describe
from tintbox.errors import TintboxError
from tintbox.reports.command import report
from tintbox.run_folder import RunFolder
from tintbox.studies import checks, place
from tintbox.studies.command import train_grid
from tintbox.studies.grid import Grid

BEFORE = "before.json"  # the detector's metrics before it is fine-tuned


def assignment(
    quick: bool = False,
    workers: int = 1,
    data: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    weights: str | None = None,
    detection: str | None = None,
    imgsz: int | None = None,
    parts: str = "ABCD",
    out: str | Path = "runs/assignment",
) -> Path:
    """Reproduce the assignment and write its report; `tintbox assignment -h` explains the arguments.

    Returns:
        The report, a Markdown file; next to it are all runs and the page that `tintbox report` writes for them.

    Raises:
        TintboxError: If a file is missing, a value is invalid, or a run fails.
    """
    given = {
        "data": data, "epochs": epochs, "seed": seed, "weights": weights, "detection": detection,
        "detection_size": imgsz,
    }  # fmt: skip
    chosen: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    requested = replace(QUICK if quick else FULL, **chosen)
    plan.check(requested, parts)
    parts, folder = "".join(sorted(set(parts.upper()))), Path(str(out))
    needed = [requested.data] * (parts != "D") + [requested.detection] * ("D" in parts)
    for dataset in dict.fromkeys(needed):
        describe(dataset)  # drawn, copied or downloaded before any training starts
    checks.check_folder(folder, 1, "out")
    runs: dict[str, dict[str, RunFolder]] = {}
    studies = plan.studies(requested, parts, folder)
    check_studies(studies, folder)
    for name, grid in studies.items():
        train_grid(Grid({**grid.fixed, "project": str(folder), "name": name}, grid.varied), workers, yes=True)
        runs[name] = results(folder / name)
    before = evaluate_untuned(requested, folder) if "D" in parts else None
    report([str(run.folder) for group in runs.values() for run in group.values()], out=folder / page.REPORT)
    return page.write(folder, requested, parts, runs, before)


def check_studies(studies: Mapping[str, Grid], folder: Path) -> None:
    """Check all studies, name -> grid, before the first one is trained.

    Raises:
        TintboxError: An argument is invalid, or the folder has a study of that name with other arguments.
    """
    for name, grid in studies.items():
        if "first" not in studies or name != "detector":  # whose weights are to be trained
            checks.check_arguments(grid, many=True)
        if other := place.explain_difference(folder / name, grid):
            raise TintboxError(f"{other}; give another out=")


def results(folder: Path) -> dict[str, RunFolder]:
    """Return the runs of a study by the value that varies: networks by name, other models by their file's stem."""
    found = {}
    for run in place.read(folder).runs():
        value = next(iter(run.settings.values()), run.arguments.get("model") if folder.name == "networks" else "run")
        stem = Path(str(value)).stem
        found[NETWORKS.get(stem, stem)] = run_folder.read(folder / run.name)
    return found


def evaluate_untuned(requested: Plan, folder: Path) -> tuple[float, float]:
    """Return mAP50 and mAP50-95 of the detector before it is fine-tuned, measured once."""
    file = folder / "detector" / BEFORE
    known = read_measures(file)
    if known is None:
        from ultralytics import YOLO

        settings = {"data": requested.detection, "imgsz": requested.detection_size, "iou": 0.6, "plots": False}
        model = place.read(folder / "detector").fixed["model"]
        found = YOLO(model).val(**settings, project=str(folder / "detector"), name="before", exist_ok=True)
        known = float(found.box.map50), float(found.box.map)
        atomic.write_text(file, json.dumps(known))
    return known


def read_measures(file: Path) -> tuple[float, float] | None:
    """Return the two metrics in a file, or None if it is missing or invalid."""
    try:
        first, second = map(float, json_file.read(file, 1000))
    except (TintboxError, TypeError, ValueError, OverflowError):
        return None
    return (first, second) if math.isfinite(first + second) else None
