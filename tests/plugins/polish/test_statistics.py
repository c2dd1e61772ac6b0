"""BatchNorm statistics estimated anew."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from ultralytics import YOLO

from tintbox.datasets.reading.description import describe
from tintbox.plugins.polish import statistics

from ...tiny_models import YOLO11N


@pytest.fixture(autouse=True, scope="module")
def few_images_make_the_statistics():
    """Here, as many as there are for users."""


def test_the_estimate_is_the_mean_over_kinds_of_the_mean_over_batches():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, momentum=0.03))
    kinds = [[torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8) for _ in range(n)] for n in (3, 1)]
    weight = network[0].weight[:, :, 0, 0].detach().double().numpy()
    bias = network[0].bias.detach().double().numpy()
    expected = []
    for images in kinds:
        found = []
        for batch in images:
            pixels = batch.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy() / 255 @ weight.T + bias
            found.append([pixels.mean(0), pixels.var(0, ddof=1)])
        expected.append(np.mean(found, axis=0))
    statistics.estimate(network, kinds)
    norm = network[1]
    found = np.stack([norm.running_mean.numpy(), norm.running_var.numpy()])
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-5)
    assert norm.momentum == 0.03 and not norm.training


def test_of_an_extended_model_only_the_newest_branch_changes():
    from tintbox.plugins.extend import network

    model = network.extend(YOLO(YOLO11N).model, 11, ["new"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    statistics.estimate(model, [[torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)]])
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    statistic = {name for name in before if "running" in name or "num_batches" in name}
    assert changed == statistic - model.held(statistic)


def test_frozen_statistics_stay():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3))
    statistics.estimate(network, [[torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)]], ["0"])
    assert network[0].running_mean.tolist() == [0, 0, 0] and network[0].num_batches_tracked == 0
    assert network[1].running_mean.all()


def test_images_are_augmented_and_as_a_validation_sees_them_and_equal_in_every_call(fruit):
    described = describe(fruit)
    arguments = {"batch": 4, "mosaic": 1.0, "scale": 0.5, "fraction": 1.0}
    augmented, plain = statistics.training_images("detect", described, arguments, 64)
    assert sum(map(len, augmented)) == statistics.MOST and {x.shape[1:] for x in augmented} == {(3, 64, 64)}
    assert [len(x) for x in plain] == [4, 4], "batches of the training"
    assert all(x.dtype is torch.uint8 for x in [*augmented, *plain])
    random.seed(99), np.random.seed(99), torch.manual_seed(99)
    drawn = draw()
    random.seed(99), np.random.seed(99), torch.manual_seed(99)
    for one, other in zip((augmented, plain), statistics.training_images("detect", described, arguments, 64)):
        assert all(map(torch.equal, one, other))
    assert draw() == drawn, "the generators go on where they were"


def draw():
    """Draw a number from each generator."""
    return random.random(), float(np.random.random()), float(torch.rand(()))


def test_plain_images_are_those_of_a_validation(fruit, tmp_path):
    seen = []
    yolo = YOLO(YOLO11N)
    yolo.add_callback("on_val_start", lambda v: seen.extend(batch["img"] for batch in v.dataloader))
    settings = {"imgsz": 64, "batch": 4, "workers": 0, "plots": False, "project": str(tmp_path)}
    yolo.val(data=str(fruit), split="train", **settings)
    _, plain = statistics.training_images("detect", describe(fruit), {"batch": 4}, 64)
    assert len(seen) == len(plain) and all(map(torch.equal, seen, plain))


def test_a_fraction_is_respected(fruit):
    _, plain = statistics.training_images("detect", describe(fruit), {"batch": 4, "fraction": 0.5}, 64)
    assert sum(map(len, plain)) == 4


@pytest.mark.parametrize(
    ("count", "batch", "images"), [(8, 4, 8), (9, 4, 9), (256, 16, 256), (1000, 16, 256), (1000, 400, 400)]
)
def test_whole_batches_are_spread_over_a_dataset(count, batch, images):
    chosen = statistics.spread(count, batch, 256)
    assert images - batch <= len(chosen) <= images and len(set(chosen)) == len(chosen)
    assert chosen[-1] >= count - 5 * batch and all(i % batch == 0 for i in chosen[::batch])


@pytest.mark.parametrize(("imgsz", "images"), [(320, 256), (640, 256), (1280, 64), (6400, 16)])
def test_large_images_are_fewer(imgsz, images):
    assert statistics.limit(imgsz) == images
