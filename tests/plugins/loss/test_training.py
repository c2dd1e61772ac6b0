"""The classification loss in real training: on both models, and preserved by recovery and resume."""

import copy
import csv
import math

import pytest
import torch
from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks

from tintbox.errors import TintboxError
from tintbox.plugins.loss import training as loss_callbacks
from tintbox.plugins.loss import weights as class_weights
from tintbox.plugins.loss.bce import ClassificationBCE
from tintbox.plugins.wrappers import models_of

from ...tiny_models import YOLO11N, YOLO26N
from .conftest import ALL

COUNTS = [16, 8, 2]  # boxes in the training images: a, b, c


def models(trainer):
    return trainer.model, trainer.ema.ema


def bces(model):
    return [loss.bce for loss in loss_callbacks.detection_losses(model.criterion)]


def rows(trainer):
    with trainer.csv.open() as file:
        return [{k: v for k, v in row.items() if k != "time"} for row in csv.DictReader(file)]


def batch_of(trainer):
    return trainer.preprocess_batch(next(iter(trainer.test_loader)))


# Which losses ---------------------------------------------------------------------------------------------------------

TASK_MODELS = [
    ("DetectionModel", YOLO11N, 1),
    ("DetectionModel", YOLO26N, 2),
    ("DetectionModel", "yolov10n.yaml", 2),
    ("DetectionModel", "yolov3-tiny.yaml", 1),
    ("SegmentationModel", "yolo11n-seg.yaml", 1),
    ("SegmentationModel", "yolo26n-seg.yaml", 2),
    ("PoseModel", "yolo11n-pose.yaml", 1),
    ("PoseModel", "yolo26n-pose.yaml", 2),
    ("OBBModel", "yolo11n-obb.yaml", 1),
    ("OBBModel", "yolo26n-obb.yaml", 2),
]


@pytest.mark.parametrize(("kind", "file", "count"), TASK_MODELS, ids=[file for _, file, _ in TASK_MODELS])
def test_every_classification_bce_and_nothing_else(kind, file, count):
    model = getattr(tasks, kind)(file, nc=3, verbose=False)
    model.args = get_cfg()
    assert loss_callbacks.check_model(ALL, model, "any") is None
    bce = ClassificationBCE(smoothing=0.1)
    loss_callbacks._install([model], bce)
    assert bces(model) == [bce] * count
    for loss in loss_callbacks.detection_losses(model.criterion):
        others = {k: v for k, v in vars(loss).items() if isinstance(v, torch.nn.Module) and k != "bce"}
        assert not any(isinstance(m, ClassificationBCE) for other in others.values() for m in other.modules())
        if "bce_pose" in others:
            assert type(others["bce_pose"]) is torch.nn.BCEWithLogitsLoss
    calls = []
    bce.register_forward_hook(lambda module, inputs, output: calls.append(output.shape))
    h = model.args
    batch = {
        "img": torch.rand(2, 3, 64, 64), "batch_idx": torch.tensor([0.0, 1.0]), "cls": torch.tensor([[0.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5]] * 2), "masks": torch.ones(2, 16, 16),
        "sem_masks": torch.zeros(2, 16, 16, dtype=torch.long), "keypoints": torch.rand(2, 17, 3),
    }  # fmt: skip
    if kind == "OBBModel":
        batch["bboxes"] = torch.cat((batch["bboxes"], torch.zeros(2, 1)), 1)
    assert h.overlap_mask
    loss, _ = model.train().loss(batch)
    assert loss.isfinite().all()
    assert len(calls) == count, "once per head and step"
    assert all(shape[0] == 2 and shape[-1] == 3 for shape in calls), "of shape (batch, anchors, classes)"


@pytest.mark.parametrize(
    ("kind", "file", "task"),
    [
        ("RTDETRDetectionModel", "rtdetr-resnet50.yaml", "detect"),
        ("ClassificationModel", "yolo11n-cls.yaml", "classify"),
        ("SemanticSegmentationModel", "yolo26n-sem.yaml", "semantic"),
        ("WorldModel", "yolov8s-worldv2.yaml", "detect"),
        ("YOLOEModel", "yoloe-11s.yaml", "detect"),
    ],
)
def test_models_without_one(kind, file, task):
    model = getattr(tasks, kind)(file, verbose=False)
    wrong = loss_callbacks.check_model({"cls_focal": 2}, model, task)
    assert wrong.startswith("cls_focal=2: ")
    assert f"{kind} (task {task})" in wrong


# In training ----------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_set_on_the_training_model_and_on_the_ema_copy(run):
    expected = class_weights.balance(COUNTS)
    for model in models(run):
        (bce,) = bces(model)
        assert isinstance(bce, ClassificationBCE)
        assert bce.pos_weight.tolist() == pytest.approx(expected, rel=1e-6)
        assert (bce.smoothing, bce.gamma, bce.alpha) == (0.02, 1.5, 0.4)
    assert loss_callbacks.class_counts(run) == COUNTS


def test_training_and_validation_loss_are_the_same_function(run):
    model, ema = models(run)
    ema = copy.deepcopy(ema)
    ema.load_state_dict(model.state_dict())
    batch = batch_of(run)
    with torch.no_grad():
        ours = [m.eval().loss(batch)[1] for m in (model, ema)]
        stock = copy.deepcopy(ema)
        stock.criterion = None
        other = stock.loss(batch)[1]
    assert ours[0].keys() == ours[1].keys()
    for key in ours[0]:
        assert ours[0][key].item() == ours[1][key].item(), key
    assert abs(ours[0]["cls_loss"].item() / other["cls_loss"].item() - 1) > 0.1, "and not the stock function"
    assert ours[0]["box_loss"].item() == other["box_loss"].item(), "which is the same for boxes"


def test_cls_loss_is_linear_in_the_positive_weight(run):
    model = copy.deepcopy(run.ema.ema).eval()
    batch = batch_of(run)

    def cls_loss(weight):
        loss_callbacks._install([model], ClassificationBCE(pos_weight=weight))
        with torch.no_grad():
            return model.loss(batch)[1]["cls_loss"].item()

    one, two, three = map(cls_loss, (1.0, 2.0, 3.0))
    assert two > one
    assert three - one == pytest.approx(2 * (two - one), rel=1e-4)
    model.criterion = None
    with torch.no_grad():
        assert one == pytest.approx(model.loss(batch)[1]["cls_loss"].item(), rel=1e-5)


def test_both_losses_of_an_end_to_end_head(train):
    trainer = train(YOLO26N, cls_pos_weight={"c": 5})
    for model in models(trainer):
        losses = bces(model)
        assert len(losses) == 2
        assert all(bce.pos_weight.tolist() == [1, 1, 5] for bce in losses)
        assert [model.criterion.one2many.bce, model.criterion.one2one.bce] == losses


def test_neutral_options_train_as_stock_bit_for_bit(train):
    stock, neutral = train(), train(cls_smoothing=0.0, cls_focal=0)
    assert not any(isinstance(bce, ClassificationBCE) for model in models(stock) for bce in bces(model))
    assert all(isinstance(bce, ClassificationBCE) for model in models(neutral) for bce in bces(model))
    for a, b in zip(models(stock), models(neutral)):
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    assert rows(stock) == rows(neutral)


def test_without_options_nothing_is_touched(train):
    criteria = []
    callback = ("on_pretrain_routine_end", lambda trainer: criteria.append(getattr(trainer.model, "criterion", None)))
    train(callbacks=[callback])
    assert criteria == [None], "the criterion is as lazy as ever"


def test_with_ultralytics_class_weights_and_autocast(train):
    trainer = train(cls_pw=0.5, cls_focal=1.5, cls_pos_weight=2)
    batch = batch_of(trainer)
    for model in models(trainer):
        (loss,) = loss_callbacks.detection_losses(model.criterion)
        assert isinstance(loss.bce, ClassificationBCE)
        weights = loss.class_weights.flatten().tolist()
        assert weights[0] < weights[1] < weights[2], "stock weights, which multiply ours"
        outputs = []
        handle = loss.bce.register_forward_hook(lambda module, inputs, output, o=outputs: o.append((inputs, output)))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            items = model.eval().loss(batch)[1]
        handle.remove()
        (((logits, _), result),) = outputs
        assert logits.dtype == torch.bfloat16
        assert result.dtype == torch.float32
        assert math.isfinite(items["cls_loss"])


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [{"amp": True}, {"amp": "bf16"}, {"compile": True}], ids=str)
def test_on_a_gpu(train, settings):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    trainer = train(device="0", epochs=2, **settings, **ALL)
    for model in models_of(trainer):
        assert all(isinstance(bce, ClassificationBCE) and bce.pos_weight.is_cuda for bce in bces(model))
    assert all(math.isfinite(float(v)) for row in rows(trainer) for v in row.values())


def test_wrappers_are_taken_off(run):
    from types import SimpleNamespace

    from ultralytics.utils.torch_utils import ModelEMA

    model = copy.deepcopy(run.model)
    model.criterion = None
    wrapped = torch.compile(model, backend="eager")
    trainer = SimpleNamespace(model=wrapped, ema=ModelEMA(wrapped), args=run.args, data=run.data)
    trainer.train_loader = run.train_loader
    loss_callbacks.on_pretrain_routine_end(trainer)
    assert all(isinstance(m.criterion.bce, ClassificationBCE) for m in (model, trainer.ema.ema))


def test_single_class(train):
    trainer = train(single_cls=True, cls_pos_weight="balanced")
    assert bces(trainer.model)[0].pos_weight.tolist() == [1]


def test_set_again_on_a_new_ema_copy(train):
    from ultralytics.utils.torch_utils import ModelEMA

    def lose(trainer):  # like recovery from a NaN, except for the weights
        if trainer.epoch == 0:
            trainer.model.criterion = None
            trainer.ema = ModelEMA(trainer.model)

    trainer = train(epochs=2, callbacks=[("on_fit_epoch_end", lose)], cls_pos_weight=2)
    assert all(bces(model)[0].pos_weight.tolist() == [2, 2, 2] for model in models(trainer))


def test_resume(train, stop_at):
    for file, count in ((YOLO11N, 1), (YOLO26N, 2)):
        stopped = stop_at(train, "on_model_save", file, epochs=2, **ALL)
        seen = []
        again = ("on_pretrain_routine_end", lambda t, seen=seen: seen.extend(bces(m) for m in models(t)))
        resumed = train(str(stopped.last), callbacks=[again], resume=True)
        assert [len(losses) for losses in seen] == [count, count]
        expected = class_weights.balance(COUNTS)
        for bce in [bce for losses in seen for bce in losses]:
            assert bce.pos_weight.tolist() == pytest.approx(expected, rel=1e-6)
            assert (bce.smoothing, bce.gamma, bce.alpha) == (0.02, 1.5, 0.4)
        assert [row["epoch"] for row in rows(resumed)] == ["1", "2"]
    with pytest.raises(TintboxError, match=r"cls_smoothing=0.3: a resumed run goes on with cls_smoothing=0.02"):
        train(str(stopped.last), resume=str(stopped.last), cls_smoothing=0.3)
    whole = train(file, epochs=2, **ALL)
    assert resumed.model.criterion.updates == whole.model.criterion.updates


def test_what_it_tells(train, log):
    train(cls_pos_weight="balanced", cls_smoothing=0.1, classes=[0, 2])
    a, _, c = class_weights.balance([16, 0, 2])
    assert any(line.endswith(f"a {a:.3g}, b 1, c {c:.3g}") for line in log)
    assert "cls_pos_weight=balanced: no training label of b; weight 1 instead" in "".join(log)
    assert any("smoothing 0.1, focal gamma 0" in line for line in log)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cls_pos_weight": {"cc": 2}}, "cls_pos_weight={'cc': 2}: no class 'cc'; did you mean 'c'?"),
        ({"cls_pos_weight": [1, 2]}, "expected nc=3 names: a, b, c"),
    ],
)
def test_options_that_do_not_fit_the_dataset(train, options, words):
    with pytest.raises(TintboxError) as error:
        train(**options)
    assert words in str(error.value)
