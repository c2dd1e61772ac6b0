"""Freeze policies in real training: what stays frozen bit for bit, schedules, BatchNorms, learning-rate factors."""

import math

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.tasks import load_checkpoint

from tintbox.errors import TintboxError
from tintbox.plugins.freeze.plan import FreezePlan

from ...tiny_models import YOLO11N, YOLO26N
from .conftest import WITH_PARAMETERS, prefixes

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class StopEarlyError(Exception):
    """Raised by a callback to end a run early."""


def saved(trainer, which):
    return torch.load(getattr(trainer, which), weights_only=False)["model"].state_dict()


def is_still(norm, frozen):
    return f"{norm}.weight" in frozen and f"{norm}.bias" in frozen


# What stands still ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "freeze", "optimizer", "imgsz"),
    [
        (YOLO11N, ["backbone", "neck", "-9", "23.cv2"], "AdamW", 32),
        # Two scales only: its loss needs more cells.
        pytest.param("yolov3-tiny.yaml", "backbone", "SGD", 64, marks=pytest.mark.smoke),
        (YOLO26N, ["backbone", "model.23.one2one_cv2"], "MuSGD", 32),
        ("yolo11n-seg.yaml", "all[:20]", "SGD", 32),
    ],
)
def test_what_is_frozen_is_bit_identical_in_the_checkpoints(train, model, freeze, optimizer, imgsz):
    trainer, record = train(model, freeze=freeze, optimizer=optimizer, imgsz=imgsz, weight_decay=0.1, epochs=2)
    start, frozen = record.weights[0], record.frozen[0]
    assert len(frozen) > 15
    assert all(f == frozen for f in record.frozen)
    assert all(s == {norm for norm in s if is_still(norm, frozen)} and s for s in record.still)
    for which in ("best", "last"):
        state = saved(trainer, which)
        for name in frozen:
            assert torch.equal(state[name], start[name].half()), name
        for norm in record.still[0]:
            for statistic in STATISTICS:
                key = f"{norm}.{statistic}"
                assert torch.equal(state[key], start[key].to(state[key].dtype)), key
        moved = [n for n in start if n in record.names.values() and not torch.equal(state[n], start[n].half())]
        trainable = set(record.names.values()) - frozen
        assert set(moved) <= trainable
        assert len(moved) > 0.5 * len(trainable)  # some heads have no gradient on images this small
    live = record.weights[-1]
    for norm in (n.removesuffix(".running_mean") for n in start if n.endswith("running_mean")):
        same = all(torch.equal(live[f"{norm}.{s}"], start[f"{norm}.{s}"]) for s in STATISTICS)
        assert same == (norm in record.still[0]), norm


def test_the_moving_average_of_equal_values_is_exact(train):
    averages = []

    def look(trainer):
        averages.append({k: v.clone() for k, v in trainer.ema.ema.state_dict().items()})

    _, record = train(freeze="backbone", epochs=2, callbacks=[("on_train_batch_end", look)])  # before the copy
    for average in averages:
        assert all(torch.equal(average[name], record.weights[0][name]) for name in record.frozen[0])


@pytest.fixture(scope="module")
def stock_ten(train):
    """The weights that stock `freeze=10` produces."""
    trainer, _ = train(freeze=10, epochs=2)
    assert not hasattr(trainer, "tintbox_freeze")
    return saved(trainer, "last")


@pytest.mark.parametrize("freeze", [[f"model.{i}" for i in range(10)], "backbone[:10]", ["0", *range(1, 10)]])
def test_the_first_ten_layers_by_name_train_as_stock_freeze_10_does(train, stock_ten, freeze):
    ours = saved(train(freeze=freeze, epochs=2)[0], "last")
    assert all(torch.equal(ours[name], value) for name, value in stock_ten.items())


@pytest.mark.parametrize(("freeze_bn", "freeze"), [(True, None), (True, "backbone"), (False, 10), (False, "backbone")])
def test_freeze_bn_holds_in_every_epoch(train, freeze_bn, freeze):
    _, record = train(freeze=freeze, freeze_bn=freeze_bn, epochs=2)
    norms = [n.removesuffix(".running_mean") for n in record.weights[0] if n.endswith("running_mean")]
    assert all(still == (set(norms) if freeze_bn else set()) for still in record.still)
    for norm in norms:
        key = f"{norm}.num_batches_tracked"
        assert record.weights[-1][key] == (0 if freeze_bn else 4), "2 epochs of 2 batches"
    if freeze:
        assert "model.0.conv.weight" in record.frozen[-1]
        assert torch.equal(record.weights[-1]["model.0.conv.weight"], record.weights[0]["model.0.conv.weight"])


# The schedule ---------------------------------------------------------------------------------------------------------

STAGED = {
    "freeze": ["backbone", "neck"],
    "unfreeze": {1: "neck", 0.5: ["backbone", "-backbone[:5]"]},
    "epochs": 4,
    "warmup_epochs": 1.0,
    "lr_scale": {"backbone": 0.1},
}


@pytest.fixture(scope="module")
def staged(train):
    """An uninterrupted run of 4 epochs of 2 batches; the neck is unfrozen after one, part of the backbone after two."""
    return train(**STAGED)


def test_a_schedule_wakes_what_it_says(staged):
    _, record = staged
    frozen = [prefixes(f) for f in record.frozen[::2]]
    assert frozen == [WITH_PARAMETERS - {23}, set(range(11)), set(range(5)), set(range(5))]
    assert all(".dfl.conv.weight" in " ".join(f) for f in record.frozen), "a constant, frozen upstream as well"
    for epoch in range(4):
        before, after = record.weights[epoch], record.weights[epoch + 1]
        moved = prefixes(n for n in record.names.values() if not torch.equal(before[n], after[n]))
        assert moved == WITH_PARAMETERS - frozen[epoch]
        assert {int(n.split(".")[1]) for n in record.still[2 * epoch]} == frozen[epoch]


def test_what_woke_warms_up_and_keeps_its_factor(staged):
    _, record = staged
    assert record.rate_factors("model.13.cv1.conv.weight")[2:] == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 1], rel=1e-12)
    assert record.rate_factors("model.6.cv1.conv.weight")[4:] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1, 0.1], rel=1e-12)
    assert set(record.rate_factors("model.23.cv2.0.0.conv.weight")) <= {None, 1.0}


def test_a_resumed_run_is_where_an_uninterrupted_one_would_be(train, staged):
    halfway = []

    def stop(trainer):
        halfway[:] = [trainer]
        if trainer.epoch == 1:
            raise StopEarlyError

    with pytest.raises(StopEarlyError):
        train(**STAGED, callbacks=[("on_fit_epoch_end", stop)])
    resumed, record = train(str(halfway[0].last), resume=True)
    assert resumed.start_epoch == 2
    full = staged[1]
    assert record.frozen == full.frozen[4:]
    assert record.still == full.still[4:]
    assert record.steps == full.steps[4:]
    assert load_checkpoint(resumed.last)[0].args["unfreeze"] == STAGED["unfreeze"]


def test_a_longer_run_does_not_put_to_sleep_again(train):
    """`time=` estimates the number of epochs again after each one; here a callback does."""
    seen = []

    def longer(trainer):
        seen.append(len(trainer.tintbox_freeze.frozen))
        trainer.epochs = 20
        trainer.stop = len(seen) == 3

    train(freeze="backbone", unfreeze={0.4: "all"}, epochs=3, callbacks=[("on_train_epoch_end", longer)])
    assert seen[0] > 40
    assert seen[1:] == [seen[0], seen[0]], "a share of a longer run is later"
    seen.clear()

    def shorter_then_longer(trainer):
        seen.append(len(trainer.tintbox_freeze.frozen))
        trainer.epochs = 2 if len(seen) == 1 else 20
        trainer.stop = len(seen) == 3

    train(freeze="backbone", unfreeze={0.5: "all"}, epochs=8, callbacks=[("on_fit_epoch_end", shorter_then_longer)])
    assert seen[1:3] == [1, 1], "what is awake stays awake; one is the constant of the head"


def test_recovery_from_nan_and_from_a_full_memory(train, staged):
    """Out of memory halves the batch and restarts the first epoch; a NaN repeats an epoch from last.pt."""
    done = set()

    def full_memory(trainer):
        def fail(*_):
            handle.remove()
            done.add("memory")
            raise RuntimeError("out of memory")

        handle = trainer.model.register_forward_pre_hook(fail)

    def poison(trainer):
        if trainer.epoch == 2 and "nan" not in done:
            done.add("nan")
            trainer.loss = torch.tensor(math.nan)

    callbacks = [("on_train_start", full_memory), ("on_train_epoch_end", poison)]
    trainer, record = train(**STAGED, callbacks=callbacks)
    assert done == {"memory", "nan"}
    assert trainer.batch_size == 2
    frozen = [prefixes(f) for f in record.frozen]
    full = [prefixes(f) for f in staged[1].frozen[::2]]
    assert frozen == [full[e] for e in (0, 1, 2, 2, 3) for _ in range(4)]  # epoch 2 twice, 4 batches of 2
    assert record.still[-1] == staged[1].still[-1]
    for name in record.frozen[-1]:
        assert torch.equal(saved(trainer, "last")[name], record.weights[0][name].half())


# What a run leaves behind ---------------------------------------------------------------------------------------------


def test_checkpoints_work_without_the_plugin(train, stop_at, boxes, forked):
    halfway = stop_at(train, "on_fit_epoch_end", **STAGED)
    code = (
        "import sys; from ultralytics import YOLO; from ultralytics.utils import DEFAULT_CFG_DICT;"
        "last, data = sys.argv[1:]; assert 'unfreeze' not in DEFAULT_CFG_DICT;"
        "yolo = YOLO(last); yolo.val(data=data, imgsz=32, plots=False);"
        "yolo.predict(data.replace('rectangles.yaml', 'images/val'), imgsz=32);"
        "print('usable')"
    )
    done = forked("-c", code, halfway.last, boxes, env={"TINTBOX_DISABLE": "1"})
    assert "usable" in done.stdout, done.stdout + done.stderr


# Mistakes -------------------------------------------------------------------------------------------------------------

NORMS = [f"-{n}" for n, m in YOLO(YOLO11N).model.named_modules() if isinstance(m, nn.BatchNorm2d)]
EVERYTHING_BUT_NORMS = ["all", *NORMS]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"freeze": "bakbone"}, "freeze='bakbone': no such group in yolo11n .*did you mean 'backbone'"),
        ({"freeze": "all"}, "freeze=all: nothing is left to train"),
        ({"freeze": "all", "unfreeze": {1: "head"}}, "freeze=all: nothing is left to train at first"),
        ({"freeze": EVERYTHING_BUT_NORMS}, "only BatchNorms are left to train"),
        ({"freeze": 10, "unfreeze": {1: "hed"}}, r"unfreeze=\{1: hed\}: no such group in yolo11n"),
        ({"freeze": 10, "unfreeze": {2: "all"}, "epochs": 2}, r"unfreeze=\{2: all\}: the run has 2 epochs"),
        ({"unfreeze": {1: "all"}, "epochs": 2}, r"unfreeze=\{1: all\}: nothing is frozen"),
        ({"lr_scale": {"nek": 0.1}}, r"lr_scale=\{nek: 0.1\}: no such group in yolo11n"),
    ],
)
def test_mistakes_are_one_line(train, arguments, message):
    with pytest.raises(TintboxError, match=message) as error:
        FreezePlan.of(YOLO(YOLO11N).model, arguments)
    assert "\n" not in str(error.value)
    with pytest.raises(TintboxError, match=message):
        train(**{"epochs": 2, **arguments})


def test_norms_alone_may_train_until_more_wakes():
    FreezePlan.of(YOLO(YOLO11N).model, {"freeze": EVERYTHING_BUT_NORMS, "unfreeze": {1: "head"}, "epochs": 2})
