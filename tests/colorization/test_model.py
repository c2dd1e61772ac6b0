"""The model: its description, its palette, and how checkpoints store it."""

import copy
import pickle

import pytest
import torch

from tintbox.colorization.model import ColorizeModel, describe
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError

SPEC = {
    "task": "colorize",
    "network": "UNet",
    "kernel": 3,
    "num_filters": 8,
    "in_channels": 1,
    "palette": {"colours": [[0, 0, 0], [1, 0, 0], [0, 1, 0]]},
}


@pytest.mark.parametrize("name", ["pool", "convt", "unet"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shipped_yamls_build_and_keep_the_size(name, channels):
    spec = describe(f"colorize-{name}.yaml")
    model = ColorizeModel({**spec, "in_channels": channels}, verbose=False)
    assert model(torch.rand(2, channels, 20, 12)).shape == (2, 24, 20, 12)
    assert model.task == "colorize"
    assert model.yaml["channels"] == channels


def test_palette_is_plain_data_that_survives_half_precision_and_pickling():
    palette = Palette([[0.1, 0.2, 0.3], [0.7, 1 / 3, 0.9]], scale=256)
    model = ColorizeModel(SPEC, palette=palette, verbose=False)
    again = pickle.loads(pickle.dumps(copy.deepcopy(model).half())).float()
    assert again.palette == palette
    assert again.names == palette.names
    assert model.metadata() == {"palette": palette.as_dict()}


def test_the_palette_is_handed_on_and_read_once():
    palette = Palette(SPEC["palette"]["colours"], temperature=1.0)
    model = ColorizeModel(SPEC, palette=palette, verbose=False)
    assert model.palette is palette
    again = copy.deepcopy(model)
    assert "_palette" not in vars(again)
    assert again.palette is again.palette == palette


def test_untrained_model_without_colours_says_so():
    model = ColorizeModel("colorize-unet.yaml", verbose=False)
    with pytest.raises(TintboxError, match=r"colorize-unet.yaml has no palette before it is trained"):
        _ = model.palette


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"netwrok": "UNet"}, "unknown key 'netwrok'; did you mean 'network'?"),
        ({"network": "Unett"}, "network 'Unett' is unknown .*did you mean 'UNet'"),
        ({"kernel": None}, "key 'kernel' is missing"),
        ({"kernel": 1}, "kernel=1"),
        ({"num_filters": 0}, "num_filters=0"),
        ({"in_channels": 2}, "in_channels=2"),
        ({"palette": 1}, "palette=1; a palette has 2 to 4096 colours"),
        ({"palette": True}, "palette=True"),
        ({"palette": "horses25"}, "palette 'horses25'.*did you mean 'horses24'"),
    ],
)
def test_bad_descriptions(change, message):
    spec = {k: v for k, v in {**SPEC, **change}.items() if v is not None}
    with pytest.raises(TintboxError, match=message) as caught:
        ColorizeModel(spec, verbose=False)
    assert "\n" not in str(caught.value)


def test_detector_yaml_is_no_colouriser():
    with pytest.raises(TintboxError, match=r"yolo11n.yaml describes no colouriser"):
        describe("yolo11n.yaml")


def test_mixed_precision_trains_in_bfloat16_and_predicts_in_float32():
    torch.manual_seed(0)
    model = ColorizeModel(SPEC, verbose=False).to(memory_format=torch.channels_last)
    model.mixed_precision = True
    x = torch.rand(2, 1, 16, 16)
    assert model.train()(x).dtype == torch.bfloat16
    assert model.eval()(x).dtype == torch.float32
    batch = {"img": x, "label": torch.zeros(2, 16, 16, dtype=torch.long)}
    model.train()
    mixed = model(batch)[0]
    model.mixed_precision = False
    assert mixed.item() == pytest.approx(model(batch)[0].item(), rel=0.02)  # bfloat16 has 8 bits of mantissa


def test_embeddings_are_of_models_on_a_detector():
    model = ColorizeModel(SPEC, verbose=False)
    with pytest.raises(TintboxError, match=r"^embed=\[-1\]: UNet has no numbered layers") as caught:
        model.predict(torch.rand(1, 1, 32, 32), embed=[-1])
    assert "\n" not in str(caught.value)
    (vector,) = (
        ColorizeModel("yolo11n-colorize.yaml", verbose=False).eval().predict(torch.rand(1, 3, 64, 64), embed=[9])
    )
    assert vector.shape == (256,)
