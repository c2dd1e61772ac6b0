"""`tintbox coco-eval` and `tintbox compare`: evaluation of checkpoints and of prediction files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.coco_eval import output, pictures, sources
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.validation import draw_worst

OUTPUT = "runs/coco_eval"


def evaluate_model(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Validate a checkpoint with `coco_eval`, and return the folder with the results."""
    check_unused(values, ("images",), "with predictions=; with model= the pictures are the dataset's")
    arguments = {key: values[key] for key in sources.VALIDATION if values.get(key) is not None}
    if values.get("out"):
        path = made(Path(str(values["out"]))).resolve()
        arguments.update(project=str(path.parent), name=path.name, exist_ok=True)
    arguments.update(coco_eval=asdict(chosen), save_json=values["save_json"])
    return Path(sources.validate(values["model"], values["data"], values["split"], **arguments).save_dir)


def evaluate_files(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Evaluate a file of predictions against a file of annotations, and return the folder with the results."""
    check_unused(values, ("data", "split", "save_json", *sources.VALIDATION), "with model=, not with predictions=")
    annotations, images = Path(str(values["annotations"])), Path(str(values["images"] or ""))
    if values["images"] and not images.is_dir():
        raise TintboxError(f"images={images}: no such folder")
    truth = Truth.read(annotations)
    detections = Detections.read(values["predictions"], truth)
    found = {kind: evaluate(truth, detections, kind, chosen) for kind in iou_types(truth, detections)}
    about = {key: str(values[key]) for key in ("predictions", "annotations")}
    folder = made(new_folder(values["out"], OUTPUT))
    try:
        output.save(folder, found, about)
        if chosen.examples:
            place = images if values["images"] else annotations.parent
            paths = {image["id"]: place / str(image.get("file_name", image["id"])) for image in truth.images}
            tell_missing(paths, place)
            draw_worst(found, truth, detections, paths, folder, chosen.examples)
    except OSError as error:
        raise TintboxError(f"out={folder}: cannot be written ({one_line(error)})") from error
    print(output.text(found))
    return folder


def compare(first: str, second: str, values: Mapping[str, Any], chosen: Settings) -> Path:
    """Compare two runs, checkpoints or folders of JSON on the same split, and return the folder with the results.

    Two folders of JSON are compared as they are, unless an argument says on what, or how, to run their models anew.
    """
    pair = first, second
    for run in pair:
        sources.check_there(run)
    names = sources.distinct_names(*pair)
    anew = any(values.get(key) is not None for key in ("data", "split", *sources.VALIDATION))
    folder = new_folder(values["out"], "runs/compare")
    if all(map(sources.has_files, pair)) and not anew:
        both = [sources.read_source(Path(run), name) for run, name in zip(pair, names)]
    else:
        both = sources.validate_both([sources.checkpoint(run) for run in pair], names, values, made(folder))
    sources.check_comparable(*both)
    made(folder)
    content: dict[str, Any] = {}
    try:
        for kind in iou_types(both[0].truth, *(source.detections for source in both)):
            comparison = Comparison(*(evaluate(s.truth, s.detections, kind, chosen) for s in both))
            content[kind] = output.comparison_dict(comparison, names)
            pictures.differences(comparison, names, folder / f"compare{'' if kind == 'bbox' else '_segm'}.png")
            print(output.comparison_text(comparison, names))
        (folder / "compare.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        output.save_comparison_csv(folder / "compare.csv", content)
    except OSError as error:
        raise TintboxError(f"out={folder}: cannot be written ({one_line(error)})") from error
    return folder


def iou_types(truth: Truth, *detections: Detections) -> list[str]:
    """Return ``"bbox"``, and ``"segm"`` where truth and detections all have masks."""
    masks = all(d.segmentation is not None for d in detections)
    return ["bbox", "segm"] if masks and all("segmentation" in a for a in truth.annotations) else ["bbox"]


def check_unused(values: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Raise TintboxError if an argument was given that would do nothing."""
    if given := [key for key in keys if values.get(key) not in (None, False)]:
        raise TintboxError(f"{given[0]}= goes {where}")


def new_folder(out: Any, default: str) -> Path:
    """Return the folder for the results: the one named, or the next free one by the default name."""
    from ultralytics.utils.files import increment_path

    return Path(str(out)) if out else Path(increment_path(default))


def made(folder: Path) -> Path:
    """Return a folder, made if it was not there.

    Raises:
        TintboxError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TintboxError(f"out={folder}: cannot be written ({error.strerror or one_line(error)})") from error
    return folder


def tell_missing(paths: Mapping[int, Path], place: Path) -> None:
    """Warn if pictures are not where they are looked for."""
    from ultralytics.utils import LOGGER

    if lost := sum(not path.is_file() for path in paths.values()):
        LOGGER.warning(
            f"examples: {lost} of {len(paths)} pictures are not in {place}, so drawn grey; give images=FOLDER"
        )
