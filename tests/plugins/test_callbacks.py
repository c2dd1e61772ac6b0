"""Which callbacks a run requests, determined when it starts."""

import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tintbox import run_folder
from tintbox.plugins import callbacks


@pytest.mark.attack("half-fitting plugin")
def test_anchors_are_a_matter_of_the_model():
    from ultralytics import YOLO

    anchors, plain = YOLO("yolov5n-anchor.yaml").model, YOLO("yolo11n.yaml").model
    assert callbacks.has_anchors(anchors) and callbacks.has_anchors(nn.DataParallel(anchors))
    assert not callbacks.has_anchors(plain)
    assert not callbacks.has_anchors(None) and not callbacks.has_anchors("yolo11n.pt")


class Run:
    """The run that a callback receives."""

    def __init__(self, **arguments):
        self.args = SimpleNamespace(**arguments)
        self.model = torch.nn.Identity()


@pytest.mark.attack("half-fitting plugin")
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


@pytest.mark.parametrize(
    ("arguments", "freeze", "loss"),
    [
        ({}, False, False),
        ({"freeze": 10}, False, False),
        ({"freeze": [0, 1]}, False, False),
        ({"freeze": "backbone"}, True, False),
        ({"freeze": [0, "neck"]}, True, False),
        ({"freeze_bn": "auto", "unfreeze": None}, False, False),
        ({"freeze_bn": False}, True, False),
        ({"unfreeze": {5: "all"}}, True, False),
        ({"lr_scale": 0.9}, True, False),
        ({"cls_focal": 0}, False, True),
        ({"cls_pos_weight": "balanced"}, False, True),
    ],
)
def test_what_a_run_asks_for(arguments, freeze, loss):
    args = SimpleNamespace(**arguments)
    assert callbacks.wants_freeze(args) is freeze
    assert callbacks.wants_loss(args) is loss


@pytest.mark.parametrize(("value", "wanted"), [(None, False), (False, False), (True, True), ({}, True)])
def test_an_evaluation_with_the_default_settings_is_one(value, wanted):
    assert callbacks.wants_coco_eval(SimpleNamespace(coco_eval=value)) is wanted


@pytest.mark.parametrize(("task", "wanted"), [("detect", True), ("classify", False), ("colorize", False)])
def test_a_recipe_polishes_where_that_has_an_effect(task, wanted):
    """`polish: true` of a `cfg=` file; for other tasks it says that it has none."""
    assert callbacks.wants_polish(SimpleNamespace(task=task, polish=True)) is wanted


@pytest.mark.parametrize(
    ("arguments", "asked", "written"),
    [({}, "", False), ({"freeze": 3}, "0", False), ({}, "1", True), ({"freeze": "backbone"}, "", True),
     ({"coco_eval": True}, "", True), ({"task": "colorize"}, "", True)],
)  # fmt: skip
def test_a_plain_run_leaves_the_folder_of_stock(tmp_path, monkeypatch, arguments, asked, written):
    monkeypatch.setenv("TINTBOX_ENVIRONMENT", asked)
    monkeypatch.setattr(callbacks, "begin", lambda *_: None)
    args = SimpleNamespace(**{"task": "detect", **arguments})
    callbacks.on_pretrain_routine_start(SimpleNamespace(save_dir=tmp_path, device=torch.device("cpu"), args=args))
    assert [file.name for file in tmp_path.iterdir()] == [run_folder.ENVIRONMENT] * written


def test_every_callback_is_an_event_of_ultralytics_and_can_be_pickled():
    """DDP workers receive them by reference."""
    from ultralytics.utils.callbacks.base import default_callbacks

    for function in callbacks.CALLBACKS:
        assert function in default_callbacks[function.__name__]
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        ({"task": "detect"}, False),
        ({"task": "colorize"}, True),
        ({"task": "detect", "freeze": 10}, False),
        ({"task": "detect", "freeze": "neck"}, True),
        ({"task": "detect", "cls_smoothing": 0.1}, True),
        ({"task": "detect", "cls_smoothing": None, "coco_eval": False}, False),
    ],
)
def test_runs_of_ours_are_resumed_exactly(arguments, ours):
    assert callbacks.wants_resume(SimpleNamespace(**arguments)) is ours


def test_grey_statistics_are_a_matter_of_the_model():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    assert not callbacks.has_grey_statistics(model) and not callbacks.has_grey_statistics(None)
    model[1].tintbox_statistics = True
    assert callbacks.has_grey_statistics(model) and callbacks.has_grey_statistics(nn.DataParallel(model))


def test_an_export_carries_what_the_model_says_of_itself():
    class Model(nn.Module):
        def metadata(self):
            return {"palette": 3}

    for model, found in ((Model(), {"names": 1, "palette": 3}), (nn.Identity(), {"names": 1})):
        exporter = Run()
        exporter.model, exporter.metadata = model, {"names": 1}
        callbacks.on_export_start(exporter)
        assert exporter.metadata == found


def test_a_run_that_began_nowhere_has_nothing_to_do():
    callbacks.run("on_train_batch_start", Run(freeze="backbone"))
