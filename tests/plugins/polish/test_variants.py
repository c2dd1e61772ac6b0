"""Which variants there are, and where a training started."""

import logging

import pytest
from ultralytics import YOLO
from ultralytics.utils import LOGGER

from tintbox.errors import TintboxError
from tintbox.plugins.polish import variants
from tintbox.plugins.polish.variants import find_start


def test_the_network_stays_as_it_is_and_of_equal_variants_the_trained_one_is_best(tuned, fruit):
    network = YOLO(tuned.best).model
    before = {name: value.clone() for name, value in network.state_dict().items()}
    level = LOGGER.level
    found = variants.search(tuned.best, network, {"model": str(tuned.start), "imgsz": 64, "batch": 4}, fruit)
    assert LOGGER.level == level != logging.WARNING
    assert len(found.candidates) == variants.VALIDATIONS and not found.is_better and found.gain == 0
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert found.mark == {"share": 1.0, "anew": False, "ap": found.best.ap, "start": str(tuned.start)}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"model": "yolo11n.pt", "pretrained": True}, "yolo11n.pt"),
        ({"model": "yolo11n.yaml", "pretrained": "colour.pt"}, "colour.pt"),
        ({"model": "yolo11n.yaml", "pretrained": True}, None),
        ({"model": "yolo11n"}, None),
        ({}, None),
    ],
)
def test_where_a_training_started(tmp_path, arguments, found):
    assert find_start(tmp_path / "weights" / "best.pt", arguments) == found
    assert find_start(tmp_path / "weights" / "best.pt", arguments, "other.pt") == "other.pt"


def test_a_resumed_training_does_not_say_where_it_started(tmp_path):
    best, last = (tmp_path / "weights" / name for name in ("best.pt", "last.pt"))
    with pytest.raises(TintboxError, match="was resumed and doesn't say from where it started; give start="):
        find_start(best, {"model": str(last)})
