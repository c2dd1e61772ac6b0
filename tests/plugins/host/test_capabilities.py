"""What a run requests, and why it is refused."""

import pytest

from tintbox.errors import TintboxError
from tintbox.plugins import host

pytestmark = pytest.mark.attack("half-fitting plugin")


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ({}, []),
        ({"freeze": 10, "freeze_bn": "auto", "unfreeze": None, "coco_eval": False, "obj": 1.0}, []),
        ({"freeze": [0, 1], "task": "detect"}, []),
        ({"freeze": "backbone"}, ["freezing"]),
        ({"freeze": [0, "neck"]}, ["freezing"]),
        ({"freeze_bn": True, "lr_scale": 0.9, "cls_focal": 0}, ["freezing", "the classification loss"]),
        ({"coco_eval": {"resamples": 0}}, ["COCO evaluation"]),
        ({"autoanchor": True}, ["anchor models"]),
        ({"palette": 7}, ["colourising"]),
        ({"task": "colorize"}, ["colourising"]),
    ],
)
def test_what_arguments_ask_for(arguments, titles):
    assert [capability.title for capability, _ in host.capabilities.find_requested(arguments)] == titles


def test_a_model_without_our_callbacks_is_refused_what_needs_them(fruit, tmp_path):
    from ultralytics import YOLO

    model = YOLO("yolo11n.yaml")
    model.reset_callbacks()
    with pytest.raises(TintboxError, match="freeze=backbone asks for freezing, but this model's callbacks were"):
        model.train(data=str(fruit), freeze="backbone", project=str(tmp_path / "runs"))
    assert not list(tmp_path.iterdir())
