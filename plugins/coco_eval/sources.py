"""Sources of detections: the models that are validated, one or two that are compared."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tintbox import link_loops
from tintbox.checks import is_there
from tintbox.datasets.reading.dataset_files import ONE_CLASS
from tintbox.datasets.reading.description import describe
from tintbox.datasets.reading.layout import check_split
from tintbox.errors import TintboxError, TintboxFileError, list_values, message_of, one_line, reason_of
from tintbox.path_names import distinct_names
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.outcome import ANNOTATIONS, IOU_TYPES, PREDICTIONS, Outcome, check_task
from tintbox.plugins.coco_eval.pooling import has_files
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.run_folder import suggest_run

LONGEST = 600  # characters of Ultralytics' own reason, which can have a line for every image
# Arguments passed to `yolo val` unchanged; None leaves Ultralytics' default, which for imgsz is the training size.
VALIDATION = ("imgsz", "batch", "conf", "iou", "max_det", "device", "workers", "single_cls", "nms")
# Exceptions that Ultralytics raises for arguments, data and devices that it cannot use.
REFUSALS = (
    AssertionError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def load(model: Any) -> Any:
    """Load the YOLO model to evaluate: a checkpoint, a run's folder, or a model that Ultralytics exported.

    Raises:
        TintboxError: The model does not exist, or COCO evaluation is not possible.
    """
    from tintbox.plugins.detector import load_detector

    check_active()
    if Path(str(model)).suffix == ".json":
        raise TintboxError(
            f"{model}: JSON, no model; coco-eval takes it as predictions= beside annotations=, compare a folder that "
            f"has both as {PREDICTIONS} and {ANNOTATIONS}"
        )
    best = Path(str(model)) / "weights" / "best.pt"
    detector = load_detector(best if is_there(best) else model, offered=IOU_TYPES)
    if wrong := check_task(detector.task):
        raise TintboxError(f"model={model}: {wrong}")
    return detector


def find_data(given: Any, own: Any, model: Any) -> tuple[str, dict[str, Any]]:
    """Return the dataset that is given for a model, or else its own, on which it was trained, and its description.

    Raises:
        TintboxError: There is none, or it cannot be read.
    """
    data = given or own
    if not data:
        raise TintboxError(f"data= is missing, and {model} does not say what it was trained on; e.g. data=bccd.yaml")
    try:
        return str(data), describe(str(data))
    except TintboxError as error:
        if given:
            raise
        raise TintboxError(f"{one_line(error)}; {model} was trained on it: say where it is now, by data=") from error


def validate(detector: Any, model: Any, data: Any, split: Any, **arguments: Any) -> Any:
    """Validate with COCO evaluation and return the metrics, including `metrics.coco`.

    ``model`` is the path that the detector was loaded from. By default, the dataset is the one that it was trained on,
    and the split "val".

    Raises:
        TintboxError: The dataset or split does not exist, or the model cannot be validated on it.
    """
    data, described = find_data(data, detector.overrides.get("data"), model)
    split = split or "val"
    check_split(described, split, data)
    link_loops.check(described[split])
    check_size(arguments.get("imgsz"))
    try:
        with explain_refusals(model, "validated"):
            return detector.val(data=str(data), split=split, **arguments)
    except TintboxError as error:  # in the words of `yolo val coco_eval=True`
        raise TintboxError(one_line(error).replace("coco_eval=True:", f"model={model}:", 1)) from error


def class_names(detector: Any, model: Any, device: Any = None) -> tuple[list[str], bool]:
    """Return a model's classes, and whether its validation takes a dataset's by name: an extended model's does.

    An exported model is loaded for them.

    Raises:
        TintboxError: It cannot be loaded.
    """
    if hasattr(detector.model, "names"):
        return list(detector.names.values()), getattr(detector.model, "classes_by_name", False)
    from ultralytics.nn.autobackend import AutoBackend
    from ultralytics.utils.torch_utils import select_device

    with explain_refusals(model, "loaded"):
        backend = AutoBackend(str(model), device=select_device(device or "", verbose=False), verbose=False)
    return list(backend.names.values()), hasattr(backend, "branches")


@contextmanager
def explain_refusals(model: Any, what: str) -> Iterator[None]:
    """Raise Ultralytics' refusals as a TintboxError: the model cannot be ``what``, and why."""
    try:
        yield
    except TintboxError:
        raise
    except REFUSALS as error:
        reason = message_of(error)
        reason = f"{reason[:LONGEST]} ..." if len(reason) > LONGEST else reason
        raise TintboxError(f"model={model}: cannot be {what} ({reason})") from error


def check_active() -> None:
    """Raise TintboxError if the plugin is disabled: validating a model needs it, evaluating files does not."""
    from tintbox.plugins import autoload

    if autoload.is_disabled():
        raise TintboxError(
            f"the plugin is off, TINTBOX_DISABLE={os.environ['TINTBOX_DISABLE']}, and no model is evaluated without; "
            "unset it, or give predictions= and annotations="
        )


def check_size(imgsz: Any) -> None:
    """Raise TintboxError if one image of this size exceeds the memory; Ultralytics would call the files corrupt."""
    import psutil

    sides = [side for side in (imgsz if isinstance(imgsz, list) else [imgsz]) if isinstance(side, int)]
    need, there = 12 * max(sides, default=0) ** 2, psutil.virtual_memory().total  # bytes; three float32 channels
    if need > there:
        raise TintboxError(
            f"imgsz={imgsz}: one image takes {need >> 30:,} GiB, this machine has {there >> 30}; give a smaller one"
        )


def check_there(run: str) -> None:
    """Raise TintboxError if the run does not exist or cannot be read."""
    path = Path(run)
    try:
        path.stat()
        if path.is_dir():
            next(path.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TintboxFileError(f"{run}: no such run or checkpoint{suggest_run(path)}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        raise TintboxError(f"{run}: cannot be read ({reason_of(error)})") from error


def checkpoint(run: str) -> Path:
    """Return the checkpoint in a run's folder; a file or exported model is returned unchanged.

    Raises:
        TintboxFileError: The folder has no checkpoint.
    """
    path = Path(run)
    if not path.is_dir() or path.name.endswith("_model"):  # an exported model may be a folder
        return path
    best = path / "weights" / "best.pt"
    if best.is_file():
        return best
    if has_files(path):
        raise TintboxFileError(
            f"{run}: {ANNOTATIONS} and {PREDICTIONS} without weights/best.pt; they are compared with another folder's, "
            "and with no arguments of a validation"
        )
    raise TintboxFileError(f"{run}: no weights/best.pt in it, nor {ANNOTATIONS} with {PREDICTIONS}")


def name_both(first: str, second: str) -> tuple[str, str]:
    """Return names for two runs, checkpoints or folders: as much of their paths as distinguishes them."""
    paths = (Path(run).resolve() for run in (first, second))
    a, b = (
        Path(*(part for part in path.parent.parts if part != "weights"), path.name if path.is_dir() else path.stem)
        for path in paths
    )
    if a == b:
        return (f"{first} (1)", f"{second} (2)") if first == second else (first, second)
    one, other = distinct_names([a, b])
    return one, other


def validate_both(
    models: list[Path], names: tuple[str, str], values: Mapping[str, Any], chosen: Settings
) -> list[Outcome]:
    """Validate two checkpoints on the same split, with these settings of the evaluation.

    Raises:
        TintboxError: They have different tasks or classes, or were trained on different datasets and none is named.
    """
    from tintbox.plugins.coco_eval.validation import explain_more

    detectors = [load(model) for model in models]
    tasks = [detector.task for detector in detectors]
    if tasks[0] != tasks[1]:
        raise TintboxError(f"{names[0]} is a {tasks[0]} model, {names[1]} a {tasks[1]} model; compare models of a task")
    device = values.get("device")
    classes, by_name = zip(*(class_names(detector, model, device) for detector, model in zip(detectors, models)))
    if not any(by_name):  # else those that are evaluated count
        check_classes(names, list(classes))
    data = values.get("data")
    if not data:
        trained = [detector.overrides.get("data") for detector in detectors]
        if str(trained[0]) != str(trained[1]):
            raise TintboxError(f"the two were trained on {trained[0]} and {trained[1]}; say which to compare on, data=")
    there = list(find_data(data, detectors[0].overrides.get("data"), models[0])[1]["names"].values())
    evaluated = []
    for detector, model, own, mapped in zip(detectors, models, classes, by_name):
        single = detector.overrides.get("single_cls") if values.get("single_cls") is None else values["single_cls"]
        if not (single or mapped) and (wrong := explain_more(own, there)):
            raise TintboxError(f"model={model}: {wrong}")
        evaluated.append([ONE_CLASS] if single else there if mapped else there[: len(own)])
    check_classes(names, evaluated, "; give a dataset of classes that both know, data=")
    arguments = {key: values[key] for key in VALIDATION if values.get(key) is not None}
    arguments["coco_eval"] = {**asdict(chosen), "report": False}
    with tempfile.TemporaryDirectory(prefix="tintbox-") as folder:  # Ultralytics makes one for each validation
        arguments.update(plots=False, verbose=False, project=folder)
        return [
            validate(detector, model, data, values.get("split"), **arguments).coco
            for detector, model in zip(detectors, models)
        ]


def check_comparable(first: Truth, second: Truth, names: tuple[str, str] = ("first", "second")) -> None:
    """Raise TintboxError if the truths of two models, which errors name, differ in classes, images or objects."""
    check_classes(names, [[category["name"] for category in truth.categories] for truth in (first, second)])
    images = [{image["id"]: image.get("file_name") for image in truth.images} for truth in (first, second)]
    if images[0] != images[1]:
        # By name where there are names: the same image may have another id among other images.
        one, other = (Counter(file or i for i, file in own.items()) for own in images)
        only = [f"{sum((a - b).values())} only in {name}" for name, a, b in zip(names, (one, other), (other, one))]
        why = f"on different images: {', '.join(only)}" if one != other else "with different ids of the same images"
        raise TintboxError(f"{names[0]} and {names[1]} were evaluated {why}")
    if (first.categories, first.annotations) != (second.categories, second.annotations):
        raise TintboxError(f"{names[0]} and {names[1]} were evaluated against different labels of the same images")


def check_classes(names: tuple[str, str], classes: list[list[str]], hint: str = "") -> None:
    """Raise TintboxError if two models have different classes; ``hint`` says what to do about it."""
    if classes[0] != classes[1]:
        lists = "; ".join(f"{name} has {list_values(own, most=6)}" for name, own in zip(names, classes))
        raise TintboxError(f"the two have different classes: {lists}{hint}")
