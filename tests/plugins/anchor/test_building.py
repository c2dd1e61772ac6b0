"""Building models from descriptions, first without memory."""

import pytest
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.tasks import DetectionModel

from tintbox.errors import TintboxError
from tintbox.plugins.anchor import building

SMALL = {
    "nc": 2,
    "activation": "nn.LeakyReLU(0.1)",
    "backbone": [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]],
    "anchors": [[8, 8, 12, 12], [16, 16, 24, 24]],
    "head": [[[0, 1], 1, "AnchorDetect", ["nc", "anchors"]]],
}


def test_shapes_are_those_of_the_model():
    default = Conv.default_act
    shapes = building.shapes(SMALL, 3)
    assert Conv.default_act is default, "the activation of other models stays"
    model = DetectionModel({**SMALL}, ch=3, verbose=False)
    Conv.default_act = default
    assert shapes == {name: value.shape for name, value in model.state_dict().items()}
    assert {name: value.shape for name, value in building.build(SMALL, 3).state_dict().items()} == shapes
    assert Conv.default_act is default


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([-1, 1, "Conv", []], "its layers do not fit each other"),
        ([5, 1, "Conv", [8]], "its layers do not fit each other"),
        ([-1, 1, "NoSuchLayer", [8]], "'NoSuchLayer' is no layer"),
    ],
)
def test_layers_that_do_not_fit_are_one_line(row, said):
    with pytest.raises(TintboxError, match=said):
        building.shapes({**SMALL, "backbone": [row, SMALL["backbone"][1]]}, 3)


def test_more_weights_than_any_detector_has_are_refused():
    wide = [[-1, 1, "Conv", [16_384, 1, 32]], [-1, 11, "Conv", [16_384, 1, 1]]]
    with pytest.raises(TintboxError, match=r"would have 2,954,084,392 weights, 536,870,912 are the most"):
        building.shapes({**SMALL, "backbone": wide}, 3)
