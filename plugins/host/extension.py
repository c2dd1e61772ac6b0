"""Patches for ``extend=``: what a run trains and on which labels, and which classes a validation uses."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace

NETWORK = "tintbox.plugins.extend.network"


def find_counts(model: Any) -> list[int]:
    """Return how many classes each head of an extended model has, whatever its backend; [] for any other model."""
    each: Any
    for each in (model, getattr(model, "model", None)):
        if type(each).__module__ == NETWORK:
            return list(each.joined.counts)
    stored = getattr(model, "branches", None)  # from an export's metadata, as text
    try:
        counts = json.loads(stored) if isinstance(stored, str) else stored
    except ValueError:
        return []
    if not isinstance(counts, list) or not all(type(count) is int and count > 0 for count in counts):
        return []
    return counts if sum(counts) == len(model.names) else []


def reconciles(runner: Any, model: Any) -> bool:
    """Return whether a newer class's box replaces an older one's: as the argument says, else as the model says."""
    requested = getattr(runner.args, "reconcile", None)
    if requested is not None:
        return requested
    found = [getattr(each, "reconcile", None) for each in (model, getattr(model, "model", None))]
    return any(value is True or value == "True" for value in found)  # text in an export's metadata


def check_reconcile(model: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse `reconcile` for a model with nothing to reconcile; exported models are checked when they run.

    Raises:
        TintboxError: The model is not an extended one.
    """
    if arguments.get("reconcile") and not isinstance(model, str) and not find_counts(model):
        raise capabilities.refusal(
            f"reconcile={arguments['reconcile']}: the model has no new classes beside old ones; leave it out"
        )


def check_visualize(model: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse heat maps of an extended model: Ultralytics draws them for one head, and would take the newest.

    Raises:
        TintboxError: The model is an extended one.
    """
    if arguments.get("visualize") and find_counts(model):
        raise capabilities.refusal(
            f"visualize={arguments['visualize']}: the model has more than one head; leave it out, or use the "
            "checkpoint that `tintbox export-stock` makes of it"
        )


@patch(
    "ultralytics.models.yolo.detect.train",
    "DetectionTrainer.get_model",
    "DetectionTrainer.set_model_attributes",
    "DetectionTrainer.build_dataset",
)
def extended_training(module: Any) -> None:
    """Train an extended model with `extend=`, on the labels of its new classes.

    The trainer builds its model and datasets in these methods, with no callback in between. The processes of a
    distributed run get the model that the first process has built, and begin with `set_model_attributes`.
    """

    @replace(module.DetectionTrainer, "get_model")
    def model(self: Any, cfg: Any = None, weights: Any = None, verbose: bool = True, *, stock: Any) -> Any:
        if not getattr(self.args, "extend", False) or self.args.task != "detect":
            if type(weights).__module__ == NETWORK and self.args.task == "detect":
                from tintbox.plugins.extend import checks

                checks.refuse_plain(self.args.model)
            return stock(self, cfg, weights, verbose)
        capabilities.require("new classes", f"extend={self.args.extend}")
        from tintbox.plugins.extend import training

        return training.begin(self, weights)

    @replace(module.DetectionTrainer, "set_model_attributes")
    def attributes(self: Any, *, stock: Any) -> None:
        if type(self.model).__module__ == NETWORK and not hasattr(self, "tintbox_extend"):
            from tintbox.plugins.extend import training

            training.join(self, self.model)
        stock(self)

    @replace(module.DetectionTrainer, "build_dataset")
    def dataset(self: Any, img_path: str, mode: str = "train", batch: int | None = None, *, stock: Any) -> Any:
        extension = getattr(self, "tintbox_extend", None)
        if extension is None:
            return stock(self, img_path, mode, batch)
        data, self.data = self.data, extension.data  # the labels are checked against its names
        try:
            found = stock(self, img_path, mode, batch)
        finally:
            self.data = data
        if mode == "train":
            extension.relabel(found)
        return found


@patch(
    "ultralytics.models.yolo.detect.val",
    "DetectionValidator.init_metrics",
    "DetectionValidator.postprocess",
)
def extended_validation(module: Any) -> None:
    """Validate an extended model with classes matched to the dataset's by name: stock matches them by index."""

    @replace(module.DetectionValidator, "init_metrics")
    def init(self: Any, model: Any, *, stock: Any) -> None:
        vars(self).pop("tintbox_classes", None)  # left by the previous validation
        if not (counts := find_counts(model)):
            check_reconcile(model, vars(self.args))
            stock(self, model)
            return
        from tintbox.plugins.extend import validation

        view = validation.view(self, counts, model.names, reconciles(self, model))
        self.tintbox_classes = view
        stock(self, validation.Renamed(model, view.names) if view else model)
        if view:
            view.tell()

    @replace(module.DetectionValidator, "postprocess")
    def classes(self: Any, preds: Any, *, stock: Any) -> Any:
        view = getattr(self, "tintbox_classes", None)
        return view.postprocess(preds, self.end2end, functools.partial(stock, self)) if view else stock(self, preds)


@patch("ultralytics.models.yolo.detect.predict", "DetectionPredictor.postprocess")
def extended_prediction(module: Any) -> None:
    """With `reconcile`, drop old classes' boxes where a new class has a more confident box."""

    @replace(module.DetectionPredictor, "postprocess")
    def reconciled(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        results = stock(self, *args, **kwargs)
        counts = find_counts(self.model)
        check_reconcile(self.model, vars(self.args))
        if not counts or not reconciles(self, self.model):
            return results
        from tintbox.plugins.extend.reconcile import keep

        return [result[keep(result.boxes.xyxy, result.boxes.conf, result.boxes.cls, counts)] for result in results]
