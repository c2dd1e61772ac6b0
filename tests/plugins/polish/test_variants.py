"""Which variants there are, and where a training started."""

import logging
from types import SimpleNamespace

import pytest
import torch
from ultralytics import YOLO
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError
from tintbox.plugins.polish import variants
from tintbox.plugins.polish.variants import find_start


def test_the_network_stays_as_it_is_and_of_equal_variants_the_trained_one_is_best(tuned, fruit):
    network = YOLO(tuned.best).model
    before = {name: value.clone() for name, value in network.state_dict().items()}
    level = LOGGER.level
    found = variants.search(tuned.best, network, {"model": str(tuned.start), "imgsz": 64, "batch": 4}, {}, fruit)
    assert LOGGER.level == level != logging.WARNING
    assert len(found.candidates) == variants.VALIDATIONS and not found.is_better and found.gain == 0
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert found.mark == {"share": 1.0, "anew": False, "ap": found.best.ap, "start": str(tuned.start)}


def test_a_gain_that_is_not_shown_is_none(tuned, fruit, monkeypatch):
    gains = iter([0.5, 0.50049, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5006, 0.5, 0.5, 0.5, 0.5])
    judged = lambda *args, **kwargs: SimpleNamespace(results_dict={"metrics/mAP50-95(B)": next(gains)})  # noqa: E731
    monkeypatch.setattr(variants.sources, "validate", judged)
    for better in (False, True):
        arguments = {"model": str(tuned.start), "imgsz": 64, "batch": 4}
        found = variants.search(tuned.best, YOLO(tuned.best).model, arguments, {}, fruit)
        assert found.is_better == better == (found.gain > 0)
        trained = YOLO(tuned.best).model.state_dict()
        kept = all(value.equal(trained[name].to(value)) for name, value in found.network.state_dict().items())
        assert kept != better, "the network is that of the best variant"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"model": "yolo11n.pt", "pretrained": True}, "yolo11n.pt"),
        ({"model": "yolo11n.yaml", "pretrained": "colour.pt"}, "colour.pt"),
        ({"model": "yolo11n.yaml", "pretrained": True}, None),
        ({"model": "yolo11n.pt", "pretrained": False}, None),
        ({"model": "yolo11n"}, "yolo11n.pt"),
        ({}, None),
    ],
)
def test_where_a_training_started(tmp_path, arguments, found):
    best, network = tmp_path / "best.pt", SimpleNamespace()
    assert find_start(best, network, arguments) == found
    assert find_start(best, network, arguments, "other.pt") == "other.pt"
    network.tintbox_start = "here.pt"
    assert find_start(best, network, {**arguments, "resume": True}) == "here.pt"


def test_a_resumed_training_does_not_say_where_it_started(tmp_path):
    last = str(tmp_path / "last.pt")
    with pytest.raises(TintboxError, match="was resumed and doesn't say from where it started; give start="):
        find_start(tmp_path / "best.pt", SimpleNamespace(), {"model": last, "resume": last})


@pytest.mark.parametrize("gone", ["nowhere/gone.pt", "gone.pt"])
def test_without_its_start_a_detector_has_two_variants(tuned, fruit, log, gone):
    found = variants.search(tuned.best, YOLO(tuned.best).model, {"model": gone, "imgsz": 64, "batch": 4}, {}, fruit)
    assert [one.anew for one in found.candidates] == [False, True] and found.mark["start"] is None
    lost = f"{tuned.best} was trained from {gone}, which isn't here; give start="
    assert any(line.endswith(f"polish: {lost}; no averages are tried") for line in log)


def test_variants_are_judged_by_the_settings_of_the_run(tuned, fruit, monkeypatch):
    seen = []

    def validate(*args, **settings):
        seen.append(settings)
        return SimpleNamespace(results_dict={"metrics/mAP50-95(B)": 0.5})

    monkeypatch.setattr(variants.sources, "validate", validate)
    arguments = {
        "model": str(tuned.start),
        "imgsz": 64,
        "batch": 4,
        "classes": [0],
        "iou": 0.6,
        "conf": None,
        "lr0": 0.1,
    }
    variants.search(tuned.best, YOLO(tuned.best).model, arguments, {}, fruit)
    assert all(one["classes"] == [0] and one["iou"] == 0.6 and not {"conf", "lr0"} & one.keys() for one in seen)


@pytest.mark.parametrize(
    ("arguments", "done", "last"),
    [
        ({}, 3, 0),
        ({"freeze": 3}, 3, 3),
        ({"freeze": [0, 1]}, 3, 2),
        ({"freeze": "all[:5]"}, 3, 5),
        ({"freeze": "all[:5]", "unfreeze": {0.5: "all[3:5]"}}, 10, 3),
        ({"freeze": "all[:5]", "unfreeze": {0.5: "all[3:5]"}}, 4, 5),
        ({"freeze": "all[:5]", "unfreeze": {5: "all[3:5]"}}, None, 3),
        ({"freeze_bn": True}, 3, 24),
        ({"freeze": "all[:5]", "freeze_bn": False}, 3, 0),
    ],
)
def test_statistics_that_were_frozen_in_the_epoch_of_a_checkpoint(tuned, arguments, done, last):
    network = YOLO(tuned.start).model
    content = {"train_results": {"epoch": [*range(1, done + 1)]}} if done else {}
    found = variants.frozen_norms(network, {"epochs": 10, **arguments}, content)
    norms = [name for name, layer in network.named_modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert found == {name for name in norms if int(name.split(".")[1]) < last}


@pytest.mark.parametrize(
    ("content", "epoch"),
    # Of the last three, the results are those of the whole run, as Ultralytics leaves them in best.pt.
    [
        ({"epoch": 2}, 2),  # as saved in training
        ({}, 9),  # of ten
        ({"train_results": {"epoch": [1, 2, 3]}}, 2),
        ({"train_results": {"epoch": [1, 2, 3], "map": [0.1, 0.7, 0.3]}, "train_metrics": {"map": 0.7}}, 1),
        ({"train_results": {"epoch": [1, 2], "map": [0.333333, 0.3]}, "train_metrics": {"map": 1 / 3}}, 0),
        ({"train_results": {"epoch": [1, 2], "map": [0.1, 0.1]}, "train_metrics": {"map": 0.1}}, 1),
    ],
)
def test_the_epoch_of_a_checkpoint_is_that_of_its_metrics(content, epoch):
    assert variants.epoch_of(content, 10) == epoch
