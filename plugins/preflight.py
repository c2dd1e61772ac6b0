"""Checks of a training run before its folder is created: the arguments against the model and the dataset."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tintbox import yaml_file
from tintbox.errors import TintboxError
from tintbox.plugins import autoload, callbacks, options, places
from tintbox.plugins.freeze import selection, selectors
from tintbox.plugins.loss import weights as class_weights

BOX = 5  # words of a box's row: class, x, y, width and height
CONVERTED = (".ndjson", ".zip", ".tar", ".gz")  # datasets that the trainer converts or unpacks


def check_run(model: Any, task: str, arguments: Mapping[str, Any], typed: Collection[str]) -> None:
    """Check tintbox's training arguments against the model that is about to train and its dataset's class names.

    ``arguments`` are the user's, named in ``typed``, those of a `cfg=` file or of the checkpoint, and the defaults.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    given = {**arguments, "task": task}
    options.check(given)
    if given.get("resume"):  # the checkpoint's arguments apply
        if callbacks.is_extended(model):
            from tintbox.plugins.extend import checks

            checks.check_resume(model, given, class_names(given.get("data")))
            check_same_images(model.args.get("data"), given.get("data"))
        return
    model, new = check_extension(model, task, given)
    pretrained = given.get("pretrained")
    if isinstance(pretrained, (str, Path)) and (
        handover := autoload.import_optional("tintbox.plugins.transfer.handover")
    ):
        handover.check_pretrained(model, pretrained)
    check_arguments(task, given, typed, None if callbacks.has_anchors(model) else selection.title(model))
    args = SimpleNamespace(**given)
    if callbacks.wants_loss(args):
        check_loss(model, task, given, new)
    if callbacks.wants_freeze(args):
        from tintbox.plugins.freeze.plan import FreezePlan
        from tintbox.plugins.wrappers import unwrap

        FreezePlan.of(unwrap(model), given)
    elif task == autoload.TASK and freezes_all(model, given.get("freeze")):
        raise TintboxError(
            f"freeze={given['freeze']}: nothing of {selection.title(model)} is left to train; freeze less"
        )
    if task != autoload.TASK and any(option.is_set(given) for option in options.OPTIONS):
        check_data(given.get("data"), task)


def check_arguments(
    task: str | None, arguments: Mapping[str, Any], typed: Collection[str], without_anchors: str | None
) -> None:
    """Check the arguments against each other and the task, as far as that needs no model.

    They are those of `check_run`; the task is None if it is not known before the model is loaded, and
    ``without_anchors`` is the name of a model that is known to have none.

    Raises:
        TintboxError: In one line, naming the argument.
    """
    if wrong := selectors.check_together(arguments):
        raise TintboxError(wrong)
    of_anchors = [o.name for o in options.OPTIONS if o.topic == "anchor" and o.is_set(arguments)]
    if of_anchors and without_anchors:
        wrong = f"{without_anchors} has no anchors; give an anchor model, e.g. model=yolov5n-anchor.yaml"
        raise TintboxError(f"{of_anchors[0]}={arguments[of_anchors[0]]}: {wrong}")
    if task is None:
        return
    if callbacks.wants_coco_eval(SimpleNamespace(**arguments)):
        from tintbox.plugins.coco_eval.outcome import check_task

        if wrong := check_task(task):
            raise TintboxError(f"coco_eval=True: {wrong}")
    if wrong := class_weights.check_task(task, class_weights.pick_set(arguments)):
        raise TintboxError(wrong)
    places.check(task, "train", arguments, typed)


def check_data(data: Any, task: str) -> None:
    """Check that a dataset exists, has a validation split and is one of the task: the trainer would create a folder.

    Raises:
        TintboxError: There is no such dataset, it has no validation split, or it is one of another task.
    """
    description = autoload.import_optional("tintbox.datasets.reading.description")
    if not (data and description):
        return
    if description.lacks_validation(data):
        raise TintboxError(
            f"data={data}: no val split; `tintbox recipe model= data={data} split=0.2` makes one of its training images"
        )
    content = description.read(data)
    if content is None:
        return
    if task == "classify":
        raise TintboxError(f"data={data}: `yolo classify` takes a folder with a folder of images for each class")
    if task == "pose" and "kpt_shape" not in content:
        raise TintboxError(f"data={data}: it has no kpt_shape, so it is no dataset for `yolo pose`")
    if task in ("segment", "obb") and has_boxes_only(data):
        raise TintboxError(f"data={data}: its labels are boxes, so it is no dataset for `yolo {task}`")


def has_boxes_only(data: Any) -> bool:
    """Return whether the first label file of a dataset's training images that has rows has those of upright boxes."""
    from tintbox import label_rows
    from tintbox.datasets.reading import dataset_files, layout

    pictures = layout.split_pictures(describe(data) or {}, "train")
    for file in dataset_files.label_files(pictures):
        try:
            if rows := label_rows.read(file):
                return all(len(words) == BOX for _, words in rows)
        except (OSError, UnicodeDecodeError):
            continue
    return False


def check_same_images(before: Any, data: Any) -> None:
    """Check that a dataset given for a resumed run has the images that the run was started with.

    Raises:
        TintboxError: It has others; where the run's own dataset is no longer found, it is taken for that.
    """
    from tintbox.datasets.reading import layout

    if not data or str(data) == str(before):
        return
    names = []
    for one in (before, data):
        try:
            described = describe(one)
            names.append(described and [Path(file).name for file in layout.split_pictures(described, "train")])
        except TintboxError:
            return  # it has moved; of the other one, the trainer will report what is wrong
    if None not in names and names[0] != names[1]:
        raise TintboxError(
            f"data={data} has other training images than {before}, with which the run was started; resume with those, "
            "or extend the finished model by these"
        )


def check_extension(model: Any, task: str, given: Mapping[str, Any]) -> tuple[Any, list[str] | None]:
    """Return the model that a run trains, and its new classes if it extends a model and they are known, else None.

    Raises:
        TintboxError: It cannot be extended this way, or is an extended model that would be trained like any other.
    """
    if given.get("extend"):
        from tintbox.datasets.reading import dataset_files, layout
        from tintbox.plugins.extend import checks

        checks.check_model(model, task, given)
        dataset, new, pictures = describe(given.get("data")), None, []
        if dataset and dataset["names"]:
            new = checks.find_new(model, given, dataset["names"])
            pictures = layout.split_pictures(dataset, "train", dataset_files.training_share(given.get("fraction")))
            checks.check_images(model, new, given, dataset["channels"], pictures)
        return checks.check_run(model, given, new, pictures), list(new.names) if new else None
    if callbacks.is_extended(model):
        from tintbox.plugins.extend import checks

        checks.refuse_plain(given.get("model") or model.pt_path)
    if given.get("reconcile") is not None:
        raise TintboxError(f"reconcile={given['reconcile']}: counts in training with extend=; leave it out")
    return model, None


def check_loss(model: Any, task: str, given: Mapping[str, Any], new: list[str] | None) -> None:
    """Check the options of the classification loss, at least one of which is set.

    Raises:
        TintboxError: The model's loss has no classification BCE, or the options do not fit the class names.
    """
    from tintbox.datasets.reading.dataset_files import ONE_CLASS
    from tintbox.plugins.loss.training import check_model

    chosen, value = class_weights.pick_set(given), given.get("cls_pos_weight")
    if wrong := check_model(chosen, model, task):
        raise TintboxError(wrong)
    names = [ONE_CLASS] if given.get("single_cls") else new or class_names(given.get("data"))  # as the trainer names it
    if names and (wrong := class_weights.check_names(value, names)):
        raise TintboxError(f"cls_pos_weight={value}: {wrong}")


def freezes_all(model: Any, freeze: Any) -> bool:
    """Return whether Ultralytics' own ``freeze``, a layer count or list of indices, leaves nothing to train."""
    numbers = range(freeze) if isinstance(freeze, int) else freeze or ()
    names = tuple(f"model.{number}." for number in numbers)
    return bool(names) and all(name.startswith(names) for name, _ in model.named_parameters())


def describe(data: Any) -> dict[str, Any] | None:
    """Return the content of a dataset's YAML, downloading its images if need be, as the trainer will.

    Returns:
        The content; None if there is no YAML before the trainer has loaded or converted what was given.

    Raises:
        TintboxError: There is no such dataset, or the YAML is invalid.
    """
    from tintbox.datasets.reading import description

    if data is None or yaml_file.ADDRESS in str(data) or Path(str(data)).suffix in CONVERTED:
        return None
    return description.describe(data)


def class_names(data: Any) -> dict[int, str] | list[str] | None:
    """Return the class names that a dataset YAML lists, if it can be found without downloading anything."""
    from tintbox.datasets.reading import description

    try:
        names = ((data and description.read(data)) or {}).get("names")
    except TintboxError:
        return None  # the trainer will report what is wrong with it
    return names if isinstance(names, (dict, list)) else None
