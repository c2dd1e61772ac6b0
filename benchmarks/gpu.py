"""GPU benchmarks: the rows of docs/speed.md that need a GPU, and the tests that need one.

    python benchmarks/gpu.py --model yolo11n.pt

Runs the other benchmarks one after the other on a CUDA device: a colouriser's training against an ordinary loop on the
same device, 25 epochs of 5,000 images; a detector's steps and whole epochs with and without amp=auto; and the tests
marked `gpu`. Each prints its own table, with versions and hardware.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
VARIANTS = ["stock", "amp=auto", "amp=auto freeze=backbone"]


def list_commands(model: str) -> list[list[str]]:
    """Return the commands to run, as arguments for Python."""
    scripts = {
        "colorize_speed.py": ["--model", "colorize-unet.yaml", "--epochs", "25"],
        "finetune_speed.py": ["--model", model, "--imgsz", "640", "--batch", "16", "--variants", *VARIANTS],
        "epoch_profile.py": ["--model", model, "--imgsz", "640", "--fraction", "1", "--variants", *VARIANTS],
    }
    tests = ["-m", "pytest", "-q", "-n0", "-m", "gpu", str(HERE.parent / "tests")]
    return [*([str(HERE / name), *words] for name, words in scripts.items()), tests]


def main() -> None:
    """Run all commands, continuing after failures; the exit status is the number of failures."""
    import torch

    parser = machine.make_parser(__doc__)
    parser.add_argument("--model", default="yolo11n.pt", help="the pretrained checkpoint")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device: nothing to measure")
    print(torch.cuda.get_device_name(), flush=True)
    failed = 0
    for words in list_commands(args.model):
        print(f"\n$ python {' '.join(words)}", flush=True)
        failed += subprocess.run([sys.executable, *words], check=False).returncode != 0
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
