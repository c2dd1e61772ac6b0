"""What a run asks for, and what it is refused for."""

import pytest
import torch
from torch import nn

from tintbox.errors import TintboxError
from tintbox.plugins import callbacks, host

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


def test_the_table_of_tasks_imports_the_colouriser_only_when_it_is_asked_for(python):
    code = (
        "import sys; from ultralytics import YOLO; m = YOLO('yolo11n.yaml'); t = m.task_map['colorize'];"
        "print([n for n in sys.modules if n.startswith('tintbox.colorization.') and not n.endswith('palette_name')]);"
        "print(sorted(t), t['trainer'].__name__, len(t))"
    )
    done = python("-c", code)
    assert done.stdout.splitlines()[-2:] == ["[]", "['model', 'predictor', 'trainer', 'validator'] ColorizeTrainer 4"]


def test_anchors_are_a_matter_of_the_model():
    from ultralytics import YOLO

    anchors, plain = YOLO("yolov5n-anchor.yaml").model, YOLO("yolo11n.yaml").model
    assert callbacks.has_anchors(anchors) and callbacks.has_anchors(nn.DataParallel(anchors))
    assert not callbacks.has_anchors(plain)
    assert not callbacks.has_anchors(None) and not callbacks.has_anchors("yolo11n.pt")


class Run:
    """What a callback gets."""

    def __init__(self, **arguments):
        self.args = type("Args", (), arguments)()
        self.model = torch.nn.Identity()


def test_what_a_run_asks_for_is_decided_where_it_begins(monkeypatch):
    seen = []
    module = type("Module", (), {"on_train_batch_start": staticmethod(seen.append)})
    monkeypatch.setattr(callbacks, "import_module", lambda name: module)
    run, other = Run(freeze="backbone"), Run()
    for each in (run, other):
        callbacks.begin("on_pretrain_routine_end", each)
    run.args.freeze = None
    for each in (run, other):
        callbacks.on_train_batch_start(each)
    assert seen == [run]
