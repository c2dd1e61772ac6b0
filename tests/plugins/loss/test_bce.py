"""The classification loss against closed formulas, torch and torchvision; the weights against their definition."""

import math
import shutil
import subprocess
import sys

import pytest
import torch

from tintbox.plugins.loss import weights as class_weights
from tintbox.plugins.loss.bce import ClassificationBCE

SETTINGS = [
    {},
    {"pos_weight": 3.0},
    {"pos_weight": [0.1, 1.0, 2.5, 10.0]},
    {"smoothing": 0.1},
    {"smoothing": 1.0},
    {"gamma": 2.0},
    {"gamma": 0.5},
    {"gamma": 1.5, "alpha": 0.25},
    {"alpha": 0.75},
    {"pos_weight": [0.1, 1.0, 2.5, 10.0], "smoothing": 0.05, "gamma": 1.5, "alpha": 0.25},
]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def formula(x, t, pos_weight=1.0, smoothing=0.0, gamma=0.0, alpha=None):
    """The loss of one element, by the definition, in Python's own double precision."""
    p, q = 1 / (1 + math.exp(-x)), 1 / (1 + math.exp(x))
    s = t * (1 - smoothing) + smoothing / 2
    loss = -(pos_weight * s * math.log(p) + (1 - s) * math.log(q))
    loss *= abs(s - p) ** gamma
    return loss if alpha is None else loss * (alpha * s + (1 - alpha) * (1 - s))


def inputs(dtype=torch.float64, shape=(2, 5, 4)):
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = torch.rand(shape, generator=generator, dtype=torch.float64)
    targets[..., :2, :] = targets[..., :2, :].round()  # hard ones among the soft ones
    return logits.to(dtype), targets.to(dtype)


def build(settings):
    weight = settings.get("pos_weight")
    return ClassificationBCE(**{**settings, **({"pos_weight": torch.tensor(weight)} if weight else {})})


@every_setting
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_formula(settings, dtype):
    logits, targets = inputs(dtype)
    result = build(settings)(logits, targets)
    weight = settings.get("pos_weight", 1.0)
    weights = weight if isinstance(weight, list) else [weight] * 4
    # The loss holds its weights in single precision.
    weights = torch.tensor(weights, dtype=torch.float32).tolist()
    expected = [
        formula(x, t, **{**settings, "pos_weight": weights[i % 4]})
        for i, (x, t) in enumerate(zip(logits.double().flatten().tolist(), targets.double().flatten().tolist()))
    ]
    assert result.shape == logits.shape
    assert result.dtype == dtype
    tolerance = {"rtol": 1e-12, "atol": 1e-14} if dtype == torch.float64 else {"rtol": 3e-5, "atol": 1e-6}
    torch.testing.assert_close(result.flatten().double(), torch.tensor(expected, dtype=torch.float64), **tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_default_is_the_stock_loss_bit_for_bit(dtype):
    logits, targets = inputs(dtype)
    stock = torch.nn.BCEWithLogitsLoss(reduction="none")(logits, targets)
    ours = ClassificationBCE()(logits, targets)
    assert ours.dtype == stock.dtype
    assert torch.equal(ours, stock)
    assert ClassificationBCE().state_dict() == {}


@every_setting
def test_gradient(settings):
    logits, targets = inputs()
    assert torch.autograd.gradcheck(build(settings), (logits.requires_grad_(), targets))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25, 0.9])
def test_classic_focal_loss_for_hard_targets(gamma, alpha):
    from torchvision.ops import sigmoid_focal_loss

    logits, targets = inputs()
    targets = targets.round()
    expected = sigmoid_focal_loss(logits, targets, alpha=-1 if alpha is None else alpha, gamma=gamma)
    torch.testing.assert_close(ClassificationBCE(gamma=gamma, alpha=alpha)(logits, targets), expected)


@every_setting
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits(settings, dtype):
    logits = torch.tensor([-100.0, -30.0, 0.0, 30.0, 100.0], dtype=dtype).repeat_interleave(4).reshape(5, 4)
    for target in (0.0, 0.3, 0.5, 1.0):
        x = logits.clone().requires_grad_()
        loss = build(settings)(x, torch.full_like(x, target))
        loss.sum().backward()
        assert loss.isfinite().all()
        assert (loss >= 0).all()
        assert x.grad.dtype == dtype
        assert x.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("settings", SETTINGS[1:], ids=str)
def test_half_precision_is_computed_in_single(settings, dtype):
    logits, targets = inputs(dtype)
    result = build(settings)(logits, targets)
    assert result.dtype == torch.float32
    assert torch.equal(result, build(settings)(logits.float(), targets.float()))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(build(settings)(logits, targets), result)


@every_setting
def test_result_may_be_changed_in_place(settings):
    # Ultralytics does so for its own class weights.
    logits, targets = inputs()
    scale = torch.tensor([1.0, 2.0, 3.0, 4.0])
    x, y = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    changed = build(settings)(x, targets)
    changed *= scale
    changed.sum().backward()
    (build(settings)(y, targets) * scale).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)


def test_focal_minimum_is_the_smoothed_target():
    loss = ClassificationBCE(smoothing=0.2, gamma=2.0)
    logits = torch.linspace(-6, 6, 2401, dtype=torch.float64)
    best = logits[loss(logits, torch.ones_like(logits)).argmin()].sigmoid()
    assert best.item() == pytest.approx(0.9, abs=1e-3)


@pytest.mark.slow
def test_compiles():
    if not (shutil.which("c++") or shutil.which("g++")):
        pytest.skip("torch.compile needs a C++ compiler")
    code = (
        "import torch; from tintbox.plugins.loss.bce import ClassificationBCE as L\n"
        "loss = L(torch.tensor([1., 2.]), 0.1, 1.5, 0.25); x, t = torch.randn(3, 2), torch.rand(3, 2)\n"
        "torch._dynamo.explain(loss)(x, t).graph_break_count and exit(3)\n"
        "torch.testing.assert_close(torch.compile(loss, fullgraph=True)(x, t), loss(x, t))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    if "Python.h" in run.stderr or "InductorError" in run.stderr:
        pytest.skip(f"the compiler does not work here: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr


# The weights ----------------------------------------------------------------------------------------------------------


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
            [None, 2, 0.5, "balanced", [1, 2.5], {"a": 3}],
            {
                0: "above 0", -1: "above 0", NAN: "finite", INF: "finite", True: "weight", "balansed": "'balanced'",
                "a:5": "mapping", "a": "mapping", (): "empty", (1, -2): "weight 1 is -2", (1, NAN): "weight 1 is nan",
                (1, "2"): "weight 1 is '2'",
            },
        ),
        (
            class_weights.check_smoothing,
            [None, 0, 0.1, 1],
            {-0.1: "0 to 1", 1.5: "0 to 1", NAN: "0 to 1", "a": "0 to 1", True: "0 to 1"},
        ),
        (
            class_weights.check_focal,
            [None, 0, 1.5, {"gamma": 2}, {"gamma": 1.5, "alpha": 0.25}, {"gamma": 0, "alpha": None}],
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
    assert "between 0 and 1" in class_weights.check_focal({"gamma": 1, "alpha": 1.5})
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
    arguments = {"task": "classify", "cls_pos_weight": None, "cls_focal": 2}
    assert class_weights.check_task(arguments).startswith("cls_focal=2: task classify has no classification BCE")
    assert class_weights.check_task({**arguments, "task": "pose"}) is None
    assert class_weights.check_task({"task": "classify", "cls_focal": None}) is None
    assert class_weights.check_task({}) is None


def test_no_heavy_import(python):
    code = "import sys, tintbox.plugins.loss.weights; exit(any(m in sys.modules for m in ('torch', 'ultralytics')))"
    assert python("-c", code).returncode == 0
