"""Patches of validation: predictions are handed to the COCO evaluation at full precision."""

from __future__ import annotations

import functools
from typing import Any

from tintbox.plugins.host.table import patch


def _wanted(validator: Any) -> bool:
    """Return whether this validation's predictions are to be recorded."""
    return not validator.training and getattr(validator, "coco_split", None) is not None


@patch(
    "ultralytics.models.yolo.detect.val",
    "DetectionValidator.init_metrics",
    "DetectionValidator.update_metrics",
    "DetectionValidator._prepare_batch",
    "DetectionValidator.scale_preds",
    "ops.xyxy2ltwh",
)
def recorded_predictions(module: Any) -> None:
    """Record every image's predictions with `coco_eval=True`: no callback sees them.

    They go where Ultralytics keeps its own JSON rows, which it gathers from all DDP ranks. Its JSON, rounded and with
    ids of its own, and its evaluation of it, which wants a package from the network, stay off meanwhile.
    """
    validator_class = module.DetectionValidator
    init_metrics, update_metrics = validator_class.init_metrics, validator_class.update_metrics

    @functools.wraps(init_metrics)
    def init(self: Any, model: Any) -> None:
        if _wanted(self):
            self.coco_json, self.args.save_json = self.args.save_json, False
        init_metrics(self, model)
        if _wanted(self):
            self.args.save_json = False  # COCO's own dataset switches it on

    @functools.wraps(update_metrics)
    def update(self: Any, preds: list[dict[str, Any]], batch: dict[str, Any]) -> None:
        update_metrics(self, preds, batch)
        if not _wanted(self):
            return
        from tintbox.plugins.coco_eval.data.masks import encode

        for i, pred in enumerate(preds):
            prepared = self._prepare_batch(i, batch)
            scaled = self.scale_preds(pred, prepared) if len(pred["cls"]) else pred  # to pixels of the file
            record = {
                "file": prepared["im_file"],
                "bbox": module.ops.xyxy2ltwh(scaled["bboxes"].double()).cpu().numpy(),
                "score": pred["conf"].double().cpu().numpy(),
                "class": pred["cls"].int().cpu().numpy(),
            }
            if "masks" in pred:
                record["segmentation"] = encode(scaled["masks"].cpu().numpy()) if len(pred["cls"]) else []
            self.jdict.append(record)

    validator_class.init_metrics, validator_class.update_metrics = init, update


@patch("ultralytics.models.yolo.segment.val", "SegmentationValidator.init_metrics", "ops.process_mask_native")
def full_masks(module: Any) -> None:
    """Take masks at the network's input size with `coco_eval=True`, as for `save_json`, not at a quarter of it."""
    init_metrics = module.SegmentationValidator.init_metrics

    @functools.wraps(init_metrics)
    def init(self: Any, model: Any) -> None:
        init_metrics(self, model)
        if _wanted(self):
            self.process = module.ops.process_mask_native

    module.SegmentationValidator.init_metrics = init
