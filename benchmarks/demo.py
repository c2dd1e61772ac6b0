"""`make demo`: train a colouriser on the embedded dataset, colourise images with it, and print where they are.

    python benchmarks/demo.py [--epochs 14] [--folder demo]

It runs the commands that it prints. Everything stays in the folder: it needs no network and has its own Ultralytics
settings.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

YOLO = Path(sys.executable).with_name("yolo")


def yolo(*words: str, quiet: bool = False) -> None:
    """Print and run a `yolo` command."""
    print(f"\n$ yolo {' '.join(words)}", flush=True)
    subprocess.run([YOLO, *words], check=True, stdout=subprocess.DEVNULL if quiet else None)


def main() -> None:
    """Train, predict, and print where everything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--folder", type=Path, default=Path("demo"))
    args = parser.parse_args()
    folder = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(YOLO_OFFLINE="true", YOLO_CONFIG_DIR=str(folder / "settings"), MPLBACKEND="Agg")
    begin = time.perf_counter()
    shutil.rmtree(folder / "runs", ignore_errors=True)
    runs = f"project={folder / 'runs'}"
    yolo("settings", f"datasets_dir={folder / 'datasets'}", f"runs_dir={folder / 'runs'}", quiet=True)
    yolo("colorize", "train", "model=colorize-unet.yaml", "data=fruitbowl.yaml", f"epochs={args.epochs}", runs)
    pictures = folder / "datasets" / "fruitbowl" / "images" / "val"
    yolo("predict", f"model={folder / 'runs/train/weights/best.pt'}", f"source={pictures}", runs, quiet=True)
    with (folder / "runs" / "train" / "results.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    print(
        f"\nDone in {time.perf_counter() - begin:.0f} s. "
        f"{float(last['metrics/accuracy']):.1%} of the validation pixels get the right one of 24 colours; "
        f"PSNR {float(last['metrics/psnr']):.1f} dB. See:\n"
    )
    for what, path in {
        "grey, truth, prediction": f"train/samples/epoch{args.epochs:03d}.png",
        "curves": "train/results.png",
        "palette": "train/palette.png",
        "colourised images": "predict",
    }.items():
        print(f"  {what:25}{folder / 'runs' / path}")


if __name__ == "__main__":
    main()
