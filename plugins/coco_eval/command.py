"""`tintbox coco-eval` and `tintbox compare`: evaluation of checkpoints and of prediction files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from tintbox import atomic, path_names
from tintbox.checks import as_path, is_there
from tintbox.errors import TintboxError, escape_controls, reason_of
from tintbox.plugins.coco_eval import output, pooling, sources, tables
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate, iou_types, masks_left_out
from tintbox.plugins.coco_eval.metrics import SUFFIXES, TITLES
from tintbox.plugins.coco_eval.outcome import Outcome, Predictions
from tintbox.plugins.coco_eval.settings import Settings

OUTPUT = "runs/coco_eval"


def evaluate_model(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Validate a checkpoint with `coco_eval` and return the results folder."""
    check_unused(values, ("images",), "with predictions=; with model= the images are the dataset's")
    arguments = {key: values[key] for key in sources.VALIDATION if values.get(key) is not None}
    arguments.update(coco_eval=asdict(chosen), save_json=values["save_json"])

    with results_folder(values["out"], OUTPUT) if values.get("out") else nullcontext() as folder:
        if folder:
            path = folder.resolve()
            arguments.update(project=str(path.parent), name=path.name, exist_ok=True)
        detector = sources.load(values["model"])
        metrics = sources.validate(detector, values["model"], values["data"], values["split"], **arguments)
        return Path(metrics.save_dir)


def evaluate_files(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Evaluate a file of predictions against a file of annotations and return the results folder."""
    check_unused(values, ("data", "split", "save_json", *sources.VALIDATION), "with model=, not with predictions=")
    annotations = Path(str(values["annotations"]))
    images = Path(str(values["images"])) if values["images"] else annotations.parent
    if values["images"] and not is_there(images, Path.is_dir):
        raise TintboxError(f"images={images}: no such folder")
    with results_folder(values["out"], OUTPUT) as folder, steps(4 + bool(chosen.examples)) as begin:
        begin(f"reading {annotations.name}")
        truth = Truth.read(annotations)
        begin(f"reading {Path(str(values['predictions'])).name}")
        detections = Detections.read(values["predictions"], truth)
        tell(masks_left_out(truth, detections))
        begin("evaluating")
        found = {kind: evaluate(truth, detections, kind, chosen) for kind in iou_types(truth, detections)}
        begin("writing tables and plots")
        if folder.resolve() not in {Path(str(values[key])).resolve().parent for key in ("predictions", "annotations")}:
            Predictions.remove(folder)
        output.save(folder, found, {key: str(values[key]) for key in ("predictions", "annotations")})
        if chosen.examples:
            begin("drawing the worst images")
            names = {image["id"]: str(image.get("file_name", image["id"])) for image in truth.images}
            paths = {image_id: path_names.find(images, name) for image_id, name in names.items()}
            tell_missing(paths, images)
            Outcome(found, Predictions(truth, detections)).draw_worst(paths, folder, chosen.examples)
    print(tables.text(found))
    return folder


def compare(first: str, second: str, values: Mapping[str, Any], chosen: Settings) -> Path:
    """Compare two runs, checkpoints or folders of JSON on the same split and return the results folder.

    If both are folders with JSON, their files are compared; an argument of validation runs their models again instead.
    """
    pair = pooling.find_folder(first), pooling.find_folder(second)
    for run in pair:
        sources.check_there(run)
    names = sources.name_both(*pair)
    with results_folder(values["out"], "runs/compare") as folder:
        comparisons = compare_kinds(read_or_validate(pair, names, values, chosen), names, chosen)
        content = {kind: comparison.to_dict() for kind, comparison in comparisons.items()}
        atomic.write_text(folder / "compare.json", json.dumps(content, indent=1))
        output.save_comparison_csv(folder / "compare.csv", content)
        for kind, end in SUFFIXES.items():
            plot = folder / f"compare{end}.png"
            if kind in comparisons:
                comparisons[kind].plot(plot)
            else:
                plot.unlink(missing_ok=True)
    for comparison in comparisons.values():
        print(tables.comparison_text(comparison))
    return folder


def read_or_validate(
    pair: tuple[str, str], names: tuple[str, str], values: Mapping[str, Any], chosen: Settings
) -> list[Outcome]:
    """Return the outcomes of both runs: those of their JSON, or of validations, as `compare` says."""
    anew = any(values.get(key) is not None for key in ("data", "split", *sources.VALIDATION))
    if anew or not all(pooling.has_files(Path(run)) for run in pair):
        # A folder with neither is named before one that could be compared if the other had its JSON.
        in_order = sorted(pair, key=lambda run: pooling.has_files(Path(run)))
        models = {run: sources.checkpoint(run) for run in in_order}
        return sources.validate_both([models[run] for run in pair], names, values, chosen)
    both = []
    with steps(2) as begin:
        for run, name in zip(pair, names):
            begin(f"reading {name}")
            both.append(Outcome({}, Predictions.read(Path(run))))
    return both


def compare_kinds(both: list[Outcome], names: tuple[str, str], chosen: Settings) -> dict[str, Comparison]:
    """Return the comparisons of boxes and of masks, as far as both outcomes have them, by IoU type."""
    known = [outcome.predictions for outcome in both]
    sources.check_comparable(known[0].truth, known[1].truth, names)
    found = [one.detections for one in known]
    tell(masks_left_out(known[0].truth, *found))
    kinds = iou_types(known[0].truth, *found)
    comparisons = {}
    with steps(2 * len(kinds)) as begin:
        for kind in kinds:
            pair = []
            for name, outcome, one in zip(names, both, known):
                begin(f"evaluating {name}, {TITLES[kind]}")
                pair.append(outcome.get(kind) or evaluate(one.truth, one.detections, kind, chosen))
            comparisons[kind] = Comparison(pair[0], pair[1], names)
    return comparisons


def check_unused(values: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Raise TintboxError if an argument was given that would have no effect."""
    if given := [key for key in keys if values.get(key) not in (None, False)]:
        raise TintboxError(f"{given[0]}= goes {where}")


@contextmanager
def results_folder(out: Any, default: str) -> Iterator[Path]:
    """Yield the results folder, created if needed: ``out``, or the next free folder by the default name.

    If the block raises, folders created here are removed again unless they contain something.

    Raises:
        TintboxError: The folder cannot be created or written.
    """
    folder = as_path(str(out or default))
    new: list[Path] = []
    try:
        new += [path for path in (*[folder] * bool(out), *folder.parents) if not os.path.lexists(path)]
        if out:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = make_next(folder)
            new.insert(0, folder)
        yield folder
    except BaseException as error:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError) and not isinstance(error, TintboxError):
            raise TintboxError(f"out={folder}: cannot be written ({reason_of(error)})") from error
        raise


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that announces the next step, shown as a transient progress bar on standard error.

    Files of hundreds of megabytes take time. Nothing is shown if standard error is not a terminal.
    """
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=-1, visible=False)  # -1: no step has begun
        yield lambda step: progress.update(task, description=escape_controls(step), advance=1, visible=True)


def make_next(folder: Path) -> Path:
    """Make the first folder that nobody has made: this one, or with suffix -2, -3, ..., like Ultralytics' runs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    path, numbers = folder, count(2)
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            path = folder.with_name(f"{folder.name}-{next(numbers)}")
        else:
            return path


def tell_missing(paths: Mapping[int, Path], place: Path) -> None:
    """Warn if image files are missing from the folder ``place``."""
    if lost := sum(not is_there(path) for path in paths.values()):
        tell(f"examples: {lost} of {len(paths)} images are not in {place} and are drawn grey; give images=FOLDER")


def tell(warning: str) -> None:
    """Log a warning, unless it is empty."""
    if warning:
        from ultralytics.utils import LOGGER

        LOGGER.warning(warning)
