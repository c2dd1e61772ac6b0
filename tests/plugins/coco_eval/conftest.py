"""Random evaluation cases, and small trained models that really detect."""

import contextlib
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import KEYS
from tintbox.plugins.coco_eval.settings import Settings

from .synthetic import case, pycocotools_evaluation


@pytest.fixture
def synthetic():
    """``synthetic.case(seed, ...)`` and ``synthetic.pycocotools(truth, detections, iou_type)``."""
    return SimpleNamespace(case=case, pycocotools=pycocotools_evaluation)


QUICK = ("imgsz=64", "device=cpu", "resamples=40")  # arguments of a command
CHOSEN = {"resamples": 40}  # value of coco_eval=
CLASSES = {0: "blue", 1: "red", 2: "never there"}
PICTURES = {"train": 16, "val": 10}
# Built from Ultralytics' own layers, small enough to learn rectangles in seconds.
NETWORK = {
    "nc": len(CLASSES),
    "backbone": [
        [-1, 1, "Conv", [16, 3, 2]],
        [-1, 1, "Conv", [32, 3, 2]],
        [-1, 1, "Conv", [64, 3, 2]],
        [-1, 1, "Conv", [64, 3, 1]],
        [-1, 1, "SPPF", [64, 5]],
    ],
}
HEADS = {"detect": [[4], 1, "Detect", ["nc"]], "segment": [[4], 1, "Segment", ["nc", 8, 16]]}
STEPS = 90


@pytest.fixture(scope="session")
def rectangles(tmp_path_factory):
    """Dataset YAMLs by task: a blue or red rectangle in either half of 128x96 pixels; the last image is unlabelled."""
    import cv2

    files = {}
    for task in HEADS:
        root = tmp_path_factory.mktemp(f"rectangles-{task}")
        for split, count in PICTURES.items():
            images, labels = root / "images" / split, root / "labels" / split
            images.mkdir(parents=True)
            labels.mkdir(parents=True)
            rng = np.random.default_rng(count)
            for i in range(count):
                picture = rng.integers(110, 140, (96, 128, 3), np.uint8)
                lines = []
                for half in range(2):
                    width, height = rng.integers(20, 52, 2)
                    x, y = rng.integers(0, 64 - width) + 64 * half, rng.integers(0, 96 - height)
                    label = (i + half) % 2
                    picture[y : y + height, x : x + width] = np.eye(3, dtype=np.uint8)[2 * label] * 255
                    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]) / (128, 96)
                    centre = [*corners.mean(0), width / 128, height / 96]
                    lines.append([label, *(corners.ravel() if task == "segment" else centre)])
                cv2.imwrite(str(images / f"{i}.png"), picture)
                if i < count - 1:
                    (labels / f"{i}.txt").write_text("".join(" ".join(map(str, line)) + "\n" for line in lines))
        files[task] = root / "rectangles.yaml"
        names = "".join(f"  {i}: {name}\n" for i, name in CLASSES.items())
        files[task].write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return files


@pytest.fixture(scope="session")
def detectors(rectangles, tmp_path_factory):
    """Checkpoints by task, of models that find most rectangles at 64 pixels."""
    import yaml

    folder = tmp_path_factory.mktemp("detectors")
    for task, head in HEADS.items():
        file = folder / f"{task}.yaml"
        file.write_text(yaml.safe_dump({**NETWORK, "head": [head]}))
        fit(file, rectangles[task], folder / f"{task}.pt")
    return {task: folder / f"{task}.pt" for task in HEADS}


def fit(model, data, file):
    """Train on all training images in one batch, without the options that make a run slow for a small model."""
    import torch
    from ultralytics import YOLO
    from ultralytics.cfg import get_cfg
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more threads would only wait for each other here
    torch.manual_seed(0)
    yolo = YOLO(str(model))
    network, found = yolo.model, check_det_dataset(str(data))
    network.args, network.names = get_cfg(), dict(CLASSES)
    dataset = YOLODataset(
        found["train"], data=found, task=yolo.task, imgsz=64, augment=False, rect=False, prefix="", hyp=network.args
    )
    batch = dataset.collate_fn([dataset[i] for i in range(len(dataset))])
    batch["img"] = batch["img"].float() / 255
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.1
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=STEPS)
    network.train()
    for _ in range(STEPS):
        network.loss(batch)[0].sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    network.eval().criterion = None
    yolo.save(file)
    torch.set_num_threads(threads)


@pytest.fixture
def variant(rectangles, tmp_path):
    """A copy of a dataset to corrupt: ``variant(task="detect", extra="")`` returns its YAML with ``extra`` appended."""
    import shutil

    def copy(task="detect", extra=""):
        root = tmp_path / "variant"
        shutil.copytree(rectangles[task].parent, root, ignore=shutil.ignore_patterns("*.cache"))
        file = root / "rectangles.yaml"
        file.write_text(rectangles[task].read_text().replace(str(rectangles[task].parent), str(root)) + extra)
        return file

    return copy


@pytest.fixture
def log():
    """The messages sent to Ultralytics' logger, as a list of (level, text)."""
    import logging

    from ultralytics.utils import LOGGER

    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append((record.levelname, record.getMessage()))
    LOGGER.addHandler(handler)
    yield messages
    LOGGER.removeHandler(handler)


@pytest.fixture
def validate(rectangles, detectors, tmp_path):
    """Validate a small model in ``tmp_path / name``: ``validate(task="detect", data=None, model=None, ...)``."""
    from ultralytics import YOLO

    def run(task="detect", data=None, model=None, name="run", **arguments):
        settings = {"imgsz": 64, "plots": False, "device": "cpu", "project": str(tmp_path), "exist_ok": True}
        model = YOLO(model or detectors[task])
        return model.val(data=str(data or rectangles[task]), name=name, **{**settings, **arguments})

    return run


@pytest.fixture
def tintbox(monkeypatch, capfd, tmp_path):
    """Run the `tintbox` command in this process and in an empty folder; returns status, output and error lines."""
    import sys

    from tintbox.cli import app as cli

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*words):
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["tintbox", *map(str, words)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def pair(synthetic):
    """Truth with a class without objects and one without small objects, and its detections."""
    return synthetic.case(3, images=24)


@pytest.fixture
def better(pair):
    """The same detections with most correct ones ranked higher."""
    truth, detections = pair
    kinds = evaluate(truth, detections, settings=Settings(resamples=0)).errors.detection_kind
    return replace(detections, score=np.where(kinds == "true positive", 0.9 + detections.score / 10, detections.score))


@pytest.fixture(scope="session")
def weaker(detectors, tmp_path_factory):
    """The folder of a run whose model has forgotten some of what the detector knows."""
    import torch
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("runs") / "weaker"
    (folder / "weights").mkdir(parents=True)
    model = YOLO(detectors["detect"])
    torch.manual_seed(0)
    for parameter in model.model.model[-1].parameters():
        parameter.data += 0.08 * parameter.data.std() * torch.randn_like(parameter) if parameter.numel() > 1 else 0
    model.save(folder / "weights" / "best.pt")
    return folder


@pytest.fixture(scope="session")
def written(rectangles, detectors, weaker, tmp_path_factory):
    """Folders written by `--save-json`, by task, and "weaker"."""
    from ultralytics import YOLO

    root = tmp_path_factory.mktemp("written")
    for name, model in {**detectors, "weaker": weaker / "weights" / "best.pt"}.items():
        YOLO(model).val(
            data=str(rectangles.get(name, rectangles["detect"])), imgsz=64, plots=False, device="cpu",
            project=str(root), name=name, coco_eval={"resamples": 40, "explain": False}, save_json=True,
        )  # fmt: skip
    return {name: root / name for name in (*detectors, "weaker")}


def files(folder):
    """The arguments for the predictions and annotations in a folder."""
    return f"predictions={folder / 'predictions.json'}", f"annotations={folder / 'annotations.json'}"


def values(folder, kind="bbox", name="coco.json"):
    """The twelve numbers, -1 for "n/a"."""
    metrics = json.loads((folder / name).read_text())[kind]["metrics"]
    return np.array([-1 if metrics[key]["value"] is None else metrics[key]["value"] for key in KEYS])


@pytest.fixture
def nothing_is_installed(monkeypatch):
    """Ultralytics installs its own evaluator when it needs it, which must not happen with coco_eval."""
    from ultralytics.models.yolo.detect import val

    def refuse(requirements, *args, **kwargs):
        raise AssertionError(f"{requirements} would be installed")

    monkeypatch.setattr(val, "check_requirements", refuse)


def pycocotools(folder, iou_type):
    """Return pycocotools' evaluation of the files of save_json."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "annotations.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(folder / "predictions.json")), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def warnings(log):
    """The warnings about the evaluation, without Ultralytics' prefix."""
    texts = [text for level, text in log if level == "WARNING" and "coco_eval=" in text]
    return [text[text.index("coco_eval=") :] for text in texts]


def broken_labels(root, row="0 0.5 0.5 7 0.5"):
    """Add an invalid label row to a dataset."""
    (root / "labels" / "val" / "0.txt").write_text(f"{row}\n")
