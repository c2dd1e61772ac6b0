"""Patches for ``extend=``: what a run trains and on which labels, and which classes a validation is about."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace

NETWORK = "tintbox.plugins.extend.network"


def find_counts(model: Any) -> list[int]:
    """Return how many classes each head of an extended model has, whatever runs it; none for any other model."""
    each: Any
    for each in (model, getattr(model, "model", None)):
        if type(each).__module__ == NETWORK:
            return list(each.joined.counts)
    told = getattr(model, "branches", None)  # of an export's metadata, as text
    try:
        counts = json.loads(told) if isinstance(told, str) else told
    except ValueError:
        return []
    if not isinstance(counts, list) or not all(type(count) is int and count > 0 for count in counts):
        return []
    return counts if sum(counts) == len(model.names) else []


def reconciles(runner: Any, model: Any) -> bool:
    """Return whether a newer class's box takes an older one's place: as is asked for, else as the model says."""
    asked = getattr(runner.args, "reconcile", None)
    if asked is not None:
        return asked
    found = [getattr(each, "reconcile", None) for each in (model, getattr(model, "model", None))]
    return any(value is True or value == "True" for value in found)  # a text in an export's metadata


def check_reconcile(model: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse `reconcile` for a model that has nothing to be reconciled; what is exported is asked when it runs.

    Raises:
        TintboxError: It is no extended model.
    """
    if arguments.get("reconcile") and not isinstance(model, str) and not find_counts(model):
        raise capabilities.refusal(
            f"reconcile={arguments['reconcile']}: the model has no new classes beside old ones; leave it out"
        )


@patch("ultralytics.models.yolo.detect.train", "DetectionTrainer.get_model", "DetectionTrainer.build_dataset")
def extended_training(module: Any) -> None:
    """Train an extended model with `extend=`, on the labels of its new classes.

    A trainer makes its model and its datasets by these methods, and no callback comes between.
    """
    trainer = module.DetectionTrainer
    get_model, build_dataset = trainer.get_model, trainer.build_dataset

    @replace(trainer, "get_model")
    def model(self: Any, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        if not getattr(self.args, "extend", False) or self.args.task != "detect":
            if type(weights).__module__ == NETWORK and self.args.task == "detect":
                from tintbox.plugins.extend import checks

                checks.refuse_plain(self.args.model)
            return get_model(self, cfg, weights, verbose)
        capabilities.require("new classes", f"extend={self.args.extend}")
        from tintbox.plugins.extend import training

        return training.begin(self, weights)

    @replace(trainer, "build_dataset")
    def dataset(self: Any, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        extension = getattr(self, "tintbox_extend", None)
        if extension is None:
            return build_dataset(self, img_path, mode, batch)
        data, self.data = self.data, extension.data  # whose names the labels are checked against
        try:
            found = build_dataset(self, img_path, mode, batch)
        finally:
            self.data = data
        if mode == "train":
            extension.relabel(found)
        return found


@patch(
    "ultralytics.models.yolo.detect.val",
    "DetectionValidator.get_model",
    "DetectionValidator.init_metrics",
    "DetectionValidator.postprocess",
)
def extended_validation(module: Any) -> None:
    """Validate an extended model on the classes of a dataset by their names: stock takes them by number."""
    validator = module.DetectionValidator
    get_model, init_metrics, postprocess = validator.get_model, validator.init_metrics, validator.postprocess

    @replace(validator, "get_model")
    def model(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        found = get_model(self, model, *args, **kwargs)
        if counts := find_counts(found):
            self.tintbox_counts = counts  # for what is asked before `init_metrics`
        return found

    @replace(validator, "init_metrics")
    def init(self: Any, model: Any) -> None:
        vars(self).pop("tintbox_classes", None)  # of the validation before
        if not (counts := find_counts(model)):
            check_reconcile(model, vars(self.args))
            init_metrics(self, model)
            return
        from tintbox.plugins.extend import validation

        view = validation.view(self, counts, model.names, reconciles(self, model))
        self.tintbox_classes = view
        init_metrics(self, validation.Renamed(model, view.names) if view else model)
        if view:
            view.tell()

    @replace(validator, "postprocess")
    def classes(self: Any, preds: Any) -> Any:
        view = getattr(self, "tintbox_classes", None)
        stock = functools.partial(postprocess, self)
        return view.postprocess(preds, self.end2end, stock) if view else stock(preds)


@patch("ultralytics.models.yolo.detect.predict", "DetectionPredictor.postprocess")
def extended_prediction(module: Any) -> None:
    """Leave out the old classes' boxes in whose place there is a surer one of a new class, with `reconcile`."""
    postprocess = module.DetectionPredictor.postprocess

    @replace(module.DetectionPredictor, "postprocess")
    def reconciled(self: Any, *args: Any, **kwargs: Any) -> Any:
        results = postprocess(self, *args, **kwargs)
        counts = find_counts(self.model)
        check_reconcile(self.model, vars(self.args))
        if not counts or not reconciles(self, self.model):
            return results
        from tintbox.plugins.extend.reconcile import kept

        return [result[kept(result.boxes.xyxy, result.boxes.conf, result.boxes.cls, counts)] for result in results]


@patch("ultralytics.engine.model", "Model.val", "Model.predict", "Model.track")
def reconciling(engine: Any) -> None:
    """Refuse `reconcile` before a folder is made, for a model that has nothing to be reconciled."""

    def check(mode: str) -> None:
        method = getattr(engine.Model, mode)

        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            check_reconcile(self.model, kwargs)
            return method(self, *args, **kwargs)

    for mode in ("val", "predict", "track"):
        check(mode)
