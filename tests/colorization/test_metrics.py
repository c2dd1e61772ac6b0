"""Loss and metrics against closed formulas and torch."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tintbox.colorization.lab import rgb_to_ab
from tintbox.colorization.loss import cross_entropy
from tintbox.colorization.metrics import NAMES, ColorizeMetrics, closeness, colourfulness, psnr

color = pytest.importorskip("skimage.color")


def test_psnr_closed_form():
    a = torch.zeros(3, 2, 2, 3, dtype=torch.uint8)
    b = torch.stack([a[0], a[0] + 1, a[0] + 255])
    expected = [100.0, 10 * math.log10(255**2), 0.0]
    assert psnr(a, b).tolist() == pytest.approx(expected, abs=1e-4)


def picture_batch(n=10, side=6):
    return torch.randint(0, 256, (n, side, side, 3), dtype=torch.uint8)


def test_metrics_do_not_depend_on_the_batches():
    torch.manual_seed(0)
    logits, labels = torch.randn(10, 6, 3, 3), torch.randint(0, 6, (10, 3, 3))
    painted, truth = picture_batch(), picture_batch()
    whole, parts = ColorizeMetrics(6), ColorizeMetrics(6)
    whole.update(logits.argmax(1), labels, float(cross_entropy(logits, {"label": labels})), painted, truth)
    for i in (slice(0, 7), slice(7, 10)):
        loss = float(cross_entropy(logits[i], {"label": labels[i]}))
        parts.update(logits[i].argmax(1), labels[i], loss, painted[i], truth[i])
    close = F.avg_pool2d(closeness(painted, truth)[:, None], 2)[:, 0].double()
    for m in (whole, parts):
        assert m.accuracy == pytest.approx((logits.argmax(1) == labels).double().mean().item(), abs=1e-12)
        assert m.loss == pytest.approx(F.cross_entropy(logits.double(), labels).item(), abs=1e-6)
        assert m.psnr == pytest.approx(psnr(painted, truth).double().mean().item(), abs=1e-5)
        assert m.auc == pytest.approx(close.mean().item(), abs=1e-6)
        by_class = [close[labels == k].mean().item() for k in range(6)]
        assert m.auc_rebalanced == pytest.approx(sum(by_class) / 6, abs=1e-6)
    assert whole.fitness == whole.accuracy == whole.results_dict["fitness"]
    assert set(whole.keys) <= set(whole.results_dict)


def test_metrics_are_exported_like_those_of_ultralytics():
    metrics = ColorizeMetrics(6)
    labels, pictures = torch.arange(6).reshape(1, 2, 3), picture_batch(1, 6)[:, :2, :3]
    metrics.update(labels, labels, 0.1234567, pictures, pictures)
    (row,) = json.loads(metrics.to_json())
    assert metrics.summary() == [row] and metrics.to_df().columns == [*row] == [*NAMES, "loss"]
    assert row["accuracy"] == 1 and row["loss"] == 0.12346


def test_colours_of_a_palette_are_as_close_as_their_pixels():
    torch.manual_seed(0)
    colours, truth = picture_batch(1, 5)[0].reshape(-1, 3), picture_batch(3, 200)
    guess, labels = torch.randint(0, len(colours), (2, *truth.shape[:3]))
    assert torch.equal(closeness(guess, truth, colours), closeness(colours[guess], truth))
    metrics = [ColorizeMetrics(len(colours)) for _ in range(3)]
    metrics[0].update(guess, labels, 0.0, colours[guess], truth)
    metrics[1].update(guess, labels, 0.0, colours[guess], truth, colours)
    metrics[2].update(guess, labels, 0.0, colours[guess], truth, colours, rgb_to_ab(truth))
    assert metrics[0].results_dict == metrics[1].results_dict
    assert metrics[2].auc == pytest.approx(metrics[1].auc, abs=1e-6)  # CIELAB in other blocks is rounded otherwise


def test_closeness_is_the_area_under_the_share_of_pixels_within_a_distance():
    torch.manual_seed(0)
    a, b = picture_batch(1, 32).numpy(), picture_batch(1, 32).numpy()
    distance = np.linalg.norm((color.rgb2lab(a) - color.rgb2lab(b))[..., 1:], axis=-1)
    thresholds = np.linspace(0, 150, 30001)
    shares = (distance.reshape(-1, 1)[:, 0][None] <= thresholds[:, None]).mean(1)
    area = np.trapezoid(shares, thresholds) / 150
    assert closeness(torch.tensor(a), torch.tensor(b)).mean().item() == pytest.approx(area, abs=1e-4)


def test_grey_prediction_of_a_known_colour():
    red = torch.zeros(1, 4, 4, 3, dtype=torch.uint8)
    red[..., 0] = 255
    grey = torch.full_like(red, 127)
    # Chroma of sRGB red: a 80.09, b 67.20 (published CIELAB values), distance 104.55.
    assert closeness(grey, red).mean().item() == pytest.approx(1 - 104.55 / 150, abs=1e-3)


def test_colourfulness_closed_form():
    grey = picture_batch(1, 8)[..., :1].repeat(1, 1, 1, 3)
    half = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    half[0, 0, :, 0] = 200  # red above, black below: rg is 200 or 0, yb 100 or 0
    expected = math.hypot(100, 50) + 0.3 * math.hypot(100, 50)
    assert colourfulness(torch.cat((half, half)))[1].item() == pytest.approx(expected, abs=1e-3)
    assert colourfulness(grey).item() == pytest.approx(0, abs=1e-5)
