"""Runs with `extend=`: the old model stays the same bit for bit, the new branch trains, and every mode uses both."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import E2ELoss

from tintbox.errors import TintboxError
from tintbox.plugins import preflight
from tintbox.plugins.extend.network import ExtendedModel

from ..conftest import WEIGHTS
from .conftest import KINDS, OLD

NEW = list("cdefgh")
SPLITS = ("train", "val")


@torch.no_grad()
def run(model, x):
    return model(x)[0]


def same(before, after):
    return torch.equal(after[:, : before.shape[1], : before.shape[2]], before)


@pytest.mark.smoke
@pytest.mark.parametrize("kind", KINDS)
def test_old_predictions_are_the_same_bits_after_training(kind, old, extended, load, pictures):
    """In both checkpoints, and in the models during training."""
    trainer = extended[kind]
    before = run(load(old[kind]), pictures)
    for model in (load(trainer.best), load(trainer.last), trainer.ema.ema.eval(), trainer.model.eval()):
        model.end2end = False
        assert isinstance(model, ExtendedModel)
        assert list(model.names.values()) == [*OLD, *NEW]
        assert same(before, run(model, pictures))


@pytest.mark.parametrize("kind", KINDS)
def test_the_branch_alone_has_trained(kind, old, extended, load):
    trainer = extended[kind]
    start, trained = load(old[kind]), load(trainer.last)
    held = trained.held(trained.state_dict())
    count = len(start.state_dict())
    assert len(held) == count  # nothing of the old model is missing
    live = trainer.model
    assert {name for name, p in live.named_parameters() if not p.requires_grad} >= live.held_parameters()
    steps = {id(p) for p in trainer.optimizer.state}
    assert {n for n, p in live.named_parameters() if id(p) in steps} & live.held_parameters() == set()
    own = [name for name, _ in live.named_parameters() if name not in held and ".dfl" not in name]
    assert all(id(dict(live.named_parameters())[name]) in steps for name in own)
    loss = live.criterion
    loss = loss.one2one if isinstance(loss, E2ELoss) else loss
    assert isinstance(live.criterion, E2ELoss) == (kind == "yolo26n")
    assert loss.nc == len(NEW)


def test_known_boxes_are_left_out_and_labels_are_the_new_classes(extended, fruit):
    trainer = extended["yolo11n"]
    classes = np.concatenate([label["cls"].reshape(-1) for label in trainer.train_loader.dataset.labels])
    whole = [
        line.split()[0] for file in fruit.parent.glob("labels/train/*.txt") for line in file.read_text().splitlines()
    ]
    assert sorted(classes.astype(int) + 2) == sorted(int(c) for c in whole if int(c) > 1)
    assert trainer.data["names"] == dict(enumerate(NEW))
    validated = np.concatenate([label["cls"].reshape(-1) for label in trainer.test_loader.dataset.labels])
    assert 0 in validated  # validation includes all of them


def test_validation_is_about_the_datasets_classes(extended, fruit, tmp_path):
    trainer = extended["yolo11n"]
    assert trainer.validator.metrics.names == dict(enumerate("abcdefgh"))
    found = YOLO(trainer.best).val(
        data=str(fruit), imgsz=64, plots=False, workers=0, project=str(tmp_path), coco_eval={"resamples": 0}
    )
    assert found.names == dict(enumerate("abcdefgh"))
    assert found.coco is not None


def test_nothing_is_said_of_parameters_one_by_one(old, fruit, train_tiny, caplog):
    """A checkpoint's parameters have no gradients. Ultralytics warns that it enables them; old ones stay disabled."""
    train_tiny(old["yolov8n"], fruit, extend="head", val=False)
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "6 new classes (c, d, e" in line]
    assert not [line for line in lines if "requires_grad" in line]


def test_groups_of_a_slim_branch(old, fruit, train_tiny):
    trainer = train_tiny(
        old["yolo26n"], fruit, extend="slim", epochs=1, lr_scale={"head": 0.5, "neck": 2}, freeze="neck"
    )
    model, plan = trainer.model, trainer.tintbox_freeze.plan
    start, last = model.starts[-1], len(model.model) - 1
    assert {int(name.split(".")[1]) for name in plan.start if ".dfl" not in name} >= {last - 1}
    assert {int(name.split(".")[1]) for name in plan.start if ".dfl" not in name} <= {*range(start, last)}
    assert {plan.factors[n] for n in plan.factors if n.startswith(f"model.{last}.")} == {0.5}
    assert not set(plan.names) & model.held_parameters()


@pytest.fixture(scope="module")
def large(write_dataset):
    """A dataset of one new class whose boxes take most of the image."""
    rng = np.random.default_rng(0)
    return write_dataset("large", ["big"], {
        s: [(rng.integers(0, 255, (64, 64, 3), np.uint8), ["0 .5 .5 .8 .9"])] * 4 for s in SPLITS
    })  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), [("yolo26n", "slim"), ("yolo11n", True)])
def test_large_boxes_need_no_finest_level(kind, value, old, large, train_tiny, stop_at, load, pictures, caplog):
    arguments = {"extend": value, "epochs": 2, "lr0": 0.01}
    made = load(train_tiny(old[kind], large, **arguments).last)
    assert made.joined.levels == [3, 2]
    assert [line for line in caplog.messages if "without the level of stride 8 (the boxes are large)" in line]
    assert same(run(load(old[kind]), pictures), run(made, pictures))
    stopped = stop_at(train_tiny, "on_fit_epoch_end", old[kind], large, **arguments)
    yolo = YOLO(stopped.last)
    yolo.train(resume=True)
    assert yolo.trainer.start_epoch == 1
    state, again = made.state_dict(), load(yolo.trainer.last).state_dict()
    assert state.keys() == again.keys() and all(torch.equal(state[name], again[name]) for name in state)
    file = Path(yolo.trainer.last)
    made.end2end = False
    expected = run(made.fuse(verbose=False), pictures[:1])
    found = torch.jit.load(YOLO(file).export(format="torchscript", imgsz=(96, 64)))(pictures[:1])
    assert torch.allclose(found, expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("kind", ["yolov8n", "yolo11n"])  # with slim and true
def test_small_boxes_need_no_coarsest_level(kind, extended, load):
    made = load(extended[kind].best)
    assert made.joined.levels == [3, 2] and made.joined.heads[-1].stride.tolist() == [8, 16]


def test_a_level_that_is_left_out_is_logged(old, fruit, train_tiny, caplog):
    train_tiny(old["yolo11n"], fruit, extend="slim", val=False)
    assert [line for line in caplog.messages if "without the level of stride 32 (the boxes are small)" in line]


@pytest.mark.parametrize("value", ["neck", "backbone[5:]"])
def test_a_fork_that_is_given_has_every_level(value, old, large, train_tiny):
    trainer = train_tiny(old["yolov8n"], large, extend=value, val=False)
    assert trainer.model.joined.levels == [3, 3]


def test_options_are_for_the_new_part(old, fruit, train_tiny, tmp_path):
    trainer = train_tiny(
        old["yolo11n"], fruit, extend="backbone[8:]", epochs=2, freeze="backbone", unfreeze={1: "backbone"},
        lr_scale={"head": 0.5, "neck": 2}, cls_pos_weight={"c": 3}, optimizer="SGD", freeze_bn=False, amp="auto",
    )  # fmt: skip
    model = trainer.model
    assert model.criterion.bce.pos_weight.tolist() == [3, 1, 1, 1, 1, 1]
    plan = trainer.tintbox_freeze.plan
    assert not set(plan.names) & model.held_parameters()
    start = model.starts[-1]
    assert {name.split(".")[1] for name in plan.start if ".dfl" not in name} <= {str(start + i) for i in range(3)}
    assert {plan.factors[n] for n in plan.factors if n.startswith(f"model.{len(model.model) - 1}.")} == {0.5}
    assert same(*(run(m, torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3)))
                  for m in (YOLO(old["yolo11n"]).model.eval(), YOLO(trainer.last).model.eval())))  # fmt: skip
    frozen = json.loads((trainer.save_dir / "freeze.json").read_text())
    assert frozen


@pytest.mark.attack("resume")
@pytest.mark.parametrize(("kind", "fork"), [("yolo26n", "head"), ("yolov8n", "slim")])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    kind, fork, old, fruit, extended, train_tiny, stop_at, load, write_dataset
):
    stopped = stop_at(train_tiny, "on_fit_epoch_end", old[kind], fruit, extend=fork, epochs=2, lr0=0.01)
    others = write_dataset("others", ["n"], {s: [(np.zeros((32, 32, 3), np.uint8), ["0 .5 .5 .4 .4"])] for s in SPLITS})
    with pytest.raises(TintboxError, match=r"has other new classes \(n\) than the run \(c, d, e"):
        YOLO(stopped.last).train(resume=True, data=str(others))
    names = yaml.safe_load(fruit.read_text())["names"]
    alike = write_dataset("alike", names, {s: [(np.zeros((32, 32, 3), np.uint8), ["3 .5 .5 .4 .4"])] for s in SPLITS})
    with pytest.raises(TintboxError, match=r"^data=.*alike\.yaml has other training images than .*fruit"):
        YOLO(stopped.last).train(resume=True, data=str(alike))
    moved = fruit.with_name("moved.yaml")
    moved.write_text(fruit.read_text())
    preflight.check_same_images(str(fruit), str(moved))
    preflight.check_same_images("gone.yaml", str(alike))
    yolo = YOLO(stopped.last)
    yolo.train(resume=True)
    assert yolo.trainer.start_epoch == 1
    one, other = load(yolo.trainer.last).state_dict(), load(extended[kind].last).state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("fork", ["neck", "slim"])
def test_extended_again(fork, extended, load, pictures, write_dataset, train_tiny):
    """With a dataset that has one class of the first model, one of the first extension and a new one."""
    rng = np.random.default_rng(0)
    splits = {s: [(rng.integers(0, 255, (64, 64, 3), np.uint8), [f"{c} .5 .5 .4 .4" for c in range(3)])] * 4
              for s in ("train", "val")}  # fmt: skip
    data = write_dataset("again", ["y", "c", "z"], splits)
    first = load(extended["yolo11n"].best)
    trainer = train_tiny(extended["yolo11n"].best, data, extend=fork, optimizer="SGD", lr0=0.1)
    again = load(trainer.best)
    assert list(again.names.values()) == [*OLD, *NEW, "z"]
    assert same(run(first, pictures), run(again, pictures))
    assert trainer.validator.metrics.names == {0: "y", 1: "c", 2: "z"}


@pytest.mark.parametrize(
    ("kind", "form", "options"),
    [
        ("yolov8n", "torchscript", {}),
        ("yolo11n", "onnx", {"dynamic": True}),
        ("yolo11n", "onnx", {"nms": True}),
        ("yolo26n", "onnx", {"nms": False}),
    ],
)
def test_exports_say_the_same(kind, form, options, extended, load, fruit, tmp_path):
    pytest.importorskip(form if form == "onnx" else "torch")
    file = tmp_path / "best.pt"
    file.write_bytes(extended[kind].best.read_bytes())
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    model = load(file)
    model.end2end = options.get("nms") is False
    model.fuse(verbose=False)  # as in every export
    exported = YOLO(str(file)).export(format=form, imgsz=64, **options)
    if form == "torchscript":
        found = torch.jit.load(exported)(x)
    else:
        session = pytest.importorskip("onnxruntime").InferenceSession(exported, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"images": x.numpy()})
    if not options.get("nms"):
        there, here = np.asarray(found)[0], run(model, x)[0].numpy()
        if model.end2end:  # rows of box, score and class; ties near zero are cut either way
            there, here = (rows[rows[:, 4] > 1e-3] for rows in (there, here))
        else:
            there, here = there.T, here.T
        scale = np.array([64] * 4 + [1] * (there.shape[1] - 4))  # boxes relative to the image's side
        distances = np.abs((there[:, None] - here) / scale).max(2)  # in any order, because of ties
        assert len(distances) and distances.min(1).max() < 1e-4 and distances.min(0).max() < 1e-4
    settings = {"imgsz": 64, "plots": False, "workers": 0, "project": str(tmp_path)}
    if "nms" in options:
        settings["nms"] = options["nms"]
    found = YOLO(exported, task="detect").val(data=str(fruit), coco_eval={"resamples": 0}, **settings)
    assert found.names == dict(enumerate("abcdefgh"))
    assert found.coco["bbox"].names == list("abcdefgh")


def test_predict_and_track_find_both(extended, fruit):
    picture = sorted(fruit.parent.glob("images/val/*"))[0]
    yolo = YOLO(extended["yolo11n"].best)
    (found,) = yolo.predict(picture, imgsz=64, conf=1e-5, max_det=3000, verbose=False)
    assert {int(c) < len(OLD) for c in found.boxes.cls} == {True, False}
    (tracked,) = yolo.track(picture, imgsz=64, conf=0.01, verbose=False, tracker="bytetrack.yaml")
    assert tracked.names == found.names


def test_plain_training_of_an_extended_model_is_refused(extended, fruit, tmp_path):
    with pytest.raises(TintboxError, match="is an extended model, which stays as it is"):
        YOLO(extended["yolo11n"].best).train(data=str(fruit), epochs=1, project=str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["yolov8n", "yolo11n", "yolo26n"])
def test_real_weights_keep_their_predictions(name, shared_data, train_tiny, load):
    file = WEIGHTS / f"{name}-recon.pt"
    if not file.is_file():
        pytest.skip(f"no {file}; set TINTBOX_WEIGHTS")
    import cv2

    trainer = train_tiny(
        file, shared_data / "cards" / "cards.yaml", extend=True, fraction=0.02, val=False, lr0=0.05
    )  # fmt: skip
    shown = sorted((shared_data / "coco" / "val2017_subset" / "images").rglob("*.jpg"))[:100]
    assert len(shown) == 100
    resized = [cv2.resize(cv2.imread(str(p)), (96, 96)) for p in shown]
    x = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
    assert same(run(load(file), x), run(load(trainer.last), x))


def test_a_trainer_that_builds_another_model_is_refused(old, fruit, train_tiny):
    class Own(DetectionTrainer):
        def get_model(self, cfg=None, weights=None, verbose=True):
            return DetectionModel(cfg, nc=self.data["nc"], verbose=False)

    with pytest.raises(TintboxError, match="extend=neck: Own has built another model; let its get_model return super"):
        train_tiny(old["yolo11n"], fruit, extend="neck", trainer=Own)
