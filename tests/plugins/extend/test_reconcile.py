"""Which box is kept if an old class and a new one detect the same object."""

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.extend.reconcile import keep
from tintbox.plugins.extend.stock import export_stock

from .conftest import OLD

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 6], [50, 50, 60, 60], [0, 0, 10, 10]])


def stay(scores, classes, counts=(2, 1, 1)):
    return keep(BOXES, torch.tensor(scores), torch.tensor(classes), counts).tolist()


def test_a_class_is_of_a_head():
    """Of five boxes on each other with rising scores, those of the newest head stay."""
    same, classes = BOXES[:1].repeat(5, 1), torch.tensor([0.0, 1, 2, 3, 5])
    for counts, stays in (([2, 1, 3], 2), ([2, 4], 3), ([3, 3], 2), ([5, 1], 1), ([6], 5)):
        assert keep(same, torch.arange(5.0), classes, counts).tolist() == [False] * (5 - stays) + [True] * stays


def test_an_old_box_goes_where_a_surer_new_one_lies_on_it():
    assert stay([0.5, 0.6, 0.9, 0.9, 0.1], [0, 2, 2, 2, 1]) == [False, True, True, True, False]


def test_nothing_else_goes():
    assert all(stay([0.6, 0.5, 0.9, 0.9, 0.5], [0, 2, 2, 2, 2]))  # the new ones have lower scores, or are elsewhere
    assert all(stay([0.5, 0.6, 0.7, 0.8, 0.9], [0, 1, 0, 1, 0]))  # all from one head
    assert all(stay([0.6, 0.5, 0.4, 0.9, 0.5], [2, 0, 1, 3, 0])[i] for i in (0, 3))
    assert all(stay([0.5] * 5, [0, 2, 2, 3, 2]))  # all scores are equal


def test_a_newer_extension_is_new_to_an_older_one():
    assert stay([0.5, 0.6, 0.9, 0.9, 0.1], [2, 3, 0, 0, 0]) == [False, True, True, True, False]


def test_prediction_and_validation_reconcile_when_asked(extended, fruit, tmp_path):
    best, picture = extended["yolov8n"].best, sorted(fruit.parent.glob("images/val/*"))[0]

    def predict(**kwargs):
        yolo = YOLO(best)
        for branch in yolo.model.joined.heads[-1].cv3:  # high scores everywhere
            torch.nn.init.constant_(branch[-1].bias, 4.0)
        (found,) = yolo.predict(picture, imgsz=64, conf=0.01, max_det=10**6, verbose=False, **kwargs)
        return found.boxes.data

    exact, less = predict(), predict(reconcile=True)
    assert torch.equal(exact, predict(reconcile=False))
    stays = keep(exact[:, :4], exact[:, 4], exact[:, 5], [len(OLD), 6])
    assert torch.equal(less, exact[stays]) and 0 < len(less) < len(exact)
    yolo, seen = YOLO(best), []
    yolo.add_callback("on_val_end", lambda validator: seen.append(validator.tintbox_classes.reconciles))
    for asked in (True, False):
        yolo.val(data=str(fruit), imgsz=64, plots=False, workers=0, project=str(tmp_path), reconcile=asked)
    assert seen == [True, False]


def test_the_setting_is_kept_in_the_checkpoint(old, fruit, train_tiny):
    trainer = train_tiny(old["yolo11n"], fruit, extend="head", reconcile=True)
    assert YOLO(trainer.best).model.reconcile
    assert trainer.validator.tintbox_classes.reconciles


@pytest.mark.attack("arguments")
def test_heat_maps_are_drawn_for_one_head(extended, old, pictures, tmp_path):
    source = (pictures[0].permute(1, 2, 0) * 255).byte().numpy()
    arguments = {"imgsz": 64, "visualize": True, "project": str(tmp_path), "verbose": False}
    with pytest.raises(TintboxError, match="visualize=True: the model has more than one head; leave it out, or use"):
        YOLO(extended["yolo11n"].best).predict(source, **arguments)
    export_stock(extended["yolo11n"].best, tmp_path / "stock.pt")
    for file in (tmp_path / "stock.pt", old["yolo11n"]):
        YOLO(file).predict(source, **arguments, name=file.stem)
        assert any((tmp_path / file.stem).rglob("*.jpg")), file


def test_other_models_have_nothing_to_reconcile(refusal, old, fruit):
    words = f"model={old['yolo11n']}", f"data={fruit}"
    assert "reconcile=True: the model has no new classes" in refusal("val", *words, "reconcile=true")
    assert "reconcile=True: the model has no new" in refusal("predict", words[0], "source=x.png", "reconcile=true")
    assert "reconcile=True: counts in training with extend=" in refusal("train", *words, "reconcile=true")
    assert "reconcile=0.5: give true or false" in refusal("val", *words, "reconcile=0.5")
