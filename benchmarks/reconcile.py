"""The IoU threshold of `reconcile`: AP of old and new classes by IoU, for the runs of benchmarks/extend.py.

    python benchmarks/reconcile.py --root runs/extend --methods slim "backbone[5:]"

The models are evaluated on the validation images of the old and the new classes together. Objects of one set's classes
are not labelled in the other set's images, so a correct box may count as wrong.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import machine
import runs

IOUS = (None, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)  # None: exact mode, nothing is suppressed


def judge(folder: Path, iou: float | None, imgsz: int) -> tuple[float, float, float]:
    """Return the AP of the old, the new and all classes in percent."""
    from ultralytics import YOLO

    from tintbox.plugins.extend import reconcile

    if iou is not None:
        reconcile.IOU = iou
    model = YOLO(folder / "train0" / "weights" / "last.pt")
    found = model.val(
        data=str(folder / "data" / "all" / "data.yaml"), imgsz=imgsz, batch=16, workers=0, plots=False, verbose=False,
        reconcile=iou is not None, coco_eval={"resamples": 0, "explain": False}, project=str(folder), name="reconcile",
        exist_ok=True,
    ).coco["bbox"]  # fmt: skip
    old = len(model.names) - model.model.model[-1].counts[-1]
    names = list(model.names.values())
    ap = {name: row[0] for name, row in zip(found.names, found.classes)}
    parts = (names[:old], names[old:], names)
    return tuple(100 * float(np.nanmean([ap[name] for name in part])) for part in parts)  # type: ignore[return-value]


def main() -> None:
    """Print a table for every dataset."""
    parser = machine.make_parser(__doc__, imgsz=320)
    parser.add_argument("--root", type=Path, default=Path("runs/extend"), help="the --root of benchmarks/extend.py")
    parser.add_argument("--methods", nargs="+", default=["slim", "backbone[5:]"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args()
    print(machine.describe(), flush=True)
    rows = []
    for file in sorted(args.root.glob(f"*/{runs.RESULT}")):
        result = json.loads(file.read_text())
        if result["method"] in args.methods and result["seed"] in args.seeds and "+" not in result["new"]:
            found = [judge(file.parent, iou, args.imgsz) for iou in IOUS]
            for part, aps in zip(("old", "new", "all"), zip(*found)):
                changes = [f"{ap - aps[0]:+.2f}" for ap in aps[1:]]
                rows.append([result["new"], result["method"], str(result["seed"]), part, f"{aps[0]:.2f}", *changes])
                print(*rows[-1], flush=True)
    print("\n" + runs.tabulate(["new", "method", "seed", "classes", "exact", *map(str, IOUS[1:])], rows))


if __name__ == "__main__":
    main()
