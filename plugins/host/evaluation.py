"""Patches for validation: hand predictions to the COCO evaluation at full precision."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tintbox.plugins.host.table import patch, replace

RECORDING = "tintbox_recording"  # attribute of a validator that records its predictions; see `coco_eval.recording`


def _recording(validator: Any) -> Any:
    """Return the recording of a validation, or None for a stock one, which imports nothing of ours."""
    return None if validator.training else getattr(validator, RECORDING, None)


@patch(
    "ultralytics.models.yolo.detect.val",
    "DetectionValidator.__call__",
    "DetectionValidator.init_metrics",
    "DetectionValidator.update_metrics",
    "DetectionValidator._prepare_batch",
    "DetectionValidator.scale_preds",
    "ops.xyxy2ltwh",
)
def recorded_predictions(module: Any) -> None:
    """Record every image's predictions with `coco_eval=True`: no callback sees them.

    The validator is restored however the validation ends. One that is refused leaves no empty folder: the validator
    has created it before it looks at its dataset, and no callback sees an error.
    """
    from tintbox.plugins import callbacks

    @replace(module.DetectionValidator, "__call__")
    def called(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        try:
            return stock(self, *args, **kwargs)
        except BaseException:
            if callbacks.wants_coco_eval(self.args) and not self.args.exist_ok:  # else it may be the user's
                with suppress(OSError):  # not empty
                    self.save_dir.rmdir()
            raise
        finally:
            if recording := getattr(self, RECORDING, None):
                recording.remove(self)

    @replace(module.DetectionValidator, "init_metrics")
    def init(self: Any, model: Any, *, stock: Any) -> None:
        recording = _recording(self)
        if recording:
            recording.begin(self)
        stock(self, model)
        if recording:
            recording.begin_images(self)

    @replace(module.DetectionValidator, "update_metrics")
    def update(self: Any, preds: list[dict[str, Any]], batch: dict[str, Any], *, stock: Any) -> None:
        stock(self, preds, batch)
        recording = _recording(self)
        if not recording:
            return
        from tintbox.plugins.coco_eval.data.run_lengths import encode

        for i, pred in enumerate(preds):
            prepared = self._prepare_batch(i, batch)
            scaled = self.scale_preds(pred, prepared) if len(pred["cls"]) else pred  # to pixels of the image file
            record = {
                "file": prepared["im_file"],
                "bbox": module.ops.xyxy2ltwh(scaled["bboxes"].double()).cpu().numpy(),
                "score": pred["conf"].double().cpu().numpy(),
                "class": pred["cls"].int().cpu().numpy(),
            }
            if "masks" in pred:
                record["segmentation"] = encode(scaled["masks"].cpu().numpy()) if len(pred["cls"]) else []
            recording.add(self, record)


@patch("ultralytics.models.yolo.segment.val", "SegmentationValidator.init_metrics", "ops.process_mask_native")
def full_masks(module: Any) -> None:
    """Use masks at the network's input size with `coco_eval=True`, as for `save_json`, not at a quarter of it."""

    @replace(module.SegmentationValidator, "init_metrics")
    def init(self: Any, model: Any, *, stock: Any) -> None:
        stock(self, model)
        if _recording(self):
            self.process = module.ops.process_mask_native
