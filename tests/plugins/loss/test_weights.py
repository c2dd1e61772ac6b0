"""Weights, smoothing and focal modulation as arguments: their checks, and the resulting values."""

import pytest

from tintbox.plugins.loss import weights as class_weights


def test_balanced_by_its_definition():
    counts = [643, 425, 267, 168, 124, 87, 53, 33]  # fruitbowl
    total = sum(counts)
    ratios = [(total - n) / n for n in counts]
    mean = sum(n * r for n, r in zip(counts, ratios)) / total
    weights = class_weights.balance(counts)
    assert weights == pytest.approx([r / mean for r in ratios], rel=1e-12)
    assert sum(n * w for n, w in zip(counts, weights)) / total == pytest.approx(1, rel=1e-12)


def test_balanced_is_clipped_and_leaves_absent_classes_alone():
    weights = class_weights.balance([100000, 10, 0])
    assert weights == [0.1, 10.0, 1.0]
    assert class_weights.balance([5, 5]) == [1.0, 1.0]
    assert class_weights.balance([5]) == [1.0], "one class has nothing to balance"
    assert class_weights.balance([0, 7]) == [1.0, 1.0]
    assert class_weights.balance([0, 0]) == [1.0, 1.0]


def test_resolve():
    names = {0: "a", 1: "b", 2: 3}
    assert class_weights.resolve(None, names, []) is None
    assert class_weights.resolve(2, names, []) == [2, 2, 2]
    assert class_weights.resolve([1, 2, 3], names, []) == [1, 2, 3]
    assert class_weights.resolve({"b": 5, 3: 7}, names, []) == [1, 5, 7]
    assert class_weights.resolve("balanced", names, [1, 1, 2]) == class_weights.balance([1, 1, 2])
    assert class_weights.focal(None) == (0.0, None)
    assert class_weights.focal(2) == (2, None)
    assert class_weights.focal({"gamma": 1.5, "alpha": 0.25}) == (1.5, 0.25)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            class_weights.check_pos_weight,
            [2, 0.5, "balanced", [1, 2.5], {"a": 3}, 1e-6, [1e6]],
            {
                0: "1e-6", -1: "1e-6", NAN: "1e-6", INF: "1e-6", True: "weight", "balansed": "'balanced'",
                "a:5": "mapping", "a": "mapping", (): "empty", (1, -2): "weight 1 is -2", (1, NAN): "weight 1 is nan",
                (1, "2"): "weight 1 is '2'", 1e39: "1e-6 to 1e6", 1e-50: "1e-6 to 1e6", (1, 1e7): "weight 1 is 1",
            },
        ),
        (
            class_weights.check_smoothing,
            [0, 0.1, 1],
            {-0.1: "0 to 1", 1.5: "0 to 1", NAN: "0 to 1", "a": "0 to 1", True: "0 to 1"},
        ),
        (
            class_weights.check_focal,
            [0, 1.5, {"gamma": 2}, {"gamma": 1.5, "alpha": 0.25}, {"gamma": 0, "alpha": None}],
            {-1: "0 or more", NAN: "mapping", "gamma": "mapping", True: "mapping"},
        ),
    ],
    ids=["cls_pos_weight", "cls_smoothing", "cls_focal"],
)  # fmt: skip
def test_checks(check, good, bad):
    for value in good:
        assert check(value) is None
    for value, words in bad.items():
        wrong = check(value)
        assert words in wrong
        assert "\n" not in wrong


def test_checks_of_mappings():
    assert "'a' is -1" in class_weights.check_pos_weight({"a": -1})
    assert "empty" in class_weights.check_pos_weight({})
    assert "did you mean 'gamma'" in class_weights.check_focal({"gama": 1})
    assert "gamma is missing" in class_weights.check_focal({"alpha": 0.25})
    for alpha in (0, 1, 1.5):
        assert "between 0 and 1" in class_weights.check_focal({"gamma": 1, "alpha": alpha})
    assert "gamma is nan" in class_weights.check_focal({"gamma": NAN})


def test_checks_against_names():
    names = {0: "apple", 1: "pear", 2: "melon"}
    assert class_weights.check_names([1, 2], names) == "2 weights, expected nc=3 names: apple, pear, melon"
    assert class_weights.check_names({"melom": 2}, names) == "no class 'melom'; did you mean 'melon'?"
    assert class_weights.check_names({"xyz": 2}, names) == "no class 'xyz'; there are: apple, pear, melon"
    for value in (None, 2, "balanced", [1, 2, 3], {"pear": 2}):
        assert class_weights.check_names(value, names) is None
        assert class_weights.check_names(value, list(names.values())) is None


def test_check_of_the_task():
    wrong = class_weights.check_task("classify", {"cls_focal": 2})
    assert wrong.startswith("cls_focal=2: task classify has no classification BCE")
    assert class_weights.check_task("pose", {"cls_focal": 2}) is None
    assert class_weights.check_task("classify", {}) is None


def test_no_heavy_import(python):
    code = "import sys, tintbox.plugins.loss.weights; exit(any(m in sys.modules for m in ('torch', 'ultralytics')))"
    assert python("-c", code).returncode == 0
