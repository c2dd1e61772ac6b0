"""Training on several devices: every process trains the same weights, and the options reach all of them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ultralytics import YOLO
from ultralytics.utils.torch_utils import unwrap_model

from .tiny_models import YOLO11N

pytestmark = pytest.mark.slow
USUAL = {"imgsz": 64, "epochs": 2, "batch": 4, "optimizer": "AdamW", "lr0": 0.01, "nbs": 4, "warmup_epochs": 0}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A detector of 80 classes with random weights."""
    file = tmp_path_factory.mktemp("base") / "base.pt"
    torch.manual_seed(0)
    YOLO(YOLO11N).save(file)
    return file


@pytest.fixture
def train(tmp_path):
    """Train in two processes; returns the weights of the first, which the second must have too, and the output."""

    def run(**arguments):
        words = [sys.executable, "-c", "import two_processes; two_processes.main()"]
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [*words, json.dumps({**USUAL, **arguments}), str(tmp_path)], capture_output=True, text=True, timeout=300,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2))
        statistics = [name for name in first if "running_" in name]  # each process has those of its own images
        assert first.keys() == second.keys()
        assert [name for name in first if name not in statistics and not first[name].equal(second[name])] == []
        return first, done.stdout + done.stderr

    return run


def weights(file):
    return unwrap_model(YOLO(file).model).float().state_dict()


def changed(before, after):
    """The numbers of the layers whose convolutions have changed."""
    names = [name for name in before if name.endswith("conv.weight")]
    return {int(name.split(".")[1]) for name in names if not before[name].equal(after[name])}


def test_freezing_rates_loss_and_evaluation(train, base, fruit, tmp_path):
    after, output = train(
        model=str(base), data=str(fruit), freeze="backbone", unfreeze="{1: backbone[5:]}", lr_scale="{backbone: 0.1}",
        cls_pos_weight="balanced", coco_eval=True,
    )  # fmt: skip
    assert changed(weights(base), after).isdisjoint(range(5))
    assert changed(weights(base), after) >= {5, 13}
    assert "COCO evaluation of boxes: 4 images" in output
    file = tmp_path / "run" / "weights" / "best.pt"
    alone = YOLO(file).val(data=str(fruit), imgsz=64, batch=4, coco_eval=True, plots=False,
                           project=str(tmp_path), name="alone")  # fmt: skip
    assert (alone.save_dir / "coco.csv").read_text() == (tmp_path / "run" / "coco.csv").read_text()


def test_new_classes(train, base, fruit, tmp_path):
    """Broken off after the first epoch, and resumed."""
    after, output = train(model=str(base), data=str(fruit), extend="neck", stop=1)
    assert "8 new classes" in output
    last = max(int(name.split(".")[1]) for name in after)
    for name, value in weights(base).items():
        assert value.equal(after[name.replace("model.23.", f"model.{last}.heads.0.")])
    best = YOLO(tmp_path / "run" / "weights" / "best.pt")
    assert list(best.names.values())[80:] == list("abcdefgh")
    assert len((tmp_path / "run" / "results.csv").read_text().splitlines()) == 1 + USUAL["epochs"]


def test_a_colouriser(train, tiny_data):
    _, output = train(model="colorize-unet.yaml", data=str(tiny_data), imgsz=32, palette=4)
    assert re.search(r"^ +all +4 ", output, re.MULTILINE)  # the images of both processes


def test_an_anchor_model(train, fruit):
    _, output = train(model="yolov5n-anchor.yaml", data=str(fruit), autoanchor=True)
    assert "after k-means" in output
