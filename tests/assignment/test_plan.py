"""What the assignment trains, as the studies see it."""

from dataclasses import replace

import pytest

from tintbox.assignment import plan
from tintbox.assignment.plan import FULL, QUICK
from tintbox.errors import TintboxError


def test_the_whole_assignment_is_ten_colourisers_and_a_detector(tmp_path):
    asked = plan.studies(FULL, "ABCD", tmp_path)
    assert list(asked) == ["networks", "kernels", "batches", "detector"]
    assert asked["networks"].varied == {"model": ["colorize-pool.yaml", "colorize-convt.yaml", "colorize-unet.yaml"]}
    assert asked["batches"].varied == {"batch": [32, 64, 128, 256, 512]}
    protocol = {"task": "colorize", "data": "cifar10-horses.yaml", "cfg": "recipe-seed.yaml", "epochs": 25, "seed": 0}
    for name in ("networks", "kernels", "batches"):
        assert protocol.items() <= asked[name].fixed.items()
    detector = {"task": "detect", "cfg": "recipe-assignment.yaml", "model": "yolov5n.pt", "imgsz": 640, "epochs": 5}
    assert detector.items() <= asked["detector"].fixed.items()
    assert sum(len(asked[name].runs()) for name in asked) == 3 + 2 + 5 + 1


def test_kernels_are_those_of_the_networks_that_are_built(tmp_path):
    from tintbox.colorization.complexity import load_network

    models = plan.studies(FULL, "B", tmp_path)["kernels"].varied["model"]
    for model, kernel in zip(models, plan.KERNELS):
        network, _ = load_network(model)
        convolutions = {m.kernel_size for m in network.modules() if hasattr(m, "kernel_size")}
        assert (kernel, kernel) in convolutions


def test_a_quick_look_needs_no_weights_and_trains_a_detector_first(tmp_path):
    asked = plan.studies(QUICK, "D", tmp_path)
    assert list(asked) == ["first", "detector"]
    assert asked["first"].fixed["data"] == asked["detector"].fixed["data"] == "fruitbowl.yaml"
    assert asked["detector"].fixed["model"].endswith("first/run/weights/best.pt")


@pytest.mark.parametrize("name", ["my,set", 'it\'s "so", a', "a #1", "{b}"])
def test_no_path_is_a_list(name, tmp_path):
    chosen = replace(FULL, data=f"/d/{name}/x.yaml", detection=f"/d/{name}/x.yaml", weights=f"/d/{name}/a.pt")
    asked = plan.studies(chosen, "ABCD", tmp_path / name)
    assert {grid.fixed["data"] for grid in asked.values()} == {chosen.data}
    assert asked["detector"].fixed["model"] == chosen.weights
    assert [str(model) for model in asked["kernels"].varied["model"]] == [
        str(tmp_path / name / "models" / f"colorize-convt-k{kernel}.yaml") for kernel in plan.KERNELS
    ]


def test_one_part_trains_one_network(tmp_path):
    assert plan.studies(FULL, "C", tmp_path)["networks"].fixed["model"] == "colorize-unet.yaml"


@pytest.mark.parametrize(
    ("change", "parts", "words"),
    [
        ({"epochs": 0}, "A", "epochs=0"),
        ({"seed": -1}, "A", "seed=-1"),
        ({"detection_size": "big"}, "A", "imgsz=big"),
        ({}, "AX", "parts=AX"),
        ({}, "", "parts="),
        ({"weights": "nowhere.pt"}, "D", "weights=nowhere.pt: no such file"),
        ({"weights": "x" * 300}, "D", "no such file"),
    ],
)
def test_mistakes_are_told_in_a_line(change, parts, words):
    with pytest.raises(TintboxError, match=words) as told:
        plan.check(replace(FULL, **change), parts)
    assert "\n" not in str(told.value)


def test_weights_matter_to_part_d_alone():
    plan.check(replace(FULL, weights="nowhere.pt"), "ABC")
