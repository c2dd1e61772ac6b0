"""Selectors: what they name in real models, and checks of the arguments that contain them."""

import pytest
import yaml
from ultralytics import YOLO
from ultralytics.utils import DEFAULT_CFG_DICT

from tintbox.plugins.freeze import selectors
from tintbox.plugins.freeze.selection import select


@pytest.fixture(scope="module")
def yolo11n():
    return YOLO("yolo11n.yaml").model


GOOD_SELECTORS = ["backbone", "7", "23.cv2", "backbone[:5]", "neck[-1]", "model.23.cv3.*.2.*", ["all", -9], ["7", 8]]
BAD_SELECTORS = [
    "", " ", "-9", ["-9"], [-9, "all"], "a b", "a,b", "model..1", "backbone[", "backbone[]", "backbone[-]", "spine[:5]",
    "backbone[0-5]", "backbone[3-]", "backbone[-:]", "backbone[:-]", "backbone[1:2:3]",
    "[backbone, -9", "['backbone[:5]'", ["backbone", 1.5], ["backbone", None], ["backbone", True],
]  # fmt: skip


def test_freeze():
    for value in (0, 10, [], [1, 2], *GOOD_SELECTORS):
        assert selectors.check_freeze(value) is None, value
    for value in ({"a": 1}, 1.5, *BAD_SELECTORS):
        assert selectors.check_freeze(value), value
    assert [v for v in (10, [1, 2], [], None, "7", ["7"], ["all", -9]) if selectors.is_policy(v)] == [
        "7",
        ["7"],
        ["all", -9],
    ]


def test_unfreeze():
    for value in ({5: "neck", 10: "all"}, {0.5: ["backbone", -9]}, {0: 7}):
        assert selectors.check_unfreeze(value) is None, value
    for value in ("neck", 5, {}, ["neck"], {-1: "all"}, {1.5: "all"}, {True: "all"}, {"5": "all"}, {1.0: "all"}):
        assert selectors.check_unfreeze(value), value
    for selector in (*BAD_SELECTORS, []):
        assert selectors.check_unfreeze({1: selector}), selector
    assert selectors.check_unfreeze({"0.1": "all"}) == "epoch '0.1' is text, as all keys of JSON are; give a number"
    missing = yaml.safe_load("{0.5:backbone}")
    assert selectors.check_unfreeze(missing) == "'0.5:backbone' needs a space after the colon, e.g. {5: neck, 10: all}"


def test_freeze_bn_and_lr_scale():
    assert [v for v in ("auto", True, False, 1, 0, "true", None) if selectors.check_freeze_bn(v) is None] == [
        "auto", True, False,
    ]  # fmt: skip
    for value in (1, 1.0, 0.9, {"backbone": 0.1, 9: 2}, {"backbone[:5]": 1}, {"neck": 1e-6, "head": 1e6}, 0.1):
        assert selectors.check_lr_scale(value) is None, value
    nan, inf = float("nan"), float("inf")
    for value in (0, 1e-30, 0.09, -0.1, 1.1, nan, True, "backbone", {}, {"backbone": 0}, {"backbone": -1},
                  {"backbone": nan}, {"backbone": inf}, {"backbone": "0.1"}, {"-9": 0.1}, {"a b": 0.1},
                  {"backbone": 1e308}, {"backbone": 1e-50}):  # fmt: skip
        assert selectors.check_lr_scale(value), value
    assert "use freeze" in selectors.check_lr_scale({"backbone": 0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"freeze": "all", "unfreeze": {50: "all"}, "epochs": 20}, "unfreeze={50: all}: the run has 20 epochs"),
        ({"freeze": "all", "unfreeze": {1: "all"}, "epochs": 1}, "unfreeze={1: all}: the run has 1 epoch"),
        ({"freeze": "all", "unfreeze": {20: "all"}, "epochs": 20}, "unfreeze={20: all}: the run has 20 epochs"),
        ({"freeze": "all", "unfreeze": {50: "all"}, "epochs": 20, "time": 1}, None),
        ({"freeze": 10, "unfreeze": {0.5: ["all", -9]}, "epochs": 20}, None),
        (
            {"unfreeze": {5: "all"}, "epochs": 20},
            "unfreeze={5: all}: nothing is frozen; say what, e.g. freeze=backbone",
        ),
        ({"freeze": 0, "unfreeze": {5: "all"}}, "unfreeze={5: all}: nothing is frozen; say what, e.g. freeze=backbone"),
        (dict(DEFAULT_CFG_DICT), None),
    ],
)
def test_arguments_together(arguments, message):
    assert selectors.check_together(arguments) == message


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("backbone,neck", "several of them are a list: [backbone, neck]"),
        ("backbone, -9", "several of them are a list: [backbone, -9]"),
        (-1, "no layer has the number -1; the last ones are all[-1:]"),
        ([1, -2], "no layer has the number -2"),
    ],
)
def test_what_a_newcomer_writes(value, told):
    assert told in selectors.check_freeze(value)


@pytest.mark.attack("newcomer")
def test_a_share_of_a_short_run_is_an_epoch_at_least(yolo11n):
    from tintbox.plugins.freeze.plan import FreezePlan

    plan = FreezePlan.of(yolo11n, {"freeze": "backbone", "unfreeze": {0.1: "backbone"}})
    for epochs, first in ((2, 1), (3, 1), (4, 1), (5, 1), (10, 1), (19, 1), (20, 2), (50, 5), (100, 10)):
        assert [epoch for epoch, _ in plan.schedule(epochs)] == [first]
        assert plan.frozen(0, epochs) and not plan.frozen(first, epochs) & set(select(yolo11n, "backbone"))
    assert plan.schedule(1) == [], "nothing wakes in a run of one epoch"
