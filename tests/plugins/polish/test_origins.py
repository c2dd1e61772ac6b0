"""Which file a network's weights are of."""

import pytest
from ultralytics import YOLO

from tintbox.plugins.polish import origins

from ...tiny_models import YOLO11N


@pytest.fixture
def saved(tmp_path):
    file = tmp_path / "tiny.pt"
    YOLO(YOLO11N).save(file)
    return file


def test_the_file_that_was_loaded_last_is_found(saved):
    network = YOLO(YOLO11N).model
    assert origins.find(network) is None, "it has loaded none"
    loaded = YOLO(saved).model
    origins.note(network, loaded)
    assert origins.find(network) == str(saved)
    origins.note(network, {"model": loaded, "ema": None})
    assert origins.find(network) == str(saved)
    origins.note(network, YOLO(YOLO11N).model)
    assert origins.find(network) == "", "the weights are of no file"


def test_what_was_loaded_from_a_network_that_had_loaded_is_of_the_same_file(saved):
    first, second = YOLO(YOLO11N), YOLO(YOLO11N)
    first.load(saved)
    second.model.load(first.model)
    assert origins.find(first.model) == origins.find(second.model) == str(saved)
