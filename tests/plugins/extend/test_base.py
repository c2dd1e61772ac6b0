"""Which detectors can be extended, and by which images."""

import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.extend import base


@pytest.mark.attack("arguments")
@pytest.mark.parametrize("name", ["yolov5n-anchor.yaml", "yolo11n-seg.yaml", "yolov10n.yaml", "yolov8n-pose.yaml"])
def test_other_heads_are_refused(name):
    with pytest.raises(TintboxError, match=r"^extend: .* has the head \w+; models with the detection heads of"):
        base.check(YOLO(name).model)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize("kind", ["yolo11n", "yolo26n"])
def test_a_fused_model_is_refused_extended_or_not(kind, old, extended, load):
    for file in (old[kind], extended[kind].best):
        base.check(load(file))
        with pytest.raises(TintboxError, match="fused for prediction"):
            base.check(load(file).fuse(verbose=False))


def test_images_of_other_channels(old, load):
    base.check_channels(load(old["yolo11n"]), 3, "x.yaml")
    with pytest.raises(TintboxError, match=r"data=x\.yaml has images of 1 channels, the model takes 3; give others"):
        base.check_channels(load(old["yolo11n"]), 1, "x.yaml")
