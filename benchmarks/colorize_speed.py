"""Training speed on the real horses: tintbox inside Ultralytics' trainer against an ordinary PyTorch loop.

    python benchmarks/colorize_speed.py [--model colorize-unet.yaml] [--batch 100] [--epochs 6]

Both train the same network on the same images with the same batch size, optimizer and number of threads, in one
process with alternating epochs. The ordinary loop has all data in tensors beforehand: it does what the assignment's
notebook does, without its per-image Python. Ours is the real trainer with its loader, labels, augmentation, gradient
clipping, moving average and progress bar. The last line shows what validation, saving and plotting add to an epoch.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile
import time

import torch
from torch.nn.functional import cross_entropy
from ultralytics import YOLO

import machine
from tintbox.colorization.networks import NETWORKS

WARM = 1  # warm-up epochs, not counted


class PlainLoop:
    """The ordinary loop: tensors, model, cross-entropy, Adam."""

    def __init__(self, trainer) -> None:
        spec = trainer.model.yaml
        pictures = trainer.train_loader.dataset.memory  # on the GPU, if there is one, for both
        self.grey = pictures.float().mean(-1)[:, None] / trainer.palette.scale  # (N, 1, H, W), plain strides
        self.labels = trainer.palette.encode(pictures).long()
        torch.manual_seed(0)
        self.network = NETWORKS[spec["network"]](spec["kernel"], spec["num_filters"], spec["nc"], spec["in_channels"])
        self.network.to(pictures.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.batch = trainer.batch_size

    def epoch(self) -> None:
        """Train one epoch."""
        self.network.train()
        for rows in torch.randperm(len(self.grey)).split(self.batch):
            self.optimizer.zero_grad()
            loss = cross_entropy(self.network(self.grey[rows]), self.labels[rows])
            loss.backward()
            self.optimizer.step()
            loss.item()


class Timer:
    """Callbacks that train a plain epoch before each of the trainer's epochs and time all parts."""

    def __init__(self) -> None:
        self.plain: list[float] = []
        self.ours: list[float] = []
        self.rest: list[float] = []
        self.loop: PlainLoop | None = None
        self.mark = 0.0

    def on_train_epoch_start(self, trainer) -> None:
        """Train and time a plain epoch; then start timing ours."""
        torch.use_deterministic_algorithms(False)  # as in an ordinary loop
        self.loop = self.loop or PlainLoop(trainer)
        start = time.perf_counter()
        self.loop.epoch()
        self.plain.append(time.perf_counter() - start)
        torch.use_deterministic_algorithms(trainer.args.deterministic, warn_only=True)
        self.mark = time.perf_counter()

    def on_train_epoch_end(self, trainer) -> None:
        """Stop timing our epoch; start timing validation, saving and plotting."""
        self.ours.append(time.perf_counter() - self.mark)
        self.mark = time.perf_counter()

    def on_fit_epoch_end(self, trainer) -> None:
        """Stop timing validation, saving and plotting."""
        self.rest.append(time.perf_counter() - self.mark)


def main() -> None:
    """Measure and print."""
    parser = machine.make_parser(__doc__, model="colorize-unet.yaml", batch=100, epochs=6)
    parser.add_argument("--amp", default="true", help="Ultralytics' amp=, e.g. false")
    args = parser.parse_args()
    print(machine.describe())

    model, timer = YOLO(args.model), Timer()
    for event in ("on_train_epoch_start", "on_train_epoch_end", "on_fit_epoch_end"):
        model.add_callback(event, getattr(timer, event))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model.train(data="cifar10-horses.yaml", imgsz=32, batch=args.batch, epochs=args.epochs + WARM, project=folder,
                    amp={"true": True, "false": False}.get(args.amp, args.amp))  # fmt: skip
    images = len(timer.loop.grey)
    plain, ours, rest = (times[WARM : args.epochs + WARM] for times in (timer.plain, timer.ours, timer.rest))
    ratios = [p / o for p, o in zip(plain, ours)]
    where = timer.loop.grey.device.type
    where = torch.cuda.get_device_name() if where == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{args.model}, batch {args.batch}, {where}, n = {args.epochs} epochs each; "
          "median (lowest to highest)")  # fmt: skip
    print(f"ordinary loop   {machine.spread([images / t for t in plain], 0)} images/s")
    print(f"tintbox         {machine.spread([images / t for t in ours], 0)} images/s")
    print(f"ratio           {machine.spread(ratios, 2)}")
    whole, usual = (25 * statistics.median(times) for times in (ours, plain))
    print(f"25 epochs       {whole:.2f} s; the ordinary loop {usual:.2f} s")
    print(f"validation, saving, plotting: {machine.spread([100 * r / o for r, o in zip(rest, ours)], 1)} % of an epoch")


if __name__ == "__main__":
    main()
