"""The detector that a colouriser is built on."""

import pytest

from tintbox.colorization.base import load_base
from tintbox.errors import TintboxError


def test_a_description_is_taken_as_it_is():
    spec = {"head": "anything"}
    assert load_base(spec) is spec


@pytest.mark.parametrize(
    ("name", "scale", "has"), [("yolo11.yaml", "", ""), ("yolo11s.yaml", "x", "s"), ("yolov3-tiny.yaml", "s", "")]
)
def test_the_scale_of_a_name_goes_before_another(name, scale, has):
    """A YAML without scales gets none."""
    assert load_base(name, scale)["scale"] == has


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [
        ("yolo99.yaml", "", "base=yolo99.yaml: 'yolo99.yaml' does not exist"),
        ("yolo11.yaml", "q", "base=yolo11.yaml: no scale 'q' (n, s, m, l, x)"),
        ("yolo11n-cls.yaml", "", "its last layer is Classify, not a detection head; give a detector's YAML"),
        ("rtdetr-l.yaml", "", "its last layer is RTDETRDecoder, not a detection head"),
        ("colorize-unet.yaml", "", "its YAML has no 'head' list; give a detector's, e.g. yolo11.yaml"),
    ],
)
def test_what_is_no_detector(name, scale, message):
    with pytest.raises(TintboxError) as caught:
        load_base(name, scale)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("head", ["[]", "Detect", "[[-1, 1]]", "{a: 1}", "null"])
def test_a_head_that_is_no_list_of_layers(tmp_path, head):
    file = tmp_path / "mine.yaml"
    file.write_text(f"nc: 3\nbackbone: []\nhead: {head}\n")
    with pytest.raises(TintboxError, match=r"mine\.yaml: its YAML has no 'head' list"):
        load_base(file)


@pytest.mark.parametrize("scale", "nsmlx")
def test_every_scale_letter(scale):
    base = load_base("yolo11.yaml", scale)
    assert (base["scale"], base["yaml_file"]) == (scale, f"yolo11{scale}.yaml")
