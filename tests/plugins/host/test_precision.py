"""The values of `amp` on the command line, and the networks that they apply to."""

import pytest
from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks

from tintbox.errors import TintboxError
from tintbox.plugins.extend.network import ExtendedModel
from tintbox.plugins.host import precision


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("atuo", "; did you mean 'auto'?"),
        ("bf17", "; did you mean 'bf16'?"),
        ("Auto ", "; did you mean 'auto'?"),
        (3, ""),
    ],
)
def test_a_mistyped_value_is_told_with_all_that_there_are(value, hint):
    with pytest.raises(TintboxError) as caught:
        get_cfg(overrides={"amp": value})
    assert str(caught.value) == f"amp={value}: give one of auto, bf16, fp16, fp32, true, false{hint}"


@pytest.mark.parametrize(
    ("value", "known"), [(True, True), ("BF16", "bf16"), ("fp32", "fp32"), ("Auto", "auto"), (False, False)]
)
def test_words_count_in_any_case(value, known):
    assert get_cfg(overrides={"amp": value}).amp == known


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        *((getattr(tasks, name), False) for name in ("DetectionModel", "SegmentationModel", "PoseModel", "OBBModel")),
        *((kind, False) for kind in (tasks.ClassificationModel, ExtendedModel)),
        *((getattr(tasks, name), True) for name in ("RTDETRDetectionModel", "WorldModel", "YOLOEModel")),
    ],
)
def test_losses_that_stay_out_of_reach(kind, own):
    """RT-DETR, YOLO-World and YOLOE have losses of their own, in which bfloat16 would round boxes."""
    assert precision.own_loss(kind.__new__(kind)) == (kind.__name__ if own else "")
