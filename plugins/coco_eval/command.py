"""`tintbox coco-eval` and `tintbox compare`: evaluation of checkpoints and of prediction files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, TintboxFileError, nearest, one_line
from tintbox.plugins.coco_eval import output, pictures
from tintbox.plugins.coco_eval.comparison import Comparison
from tintbox.plugins.coco_eval.detections import Detections
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.coco_eval.truth import Truth
from tintbox.plugins.coco_eval.validation import Outcome, check_task, draw_worst

# What goes on to `yolo val` as it is; None leaves Ultralytics' default, for imgsz the size of the training.
VALIDATION = dict.fromkeys(("imgsz", "batch", "conf", "iou", "max_det", "device", "workers", "single_cls", "nms"))
ANNOTATIONS, PREDICTIONS = "annotations.json", "predictions.json"  # what save_json writes
OUTPUT = "runs/coco_eval"
LONG = 12  # characters that two names may begin with alike


@dataclass(frozen=True)
class Source:
    """One model's detections against one truth.

    Attributes:
        name: What tables call it.
        truth: The ground truth.
        detections: The detections.
        folder: Where the pictures' files are, by image id; empty where only JSON is there.
    """

    name: str
    truth: Truth
    detections: Detections
    paths: Mapping[int, Path]


def evaluate_model(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Validate a checkpoint with `coco_eval`, and return the folder with the results."""
    arguments = {key: values[key] for key in VALIDATION if values.get(key) is not None}
    if values.get("out"):
        path = Path(str(values["out"]))
        arguments.update(project=str(path.resolve().parent), name=path.name, exist_ok=True)
    arguments.update(coco_eval=asdict(chosen), save_json=values["save_json"])
    return Path(validate(values["model"], values["data"], values["split"], **arguments).save_dir)


def validate(model: Any, data: Any, split: str, **arguments: Any) -> Any:
    """Return the metrics of a validation with COCO evaluation, `metrics.coco` among them.

    Raises:
        TintboxError: Model, dataset or split are not there, or no COCO evaluation is possible.
    """
    from tintbox.show import load_detector

    detector = load_detector(model)
    if wrong := check_task(detector.task):
        raise TintboxError(f"model={model}: {wrong}")
    data = data or detector.overrides.get("data")
    if not data:
        raise TintboxError(f"data= is missing, and {model} does not say what it was trained on; e.g. data=bccd.yaml")
    check_data(data, split)
    return detector.val(data=str(data), split=split, **arguments)


def check_data(data: Any, split: str) -> None:
    """Raise TintboxError if there is no such dataset or split."""
    from ultralytics.data.utils import check_det_dataset

    try:
        found = check_det_dataset(str(data))
    except TintboxError:
        raise
    except (OSError, SyntaxError, TypeError, ValueError) as error:
        raise TintboxError(f"data={data}: {one_line(error)}") from error
    splits = [key for key in ("train", "val", "test", "minival") if found.get(key)]
    if split not in splits:
        raise TintboxError(f"split={split}: no such split in {data} ({', '.join(splits)}){nearest(split, splits)}")


def evaluate_files(values: Mapping[str, Any], chosen: Settings) -> Path:
    """Evaluate a file of predictions against a file of annotations, and return the folder with the results."""
    truth = Truth.read(values["annotations"])
    detections = Detections.read(values["predictions"], truth)
    masks = detections.segmentation is not None and all("segmentation" in a for a in truth.annotations)
    found = {kind: evaluate(truth, detections, kind, chosen) for kind in ("bbox", "segm")[: 1 + masks]}
    about = {key: str(values[key]) for key in ("predictions", "annotations")}
    folder = new_folder(values.get("out"))
    try:
        output.save(folder, found, about)
        if chosen.examples:
            images = Path(str(values["images"])) if values.get("images") else Path(str(values["annotations"])).parent
            paths = {image["id"]: images / image["file_name"] for image in truth.images}
            draw_worst(found, truth, detections, paths, folder, chosen.examples)
    except OSError as error:
        raise TintboxError(f"out={folder}: cannot be written ({one_line(error)})") from error
    print(output.text(found))
    return folder


def new_folder(out: Any, default: str = OUTPUT) -> Path:
    """Return the folder for the results: the one named, or the next free one by the default name."""
    from ultralytics.utils.files import increment_path

    return Path(str(out)) if out else Path(increment_path(default))


def compare(first: str, second: str, values: Mapping[str, Any], chosen: Settings) -> Path:
    """Compare two runs, checkpoints or folders of JSON on the same split, and return the folder with the results."""
    pair = first, second
    names = distinct_names(*pair)
    folder = new_folder(values.get("out"), "runs/compare")
    folders = [Path(run) for run in pair]
    as_files = [(f / ANNOTATIONS).is_file() and (f / PREDICTIONS).is_file() for f in folders]
    if all(as_files) and not values.get("data"):
        sources = [read_source(folder, name) for folder, name in zip(folders, names)]
    else:
        sources = validate_both([checkpoint(run) for run in pair], names, values, folder)
    check_comparable(*sources)
    kinds = ["bbox"] + ["segm"] * all(s.detections.segmentation is not None for s in sources)
    chosen = Settings(chosen.resamples, chosen.seed, chosen.level, explain=False)
    content: dict[str, Any] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            comparison = Comparison(*(evaluate(s.truth, s.detections, kind, chosen) for s in sources))
            content[kind] = output.comparison_dict(comparison, names)
            pictures.differences(comparison, names, folder / f"compare{'' if kind == 'bbox' else '_segm'}.png")
            print(output.comparison_text(comparison, names))
        (folder / "compare.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        output.save_comparison_csv(folder / "compare.csv", content)
    except OSError as error:
        raise TintboxError(f"out={folder}: cannot be written ({one_line(error)})") from error
    return folder


def checkpoint(run: str) -> Path:
    """Return the checkpoint of a run's folder, or the file itself.

    Raises:
        TintboxFileError: There is none.
    """
    path = Path(run)
    if path.is_dir():
        best = path / "weights" / "best.pt"
        if not best.is_file():
            raise TintboxFileError(f"{run}: no weights/best.pt in it, nor {ANNOTATIONS} with {PREDICTIONS}")
        return best
    if not path.exists():
        near = nearest(path.name, (p.name for p in path.parent.iterdir()) if path.parent.is_dir() else ())
        raise TintboxFileError(f"{run}: no such run or checkpoint{near}")
    return path


def distinct_names(first: str, second: str) -> tuple[str, str]:
    """Return the names of two paths, as much of their ends as tells them apart."""
    a, b = (tuple(p for p in Path(run).with_suffix("").parts if p not in ("/", "weights")) for run in (first, second))
    if a == b:
        return (f"{first} (1)", f"{second} (2)") if first == second else (first, second)
    common = 0
    for x, y in zip_longest(reversed(a), reversed(b)):
        common += 1
        if x != y:
            break
    first, second = "/".join(a[-common:]), "/".join(b[-common:])
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second)))
    cut = max(first.rfind(mark, 0, same) for mark in "-_ /") + 1
    return (f"…{first[cut:]}", f"…{second[cut:]}") if cut > LONG else (first, second)


def read_source(folder: Path, name: str) -> Source:
    """Return what `save_json` wrote."""
    truth = Truth.read(folder / ANNOTATIONS)
    return Source(name, truth, Detections.read(folder / PREDICTIONS, truth), {})


def validate_both(models: list[Path], names: tuple[str, str], values: Mapping[str, Any], folder: Path) -> list[Source]:
    """Run two checkpoints on the same split.

    Args:
        models: The checkpoints.
        names: What to call them.
        values: The arguments.
        folder: Where Ultralytics may put what it writes.

    Raises:
        TintboxError: They have different classes, or were trained on different datasets and none is named.
    """
    from tintbox.show import load_detector

    detectors = [load_detector(model) for model in models]
    check_classes(names, [list(detector.names.values()) for detector in detectors])
    tasks = {detector.task for detector in detectors}
    if len(tasks) > 1:
        raise TintboxError(f"{names[0]} is a {detectors[0].task} model, {names[1]} a {detectors[1].task} model")
    data = values.get("data")
    if not data:
        trained = [str(detector.overrides.get("data")) for detector in detectors]
        if len(set(trained)) > 1:
            raise TintboxError(f"the two were trained on {' and '.join(trained)}; say which to compare on, data=...")
        data = trained[0] if trained[0] != "None" else None
    arguments = {key: values[key] for key in VALIDATION if values.get(key) is not None}
    arguments["coco_eval"] = {"resamples": 0, "explain": False, "report": False}
    arguments.update(plots=False, project=str(folder.resolve()), exist_ok=True)
    sources = []
    for model, name, place in zip(models, names, ("first", "second")):
        outcome: Outcome = validate(model, data, values["split"], name=place, **arguments).coco
        paths = {image_id: Path(file) for file, image_id in outcome.split.image_ids.items()}
        sources.append(Source(name, outcome.split.truth, outcome.detections, paths))
    return sources


def check_comparable(first: Source, second: Source) -> None:
    """Raise TintboxError if two sources have other classes or other images."""
    names = first.name, second.name
    check_classes(names, [[category["name"] for category in s.truth.categories] for s in (first, second)])
    images = [{image["id"]: image["file_name"] for image in s.truth.images} for s in (first, second)]
    if images[0] != images[1]:
        only = [f"{len(a.items() - b.items())} only in {name}" for name, a, b in zip(names, images, images[::-1])]
        raise TintboxError(f"{names[0]} and {names[1]} were evaluated on different images: {', '.join(only)}")


def check_classes(names: tuple[str, str], classes: list[list[str]]) -> None:
    """Raise TintboxError if two models have different classes."""
    if classes[0] != classes[1]:
        lists = "; ".join(f"{name} has {shorten(own)}" for name, own in zip(names, classes))
        raise TintboxError(f"the two have different classes: {lists}")


def shorten(words: list[str], most: int = 6) -> str:
    """Return words in a line, those past ``most`` counted only."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
