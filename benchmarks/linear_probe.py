"""What do a detector's layers know about the classes? Linear classifiers of the labelled boxes on each layer's output.

    python benchmarks/linear_probe.py --starts random= colour=runs/colorize/train/weights/best.pt coco=yolo11n.pt

For every start, the detector is built, the start's weights are loaded where they fit, and the BatchNorm statistics are
recomputed on the training images (not for a start trained on colour images). A box's features are the mean of a layer's
output within it. Multinomial logistic regression is fitted on the boxes of the training images and evaluated by
balanced accuracy (the mean of the classes' recalls) on those of the validation images, in percent. Chance is
100 / classes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchvision.ops import roi_align
from ultralytics import YOLO
from ultralytics.data.utils import img2label_paths
from ultralytics.nn.tasks import load_checkpoint

import machine
import runs
from images import dataset_of, pictures_of
from tintbox.plugins.transfer.norm_statistics import recompute

STATISTICS = 32  # batches for the BatchNorm statistics


def detector(model: str, weights: str):
    """Return a detector with random weights, or with those of a checkpoint where they fit."""
    torch.manual_seed(0)
    network = YOLO(model).model
    if weights:
        state = load_checkpoint(weights)[0].float().state_dict()
        mine = network.state_dict()
        fitting = {k: v for k, v in state.items() if k in mine and mine[k].shape == v.shape}
        network.load_state_dict(fitting, strict=False)
        print(f"{weights}: {len(fitting)} of {len(mine)} tensors", flush=True)
    return network.eval()


def boxes_of(data: str, split: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return for each labelled image its file, boxes (n, 4) as x1, y1, x2, y2 in 0..1, and their classes (n,)."""
    found = []
    for file in pictures_of(dataset_of(data)[split]):
        labels = Path(img2label_paths([file])[0])
        rows = np.loadtxt(labels, ndmin=2) if labels.is_file() and labels.stat().st_size else np.zeros((0, 5))
        if len(rows):
            centre, half = rows[:, 1:3], rows[:, 3:5] / 2
            found.append((file, np.hstack([centre - half, centre + half]), rows[:, 0].astype(int)))
    return found


def pictures(files: list[str], imgsz: int):
    """Return images (B, 3, imgsz, imgsz), RGB in 0..1, stretched to a square."""
    read = [cv2.resize(cv2.imread(file), (imgsz, imgsz), interpolation=cv2.INTER_AREA)[..., ::-1] for file in files]
    return torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2).float() / 255


def features(network, boxes, imgsz: int, batch: int) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Return layer -> mean of its output in each box (boxes, channels), and the boxes' classes."""
    outputs: dict[int, torch.Tensor] = {}
    layers = list(network.model)[:-1]  # all but the head
    hooks = [
        layer.register_forward_hook(lambda _, __, output, i=i: outputs.__setitem__(i, output))
        for i, layer in enumerate(layers)
    ]
    found: dict[int, list[np.ndarray]] = {i: [] for i in range(len(layers))}
    with torch.no_grad():
        for i in range(0, len(boxes), batch):
            part = boxes[i : i + batch]
            network(pictures([file for file, _, _ in part], imgsz))
            corners = [torch.tensor(b, dtype=torch.float32) for _, b, _ in part]
            for layer, output in outputs.items():
                side = output.shape[-1]
                pooled = roi_align(output, [c * side for c in corners], 1, sampling_ratio=4, aligned=True)
                found[layer].append(pooled.flatten(1).numpy())
    for hook in hooks:
        hook.remove()
    return {i: np.concatenate(parts) for i, parts in found.items()}, np.concatenate([c for _, _, c in boxes])


def probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """Return the balanced accuracy of a linear classifier, in percent."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
    return 100 * balanced_accuracy_score(truth, classifier.fit(train, labels).predict(test))


def main() -> None:
    """Probe the starts and print the table."""
    parser = machine.make_parser(__doc__, data="aquarium.yaml", imgsz=320, batch=16)
    parser.add_argument("--model", default="yolo11n.yaml", help="the detector's YAML")
    parser.add_argument("--starts", nargs="+", default=["random="], metavar="NAME=FILE", help="no file: random weights")
    parser.add_argument("--saw-colour", nargs="*", default=["coco"], help="starts whose statistics are kept")
    parser.add_argument("--layers", nargs="+", type=int, default=[0, 2, 4, 6, 8, 10, 16, 19, 22])
    parser.add_argument("--share", type=int, default=100, help="share of the labelled training images, in percent")
    args = parser.parse_args()
    print(machine.describe("scikit-learn"), flush=True)
    train, val = boxes_of(args.data, "train"), boxes_of(args.data, "val")
    np.random.default_rng(0).shuffle(train)
    files = [file for file, _, _ in train]
    train = train[: max(1, round(len(train) * args.share / 100))]
    rows = {}
    for start in args.starts:
        name, _, weights = start.partition("=")
        network = detector(args.model, weights)
        if name not in args.saw_colour:
            starting = range(0, min(len(files), STATISTICS * args.batch), args.batch)
            recompute(network, (pictures(files[i : i + args.batch], args.imgsz) for i in starting))
        (known, labels), (unknown, truth) = (features(network, b, args.imgsz, args.batch) for b in (train, val))
        rows[name] = [probe(known[i], labels, unknown[i], truth) for i in args.layers]
        print(name, " ".join(f"{value:.1f}" for value in rows[name]), flush=True)
    counts = f"{sum(len(c) for *_, c in train)} training boxes, {len(truth)} test boxes, {len(set(truth))} classes"
    print(f"\n{args.data}, {args.imgsz} px, {counts}; balanced accuracy in percent\n")
    table = [[name, *(f"{value:.1f}" for value in row)] for name, row in rows.items()]
    print(runs.tabulate(["layer", *map(str, args.layers)], table))


if __name__ == "__main__":
    main()
