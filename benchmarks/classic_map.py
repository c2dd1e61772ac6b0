"""The mAP of classic models for docs/anchor.md: each is imported, then evaluated by `yolo val`.

    python benchmarks/classic_map.py coco.yaml yolov5n.pt@640@0.6 yolo-fastest-1.1.weights@320@0.45 ...

A model is a classic checkpoint, or a Darknet `.weights` file with its `.cfg` next to it, followed by the image size and
the IoU threshold of NMS.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ultralytics import YOLO

import machine
import runs
from tintbox.plugins.anchor.importing import import_legacy


def measure(data: str, weights: Path, pixels: int, iou: float) -> tuple[float, float]:
    """Return mAP50 and mAP50-95 in percent, at conf 0.001."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{weights.stem}.pt")
        import_legacy(weights, file)
        found = YOLO(file).val(
            data=data, imgsz=pixels, iou=iou, conf=0.001, batch=8, workers=0, plots=False, project=folder, verbose=False
        )
    return 100 * found.box.map50, 100 * found.box.map


def main() -> None:
    """Print the table."""
    data, *models = sys.argv[1:]
    rows = []
    for weights, pixels, iou in (model.rsplit("@", 2) for model in models):
        map50, map95 = measure(data, Path(weights), int(pixels), float(iou))
        rows.append([Path(weights).stem, f"{pixels}, {iou}", f"{map50:.1f}, {map95:.1f}"])
    print(f"{machine.describe()}\n\n{runs.tabulate(['model', 'pixels, IoU of NMS', 'mAP50, mAP50-95'], rows)}")


if __name__ == "__main__":
    main()
