"""The average of a fine-tuned network and the one that it began from."""

import json
from pathlib import Path

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.transfer.average import average, blend


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two checkpoints of yolo11n, of 80 and of 3 classes, with weights and statistics of their own."""
    folder = tmp_path_factory.mktemp("average")
    for seed, (name, classes) in enumerate({"start": 80, "tuned": 3}.items()):
        torch.manual_seed(seed)
        model = YOLO("yolo11n.yaml")
        model.model = type(model.model)("yolo11n.yaml", nc=classes, verbose=False)
        for layer in model.model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(layer.running_mean)
                torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
        model.save(folder / f"{name}.pt")
    return folder / "tuned.pt", folder / "start.pt"


def state(file):
    return YOLO(file).model.float().state_dict()


@pytest.mark.parametrize("share", [0, 0.5, 0.75, 1])
def test_weights_and_statistics_lie_between(pair, tmp_path, share):
    said = average(*pair, tmp_path / "out.pt", share=share)
    ours, theirs, found = state(pair[0]), state(pair[1]), state(tmp_path / "out.pt")
    taken = [name for name, value in ours.items() if not name.startswith("model.23.") and value.is_floating_point()]
    assert f"in {len(taken)} tensors" in said and "the head is tuned.pt's" in said
    assert any("running_var" in name for name in taken)
    for name in found:
        wanted = share * ours[name] + (1 - share) * theirs[name] if name in taken else ours[name]
        assert torch.allclose(found[name].float(), wanted.float(), atol=2e-3), name  # half precision


def test_default_is_three_quarters_and_the_files_stay(pair, tmp_path):
    before = [file.read_bytes() for file in pair]
    average(*pair, tmp_path / "out.pt")
    average(*pair, tmp_path / "same.pt", share=0.75)
    assert [file.read_bytes() for file in pair] == before
    a, b = state(tmp_path / "out.pt"), state(tmp_path / "same.pt")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_stock_predicts_with_it(pair, tmp_path, forked):
    average(*pair, tmp_path / "out.pt")
    code = (
        "import sys, json, torch; from ultralytics import YOLO\n"
        "y = YOLO(sys.argv[1]); m = y.model.float().eval()\n"
        "print(json.dumps([len(y.names), list(m(torch.zeros(1, 3, 64, 64))[0].shape)]))"
    )
    done = forked("-c", code, tmp_path / "out.pt", env={"TINTBOX_DISABLE": "1"})
    assert json.loads(done.stdout.strip().splitlines()[-1]) == [3, [1, 7, 84]]


def test_the_training_goes_with_it(trained, tmp_path):
    average(trained, trained, tmp_path / "out.pt")
    before, after = (torch.load(file, weights_only=False) for file in (trained, tmp_path / "out.pt"))
    assert after["train_args"] == before["train_args"]
    assert YOLO(tmp_path / "out.pt").names == YOLO(trained).names


@pytest.fixture(scope="module")
def trained(fruit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    YOLO("yolo11n.yaml").train(data=str(fruit), epochs=1, imgsz=32, batch=4, plots=False, project=str(folder), name="r")
    return folder / "r" / "weights" / "best.pt"


def test_blend_leaves_the_other_as_it_is():
    one, other = (YOLO("yolo11n.yaml").model for _ in range(2))
    before = {name: value.clone() for name, value in other.state_dict().items()}
    blend(one, other, 0.5, "both")
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


@pytest.mark.parametrize(
    ("words", "keys", "message"),
    [
        (
            ("tunde.pt", "start.pt", "out.pt"),
            {},
            "tunde.pt: no such file; give a checkpoint, .*did you mean 'tuned.pt'",
        ),
        (("tuned.pt", "begun.pt", "out.pt"), {}, "begun.pt: no such file"),
        (("tuned.pt", "broken.pt", "out.pt"), {}, "broken.pt"),
        (("tuned.pt", "start.pt", "out.onnx"), {}, "give the file to write the suffix .pt"),
        (("tuned.pt", "start.pt", "start.pt"), {}, "would overwrite .*start.pt"),
        (("tuned.pt", "start.pt", "nowhere/out.pt"), {}, "there is no folder"),
        (("tuned.pt", "start.pt", "out.pt"), {"share": 1.5}, "share=1.5: give a number from 0 to 1"),
        (("tuned.pt", "start.pt", "out.pt"), {"share": True}, "share=True: give a number from 0 to 1"),
        (("tuned.pt", "v8.pt", "out.pt"), {}, r"tensors before the head differ, e.g. model\.\d+\..*began from"),
        (("horse.pt", "start.pt", "out.pt"), {}, "has no layers before a head"),
    ],
)
def test_mistakes(pair, words, keys, message, monkeypatch):
    folder = pair[0].parent
    monkeypatch.chdir(folder)
    (folder / "broken.pt").write_bytes(b"nothing")
    if not Path("v8.pt").exists():
        YOLO("yolov8n.yaml").save("v8.pt")
        YOLO("colorize-pool.yaml").save("horse.pt")
    there = sorted(folder.iterdir())
    with pytest.raises(TintboxError, match=message) as caught:
        average(*words, **keys)
    assert "\n" not in str(caught.value)
    assert sorted(folder.iterdir()) == there
