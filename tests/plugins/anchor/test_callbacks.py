"""The start of a run with an anchor model: its anchors, and the loss of both models."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel

from tintbox.plugins.anchor import callbacks
from tintbox.plugins.anchor.loss import AnchorLoss


def test_autoanchor_reports_the_recall_before_and_after(train, log):
    trainer = train(autoanchor=True)
    line = next(line for line in log if "best possible recall" in line)
    assert "after k-means over 26 training boxes" in line
    head = trainer.model.model[-1]
    sizes = np.array([area for level in head.anchor_list for area in level]).prod(1)
    assert (np.diff(sizes) >= 0).all()  # small anchors at the small stride
    assert trainer.ema.ema.model[-1].anchor_list == head.anchor_list
    saved = YOLO(trainer.last).model
    assert saved.model[-1].anchor_list == head.anchor_list
    assert DetectionModel(saved.yaml, verbose=False).model[-1].anchor_list == head.anchor_list


def test_anchors_fit_alike_in_rectangular_batches(train, log):
    """With ``rect``, Ultralytics removes the images' sizes from its labels."""
    train(rect=True)
    train()
    first, second = (line for line in log if "best possible recall" in line)
    assert first == second


def test_bad_anchors_are_warned_of(train, tmp_path, tiny_model, log):
    model = tmp_path / "far-anchor.yaml"
    model.write_text(tiny_model.read_text().replace("- 10\n", "- 300\n").replace("- 16\n", "- 310\n"))
    text = model.read_text()
    model.write_text(text.replace("- 24", "- 400").replace("- 40", "- 410"))
    train(model=model)
    line = next(line for line in log if "best possible recall" in line)
    assert "best possible recall 0.0000 of 26 training boxes; they fit badly" in line


def test_formats_that_need_the_stock_head(refusal, tiny_model):
    line = refusal("export", f"model={tiny_model}", "format=imx", "imgsz=64")
    assert line == "yolo: format=imx: anchor models export to torchscript, onnx, openvino, engine"


class Loader:
    """The part of a training loader that fitting anchors uses: images of 64x64 with one box each."""

    def __init__(self, *sides):
        box = [{"shape": (64, 64), "bboxes": np.array([[0.5, 0.5, side / 64, side / 64]])} for side in sides]
        self.dataset = SimpleNamespace(labels=box)


def trainer_of(model, *sides, ema=True, resume=False, **arguments):
    """The attributes of a trainer that the callbacks read."""
    args = {"imgsz": 64, "anchor_t": 4.0, "autoanchor": False, "box": 7.5, "cls": 0.5, "obj": 1.0, **arguments}
    model.args = SimpleNamespace(**args)
    average = SimpleNamespace(ema=copy.deepcopy(model)) if ema else None
    return SimpleNamespace(
        model=model, ema=average, resume=resume, args=model.args, train_loader=Loader(*sides), epoch=0
    )


def test_the_loss_is_set_on_the_model_and_its_average(tiny_model):
    trainer = trainer_of(YOLO(tiny_model).model, 12)
    callbacks.on_pretrain_routine_end(trainer)
    gains = [model.criterion.gains for model in (trainer.model, trainer.ema.ema)]
    assert gains[0] is gains[1] and isinstance(trainer.model.criterion, AnchorLoss)
    trainer.ema.ema = copy.deepcopy(trainer.model)  # as after a NaN
    trainer.ema.ema.criterion = None
    callbacks.on_train_epoch_start(trainer)
    assert trainer.ema.ema.criterion.gains == gains[0]


def test_a_stock_model_is_none_of_ours(log):
    trainer = trainer_of(YOLO("yolo11n.yaml").model, 12)
    callbacks.on_pretrain_routine_end(trainer)
    callbacks.on_train_epoch_start(trainer)
    assert not log and getattr(trainer.model, "criterion", None) is None


@pytest.mark.parametrize(
    ("sides", "arguments", "said"),
    [
        ((12, 30), {}, "best possible recall 1.0000 of 2 training boxes"),
        ((2.2, 2.2, 30), {}, "best possible recall 0.3333 of 3 training boxes; they fit badly"),
        ((12, 30), {"autoanchor": True}, "kept: the 2 training boxes are too few for 4 anchors"),
        ((12, 30), {"resume": True}, None),
        ((), {}, None),
    ],
)
def test_what_is_said_of_the_anchors(tiny_model, log, sides, arguments, said):
    trainer = trainer_of(YOLO(tiny_model).model, *sides, **arguments)
    before = trainer.model.model[-1].anchor_list
    callbacks.on_pretrain_routine_end(trainer)
    lines = [line for line in log if "recall" in line or "kept" in line]
    assert len(lines) == (said is not None) and all(said in line for line in lines)
    assert trainer.model.model[-1].anchor_list == before


def test_new_anchors_go_to_both_models(tiny_model, log):
    sides = [2, 2.1, 5, 5.1, 9, 9.1, 60, 60.1]
    trainer = trainer_of(YOLO(tiny_model).model, *sides, autoanchor=True)
    before = trainer.model.model[-1].anchor_list
    callbacks.on_pretrain_routine_end(trainer)
    found = [model.model[-1].anchor_list for model in (trainer.model, trainer.ema.ema)]
    assert found[0] == found[1] != before
    assert any("0.7500 before, 1.0000 after k-means over 8 training boxes; now [[" in line for line in log), log
