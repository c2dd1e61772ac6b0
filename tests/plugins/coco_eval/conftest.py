"""Random evaluation cases with everything that trips an evaluator up, and small models that really detect."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.masks import encode
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.settings import Settings

SIDE = 160


def case(seed, images=30, classes=4, crowded=True, ties=True, masks=False, many=True):
    """Return truth and detections: boxes of all sizes, crowds, equal scores, empty images, a class without truth.

    Class ids are 3, 5, 7, ... and image ids fall, so that neither is its own index.
    """
    rng = np.random.default_rng(seed)
    pictures = [{"id": 1000 - 7 * i, "file_name": f"{i}.jpg", "width": SIDE, "height": SIDE} for i in range(images)]
    annotations, rows, masks_found = [], [], []
    for i, picture in enumerate(pictures):
        if i % 7 == 3:  # no truth here
            boxes = np.zeros((0, 4))
        else:
            boxes = _boxes(rng, rng.integers(1, 7))
        labels = rng.integers(0, classes - 1, len(boxes))  # the last class has no truth
        for box, label in zip(boxes, labels):
            crowd = int(crowded and rng.random() < 0.15)
            annotation = {"id": len(annotations) + 1, "image_id": picture["id"], "category_id": 3 + 2 * int(label)}
            annotation |= {"bbox": box.tolist(), "area": float(box[2] * box[3] * rng.uniform(0.5, 1)), "iscrowd": crowd}
            if masks or crowd:
                annotation["segmentation"] = encode(_mask(box, rng)[None])[0]
            annotations.append(annotation)
        if i % 7 == 5:  # no detections here
            continue
        copies = np.repeat(np.arange(len(boxes)), 2)
        near = boxes[copies] + rng.normal(0, 3, (len(copies), 4)) if len(boxes) else np.zeros((0, 4))
        found = np.concatenate([near, _boxes(rng, 130 if many and i == 0 else rng.integers(0, 6))])
        found[:, 2:] = found[:, 2:].clip(2)
        own = np.concatenate([labels[copies], rng.integers(0, classes, len(found) - len(copies))])
        if many and i == 0:
            own[:] = 0  # more than 100 detections of one class in one image
        scores = rng.random(len(found))
        if ties:
            scores = scores.round(1)
        rows += [(picture["id"], 3 + 2 * int(c), *box, s) for c, box, s in zip(own, found.tolist(), scores.tolist())]
        if masks:
            masks_found += encode(np.stack([_mask(box, rng) for box in found])) if len(found) else []
    table = np.array(rows)
    categories = [{"id": 3 + 2 * k, "name": f"class {k}"} for k in range(classes)]
    detections = Detections(
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2:6],
        table[:, 6],
        masks_found if masks else None,
    )
    return Truth(pictures, annotations, categories), detections


def _boxes(rng, n):
    size = np.exp(rng.uniform(np.log(6), np.log(140), (n, 2)))
    corner = rng.random((n, 2)) * (SIDE - size)
    return np.concatenate([corner, size], axis=1)


def _mask(box, rng):
    x, y, w, h = box
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ellipse = ((columns - x - w / 2) / max(w / 2, 1)) ** 2 + ((rows - y - h / 2) / max(h / 2, 1)) ** 2 <= 1
    ellipse[int(np.clip(y, 0, SIDE - 1)), int(np.clip(x, 0, SIDE - 1))] = True  # never empty
    return ellipse


def pycocotools_evaluation(truth, detections, iou_type="bbox"):
    """Return pycocotools' evaluation, accumulated and summarised."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": truth.images,
            "annotations": [dict(a) for a in truth.annotations],
            "categories": truth.categories,
        }
        coco.createIndex()
        rows = []
        for i in range(len(detections)):
            row = {"image_id": int(detections.image_id[i]), "category_id": int(detections.category_id[i])}
            row |= {"bbox": detections.bbox[i].tolist(), "score": float(detections.score[i])}
            if detections.segmentation is not None:
                row["segmentation"] = detections.segmentation[i]
            rows.append(row)
        evaluation = COCOeval(coco, coco.loadRes(rows), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.fixture
def synthetic():
    """``synthetic.case(seed, ...)`` and ``synthetic.pycocotools(truth, detections, iou_type)``."""
    return SimpleNamespace(case=case, pycocotools=pycocotools_evaluation)


CLASSES = {0: "blue", 1: "red", 2: "never there"}
PICTURES = {"train": 16, "val": 10}
# Of Ultralytics' own layers, small enough to learn rectangles in seconds.
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
    """Dataset YAMLs by task: a blue or red rectangle in either half of 128x96 pixels; a split's last is unlabelled."""
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
    """Checkpoints by task, of models that find most rectangles in 64 pixels."""
    import yaml

    folder = tmp_path_factory.mktemp("detectors")
    for task, head in HEADS.items():
        file = folder / f"{task}.yaml"
        file.write_text(yaml.safe_dump({**NETWORK, "head": [head]}))
        fit(file, rectangles[task], folder / f"{task}.pt")
    return {task: folder / f"{task}.pt" for task in HEADS}


def fit(model, data, file):
    """Train on all the training pictures at once, without what makes a run slow for a small model."""
    import torch
    from ultralytics import YOLO
    from ultralytics.cfg import get_cfg
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many threads only wait for each other here
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
    """A copy of a dataset to spoil: ``variant(task="detect", extra="")`` returns its YAML, ``extra`` added to it."""
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
    """The messages that Ultralytics' logger gets, as a list of (level, text)."""
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
    """Run the `tintbox` command in this process and an empty folder; returns status, output and error lines."""
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
    """Truth with a class that has no object and one without small ones, and its detections."""
    return synthetic.case(3, images=24)


@pytest.fixture
def better(pair):
    """The same detections with the right ones moved up, most of them."""
    truth, detections = pair
    kinds = evaluate(truth, detections, settings=Settings(resamples=0)).errors.detection_kind
    return replace(detections, score=np.where(kinds == "true positive", 0.9 + detections.score / 10, detections.score))
