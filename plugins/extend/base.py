"""The detector that is extended: whether it can be."""

from __future__ import annotations

from typing import Any

from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import DetectionModel

from tintbox.errors import TintboxError
from tintbox.plugins.extend.network import ExtendedModel
from tintbox.plugins.freeze import selection


def check(model: Any) -> None:
    """Check that a model can be extended.

    Raises:
        TintboxError: Its head or class is not that of YOLOv8, YOLO11 and YOLO26, or it is fused or exported.
    """
    if not isinstance(model, ExtendedModel):
        head = getattr(model, "model", [None])[-1]
        if type(model) is not DetectionModel or type(head) is not Detect:
            raise TintboxError(
                f"extend: {selection.title(model)} has the head {type(head).__name__}; models with the detection heads "
                "of YOLOv8, YOLO11 and YOLO26 can be extended"
            )
        if head.nl != len(model.yaml["head"][-1][0]):
            raise TintboxError(
                f"extend: {selection.title(model)} is extended already and was written by `tintbox export-stock`; "
                "give the checkpoint that it was made from"
            )
    if model.is_fused():
        raise TintboxError(f"extend: {selection.title(model)} is fused for prediction; give the checkpoint as trained")


def check_channels(model: DetectionModel, channels: int, data: Any) -> None:
    """Check that a model can see a dataset's images.

    Raises:
        TintboxError: They have another number of channels.
    """
    own = model.yaml.get("channels", 3)
    if channels != own:
        raise TintboxError(f"extend: data={data} has images of {channels} channels, the model takes {own}; give others")
