"""Averages of a fine-tuned network with its start."""

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.polish import averaging

from ...tiny_models import YOLO11N


def network(file):
    return YOLO(file).model.float()


def test_an_average_is_between_the_two_and_the_head_stays(tuned):
    own, start = network(tuned.best), network(tuned.start)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    averaging.average(own, averaging.common_weights(own, start, tuned.start), 0.75)
    changed = 0
    for name, value in own.state_dict().items():
        if name.startswith("model.23.") or not value.is_floating_point():
            assert torch.equal(value, before[name]), name
        else:
            expected = 0.75 * before[name].double() + 0.25 * start.state_dict()[name].double()
            torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
            changed += not torch.equal(value, before[name])
    assert changed > 100


def test_a_share_of_one_changes_nothing(tuned):
    own, start = network(tuned.best), network(tuned.start)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    averaging.average(own, averaging.common_weights(own, start, tuned.start), 1.0)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_heads_of_other_classes_do_not_matter(tuned):
    own = network(tuned.best)
    other = YOLO(YOLO11N).model  # 80 classes; the run has eight
    assert not any(name.startswith("model.23.") for name in averaging.common_weights(own, other, "other.pt"))


@pytest.mark.parametrize("other", ["yolo11s.yaml", "yolov8n.yaml"])
def test_another_architecture_is_refused(tuned, other):
    with pytest.raises(TintboxError, match=r"^start=other.pt: yolo\w+ has other layers than yolo11n"):
        averaging.common_weights(network(tuned.best), YOLO(other).model, "other.pt")
