"""Values of Ultralytics' own arguments that would make a colouriser's run fail."""

import pytest

from tintbox.colorization import arguments
from tintbox.errors import TintboxError

MODES = ("train", "val", "predict", "export", "benchmark")


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        ("train", "batch", 0),  # as in stock: a share of the memory is tried
        ("train", "batch", -1),
        ("train", "batch", 0.7),
        ("val", "batch", 1),
        ("predict", "batch", 3),
        ("train", "seed", 2**32 - 1),
        ("train", "resume", True),
        ("train", "resume", ""),
        ("export", "opset", 0),
        ("export", "quantize", "FP16"),
        ("export", "quantize", 32),
        ("export", "int8", False),
        ("predict", "imgsz", [64, 32]),
    ],
)
def test_what_fits(mode, name, value):
    arguments.check(mode, {name: value})


@pytest.mark.parametrize(
    ("mode", "name", "value", "line"),
    [
        ("train", "batch", 1.0, "batch=1.0: give a number of images, e.g. batch=16"),
        ("train", "batch", 0.0, "batch=0.0: give a number of images, e.g. batch=16"),
        ("train", "batch", True, "batch=True: give a number of images, e.g. batch=16"),
        ("export", "batch", 0, "batch=0: give 1 or more images"),
        ("train", "seed", 2**32, "seed=4294967296: give a number from 0 to 4294967295"),
        ("train", "seed", -1, "seed=-1: give a number from 0 to 4294967295"),
        ("export", "opset", 24, "opset=24: give an opset of ONNX, e.g. opset=17"),
        ("export", "quantize", 8, "quantize=8: colourisers are exported with quantize=16 or 32"),
        ("export", "int8", True, "int8=True: colourisers are exported with half=True or as they are"),
    ],
)
def test_what_does_not(mode, name, value, line):
    with pytest.raises(TintboxError) as caught:
        arguments.check(mode, {name: value})
    assert str(caught.value) == line


def test_a_checkpoint_to_resume_is_a_file(tmp_path):
    file = tmp_path / "last.pt"
    with pytest.raises(TintboxError, match=r"resume=.*last\.pt: no such file; give the last\.pt of a run"):
        arguments.check("train", {"resume": file})
    with pytest.raises(TintboxError, match="no such file"):
        arguments.check("train", {"resume": "x" * 300})
    file.touch()
    arguments.check("train", {"resume": str(file)})
    arguments.check("train", {"resume": file})


def test_a_rule_counts_in_its_modes_only_and_none_is_no_value():
    for name, *_ in arguments.RULES:
        for mode in MODES:
            arguments.check(mode, {name: None})
            if not any(other == name and mode in modes for other, modes, *_ in arguments.RULES):
                arguments.check(mode, {name: "nonsense"})


def test_there_is_nothing_to_track():
    with pytest.raises(TintboxError, match="finds no objects that could be tracked; `yolo colorize predict`"):
        arguments.check("track", {})
