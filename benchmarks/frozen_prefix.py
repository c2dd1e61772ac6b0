"""Where the time of a training step goes, with and without a frozen backbone: the remaining cost of a frozen prefix.

    python benchmarks/frozen_prefix.py --model yolo11n.pt [--steps 20] [--imgsz 320] [--batch 16]

One model, one batch of random images and boxes. The parts of a step are timed in this process, with frozen and unfrozen
steps alternating: the forward pass of the backbone, that of neck and head, the loss, the backward pass, the optimizer
step, and the update of the moving average. "frozen, no_grad" runs the backbone under `torch.no_grad`, which shows the
remaining cost of autograd there; "fused" also folds its BatchNorms into the convolutions, which tintbox does not do
because it changes the last bits of the result.
"""

from __future__ import annotations

import contextlib
import copy
import statistics
import time
from itertools import pairwise
from pathlib import Path

import torch
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.utils.torch_utils import ModelEMA, fuse_conv_and_bn

import machine
import runs

PARTS = ("backbone", "neck and head", "loss", "backward", "optimizer", "moving average")
WAYS = ("unfrozen", "frozen", "frozen, no_grad", "frozen, fused")


def build(model: str, way: str, imgsz: int, batch: int):
    """Return a function that runs one step and returns the seconds of its parts."""
    torch.manual_seed(0)
    network = YOLO(model).model.train()
    network.args = get_cfg()
    layers = len(network.yaml["backbone"])
    for name, parameter in network.named_parameters():
        parameter.requires_grad = way == "unfrozen" or int(name.split(".")[1]) >= layers
        if name.endswith("dfl.conv.weight"):
            parameter.requires_grad = False
    if way != "unfrozen":
        network.model[:layers].eval()
    if way == "frozen, fused":
        for module in network.model[:layers].modules():
            if hasattr(module, "bn") and hasattr(module, "conv"):
                module.conv = fuse_conv_and_bn(module.conv, module.bn).requires_grad_(False)
                module.forward = module.forward_fuse
    average = ModelEMA(copy.deepcopy(network) if way != "frozen, fused" else YOLO(model).model)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-6)
    count = 8 * batch
    pictures = {
        "img": torch.rand(batch, 3, imgsz, imgsz), "batch_idx": torch.arange(count) // 8,
        "cls": torch.randint(0, 3, (count, 1)).float(), "bboxes": torch.rand(count, 4) * 0.3 + 0.2,
    }  # fmt: skip
    save = network.save

    def step() -> list[float]:
        marks = [time.perf_counter()]
        with torch.no_grad() if way in WAYS[2:] else contextlib.nullcontext():
            x, kept = pictures["img"], []
            for layer in network.model[:layers]:
                x = layer(x if layer.f == -1 else [x if j == -1 else kept[j] for j in layer.f])
                kept.append(x if layer.i in save else None)
        marks.append(time.perf_counter())
        for layer in network.model[layers:]:
            if layer.f != -1:
                x = kept[layer.f] if isinstance(layer.f, int) else [x if j == -1 else kept[j] for j in layer.f]
            x = layer(x)
            kept.append(x if layer.i in save else None)
        marks.append(time.perf_counter())
        loss = network.loss(pictures, x)[0].sum()
        marks.append(time.perf_counter())
        loss.backward()
        marks.append(time.perf_counter())
        optimizer.step()
        optimizer.zero_grad()
        marks.append(time.perf_counter())
        if way != "frozen, fused":
            average.update(network)
        marks.append(time.perf_counter())
        return [b - a for a, b in pairwise(marks)]

    return step


def main() -> None:
    """Time all ways alternately and print the medians."""
    parser = machine.make_parser(__doc__, model="yolo11n.pt", steps=20, imgsz=320, batch=16)
    args = parser.parse_args()
    print(machine.describe())
    steps = {way: build(args.model, way, args.imgsz, args.batch) for way in WAYS}
    seconds: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for i in range(args.steps + 2):
        for way, step in steps.items():
            parts = step()
            if i >= 2:  # the first ones warm up
                seconds[way].append(parts)
    print(f"\n{Path(args.model).name}, {args.imgsz} px, batch {args.batch}: milliseconds, median of {args.steps}\n")
    table = []
    for way, rows in seconds.items():
        medians = [statistics.median(column) for column in zip(*rows)] + [statistics.median(map(sum, rows))]
        table.append([way, *(f"{1000 * value:.1f}" for value in medians)])
    print(runs.tabulate(["", *PARTS, "step"], table))


if __name__ == "__main__":
    main()
