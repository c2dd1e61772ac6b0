"""Validation of an extended model: old classes have the old model's boxes, and classes are matched by name."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from ultralytics import YOLO
from ultralytics.utils import nms

from tintbox.errors import TintboxError
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.coco_eval.settings import Settings
from tintbox.plugins.extend.validation import ClassView, Renamed

from .conftest import OLD, add_branch

ALONE = Settings(resamples=0, explain=False)


def detections(yolo, data, tmp_path, **kwargs):
    """The validator's detections in every image, as one array: x1, y1, x2, y2, score, class."""
    kept = []

    def keep(validator):
        stock = validator.update_metrics

        def update(preds, batch):
            kept.extend(torch.cat((p["bboxes"], p["conf"][:, None], p["cls"][:, None]), 1).clone() for p in preds)
            stock(preds, batch)

        validator.update_metrics = update

    yolo.add_callback("on_val_start", keep)
    found = yolo.val(
        data=str(data), imgsz=64, plots=False, workers=0, batch=2, project=str(tmp_path), verbose=False, **kwargs
    )  # fmt: skip
    return kept, found


@pytest.fixture
def named(tmp_path, fruit):
    """A dataset YAML of the fruit dataset's images with other names."""

    def make(names):
        file = tmp_path / f"{'-'.join(names)}.yaml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(fruit.read_text()), "names": list(names)}))
        return file

    return make


@pytest.mark.parametrize("kind", ["yolov8n", "yolo26n"])
@pytest.mark.parametrize("settings", [{}, {"max_det": 7}, {"conf": 0.4}, {"nms": False, "max_det": 9}])
def test_old_classes_are_validated_as_by_the_old_model(kind, settings, old, extended, named, tmp_path):
    """Even if the list of boxes is full: on a dataset with the old classes in their order, and in another order."""
    data = named([*OLD, "p", "q", "r", "s"])  # neither model knows the last classes
    before, one = detections(YOLO(old[kind]), data, tmp_path, **settings)
    after, other = detections(YOLO(extended[kind].best), data, tmp_path, **settings)
    assert sum(map(len, before)) > 0
    assert all(map(torch.equal, before, after))
    aps = [{c: ap for c, ap in zip(m.box.ap_class_index, m.box.all_ap) if c < len(OLD)} for m in (one, other)]
    assert aps[0].keys() == aps[1].keys() and all(np.array_equal(aps[0][c], aps[1][c]) for c in aps[0])


def test_classes_go_by_name(extended, fruit, named, tmp_path):
    best = extended["yolov8n"].best
    whole, _ = detections(YOLO(best), fruit, tmp_path)
    turned, _ = detections(YOLO(best), named("hgfedcba"), tmp_path)
    for there, here in zip(whole, turned):
        assert torch.equal(there[:, :5], here[:, :5])
        assert torch.equal(7 - there[:, 5], here[:, 5])
    some, found = detections(YOLO(best), named(["Q", " C ", *(f"q{i}" for i in range(6))]), tmp_path)
    assert {int(c) for boxes in some for c in boxes[:, 5]} <= {1}
    assert found.names[1] == " C "


@pytest.mark.attack("arguments")
def test_a_dataset_without_a_class_in_common_is_refused(extended, named, tmp_path):
    with pytest.raises(TintboxError, match=r"the model knows none of its classes \(1, 2, 3"):
        YOLO(extended["yolo11n"].best).val(data=str(named("12345678")), imgsz=64, project=str(tmp_path))


def test_single_cls_is_ultralytics_own(extended, fruit, tmp_path):
    seen = []
    yolo = YOLO(extended["yolo11n"].best)
    yolo.add_callback("on_val_end", lambda validator: seen.append(validator.tintbox_classes))
    yolo.val(data=str(fruit), imgsz=64, plots=False, project=str(tmp_path), single_cls=True)
    assert seen == [None], "no classes are matched by name"


def test_single_cls_is_the_class_of_a_training_with_it(old, load, fruit, named, tmp_path):
    """Boxes of the old classes are excluded. `single_cls` suppresses boxes whatever their class."""
    yolo = YOLO(old["yolo11n"])
    yolo.model = add_branch(yolo.model, "head", ["item"])
    for branch in yolo.model.joined.heads[1].cv3:
        torch.nn.init.zeros_(branch[-1].bias)
    yolo.save(tmp_path / "one.pt")
    kept, found = detections(YOLO(tmp_path / "one.pt"), fruit, tmp_path, single_cls=True)
    same = named(["item", *"1234567"])
    expected, _ = detections(YOLO(tmp_path / "one.pt"), same, tmp_path, agnostic_nms=True)
    assert sum(map(len, kept)) > 0
    assert all(map(torch.equal, kept, expected))
    assert found.names == {0: "item"}


def test_models_that_know_more_and_less_are_compared_on_the_classes_of_a_dataset(extended, fruit, tmp_path):
    first, again = extended["yolov8n"].best, tmp_path / "again.pt"
    yolo = YOLO(first)
    yolo.model = add_branch(yolo.model, "head", ["z"])
    yolo.save(again)
    both = sources.validate_both([first, again], ("one", "two"), {"data": fruit, "imgsz": 64, "workers": 0}, ALONE)
    sources.check_comparable(*(outcome.predictions.truth for outcome in both))
    assert both[1]["bbox"].names == list("abcdefgh")


def test_an_exported_model_is_compared_with_the_one_it_extends(old, extended, named, squares, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    best = tmp_path / "best.pt"
    best.write_bytes(extended["yolo11n"].best.read_bytes())
    exported = YOLO(best).export(format="onnx", imgsz=64)
    data = tmp_path / "old.yaml"
    data.write_text(yaml.safe_dump({**yaml.safe_load(squares.read_text()), "names": list(OLD)}))
    values = {"imgsz": 64, "workers": 0}
    models = [old["yolo11n"], exported]
    both = sources.validate_both(models, ("one", "two"), {**values, "data": data}, ALONE)
    sources.check_comparable(*(outcome.predictions.truth for outcome in both))
    monkeypatch.setattr(sources, "validate", lambda *_, **__: pytest.fail("a mistake is found before a validation"))
    with pytest.raises(TintboxError, match="; give a dataset of classes that both know, data="):
        sources.validate_both(models, ("one", "two"), {**values, "data": named([*OLD, *"1234"])}, ALONE)
    with pytest.raises(TintboxError, match=r"model=.*yolo11n.pt: the model has 4 classes .* the dataset 3"):
        sources.validate_both(models, ("one", "two"), {**values, "data": squares}, ALONE)


def test_classes_that_are_left_out_are_not_missed():
    names = ["a", "x", "y", "z"]
    assert ClassView([1], ["a"], names, "x").unknown == ["x", "y", "z"]
    assert ClassView([1], ["a"], names, "x", chosen=[0, 2]).unknown == ["y"]
    assert ClassView([1], ["a"], names, "x", chosen=0).unknown == []


def test_a_model_with_other_names_can_be_copied():
    model = SimpleNamespace(names={0: "a"}, stride=32)
    renamed = Renamed(model, {0: "b"})
    for copied in (copy.copy(renamed), copy.deepcopy(renamed)):
        assert copied.names == {0: "b"} and copied.stride == 32
    with pytest.raises(AttributeError):
        _ = renamed.task


def test_every_head_is_suppressed_alone():
    """Compared with the stock function on the classes of each head: exact even if the list of boxes is full."""
    generator = torch.Generator().manual_seed(0)
    decoded = torch.rand(2, 4 + 5, 400, generator=generator)
    decoded[:, :4] *= 64
    decoded[:, 4:] **= 3

    def stock(x):
        found = nms.non_max_suppression(x, 0.001, 0.6, multi_label=True, max_det=20)
        return [{"bboxes": y[:, :4], "conf": y[:, 4], "cls": y[:, 5]} for y in found]

    names = dict(enumerate("abcde"))
    found = ClassView([3, 2], names, names, "x").postprocess(decoded.clone(), False, stock)
    for i, picture in enumerate(found):
        for classes in ([0, 1, 2], [3, 4]):
            (expected,) = nms.non_max_suppression(
                decoded[i : i + 1].clone(), 0.001, 0.6, classes=classes, multi_label=True, max_det=20
            )
            mine = torch.isin(picture["cls"], torch.tensor(classes))
            assert torch.equal(picture["bboxes"][mine], expected[:, :4])
            assert torch.equal(picture["conf"][mine], expected[:, 4])


def test_prediction_has_the_old_boxes_as_before(old, load, pictures):
    """With Ultralytics' own suppression of all boxes at once, unless the list of boxes is full."""
    model = load(old["yolo11n"])
    made = add_branch(model, "neck", ["n"]).eval()
    with torch.no_grad():
        for conf, several in ((0.25, False), (0.01, True)):
            before, after = (
                nms.non_max_suppression(m(pictures)[0], conf, 0.7, multi_label=several, max_det=10**6)
                for m in (model, made)
            )
            assert sum(map(len, before)) > 0
            assert all(torch.equal(one, other[other[:, 5] < len(OLD)]) for one, other in zip(before, after))
