"""The classification loss compared with closed formulas, torch and torchvision; the weights with their definition."""

import math
import shutil
import subprocess
import sys

import pytest
import torch

from tintbox.errors import TintboxError
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
    """The loss of one element by definition, in Python's double precision."""
    p, q = 1 / (1 + math.exp(-x)), 1 / (1 + math.exp(x))
    s = t * (1 - smoothing) + smoothing / 2
    loss = -(pos_weight * s * math.log(p) + (1 - s) * math.log(q))
    loss *= abs(s - p) ** gamma
    return loss if alpha is None else loss * (alpha * s + (1 - alpha) * (1 - s))


def inputs(dtype=torch.float64, shape=(2, 5, 4)):
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = torch.rand(shape, generator=generator, dtype=torch.float64)
    targets[..., :2, :] = targets[..., :2, :].round()  # mix hard targets with soft ones
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
    # The loss stores its weights in single precision.
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
    # Like Ultralytics does for its own class weights.
    logits, targets = inputs()
    scale = torch.tensor([1.0, 2.0, 3.0, 4.0])
    x, y = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    changed = build(settings)(x, targets)
    changed *= scale
    changed.sum().backward()
    (build(settings)(y, targets) * scale).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)


def test_weights_have_the_range_of_the_option():
    for weight in (1e-6, 1e6):
        assert ClassificationBCE(pos_weight=weight).pos_weight.item() == pytest.approx(weight)


def test_focal_minimum_is_the_smoothed_target():
    loss = ClassificationBCE(smoothing=0.2, gamma=2.0)
    logits = torch.linspace(-6, 6, 2401, dtype=torch.float64)
    best = logits[loss(logits, torch.ones_like(logits)).argmin()].sigmoid()
    assert best.item() == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"pos_weight": -1.0},
        {"pos_weight": torch.tensor([1.0, 0.0])},
        {"pos_weight": float("inf")},
        {"pos_weight": 1e-50},
        {"pos_weight": 1e7},
        {"smoothing": 2},
        {"smoothing": float("nan")},
        {"gamma": -1},
        {"alpha": 1.5},
        {"alpha": 0},
        {"alpha": 1},
        {"pos_weight": "balanced"},  # an option of `yolo train`, which knows the labels
        {"pos_weight": [1.0, "a"]},
        {"smoothing": "x"},
        {"smoothing": None},
        {"gamma": [1.5]},
        {"alpha": "x"},
    ],
    ids=str,
)
def test_a_value_outside_its_range_is_refused(settings):
    with pytest.raises(TintboxError, match=f"^{next(iter(settings))}=.*: (give )?a "):
        ClassificationBCE(**settings)


def test_the_weights_are_copied():
    given = torch.tensor([1.0, 5.0], requires_grad=True)
    loss = ClassificationBCE(given)
    with torch.no_grad():
        given *= -1
    assert loss.pos_weight.tolist() == [1, 5] and not loss.pos_weight.requires_grad
    with torch.device("meta"):
        assert ClassificationBCE([1.0, 5.0]).pos_weight.is_meta


def test_weights_fit_the_classes():
    logits, targets = inputs()
    for weight in (2.0, torch.tensor([2.0]), [1.0, 2.0, 3.0, 4.0]):
        assert ClassificationBCE(weight)(logits, targets).shape == logits.shape
    for weight in (torch.ones(3), torch.ones(0)):
        with pytest.raises(TintboxError, match=r"^pos_weight has \d weights for 4 classes; give one each$"):
            ClassificationBCE(weight)(logits, targets)
    with pytest.raises(TintboxError, match=r"^pos_weight of shape \(2, 4\): give one number, or one per class$"):
        ClassificationBCE(torch.ones(2, 4))


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
