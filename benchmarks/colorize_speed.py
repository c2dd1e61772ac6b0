"""A colouriser's training speed: tintbox inside Ultralytics' trainer against an ordinary PyTorch loop.

    python benchmarks/colorize_speed.py [--model colorize-unet.yaml] [--batch 100] [--epochs 6]
    python benchmarks/colorize_speed.py --model yolo11n-colorize.yaml --data bccd.yaml --imgsz 320 --batch 16

Both train the same network on the same images with the same batch size, optimizer and number of threads, with
alternating epochs, each in a process of its own. The ordinary loop has all data in tensors beforehand: it does what the
assignment's notebook does, without its per-image Python. Ours is the real trainer with its loader, labels,
augmentation, gradient clipping, moving average and progress bar. The last line shows what validation, saving and
plotting add to an epoch.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import statistics
import tempfile
import time

import torch
from torch.nn.functional import cross_entropy
from ultralytics import YOLO

import machine
from tintbox.colorization.batch import reduce
from tintbox.colorization.grey import grey_input
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.threads import PATIENCE, SECONDS

WARM = 1  # warm-up epochs, not counted


class PlainLoop:
    """The ordinary loop: tensors, model, cross-entropy, Adam, in float32.

    Args:
        pictures: (N, 3, H, W), uint8.
        model: The colouriser's YAML.
        palette: Its palette, described.
        batch: Images per batch.
        device: Where to train.
    """

    def __init__(self, pictures: torch.Tensor, model: str, palette: dict, batch: int, device: str) -> None:
        torch.manual_seed(0)
        colours = Palette.from_dict(palette)
        self.network = ColorizeModel(model, palette=colours, verbose=False).to(device).train()
        grey = grey_input(pictures, self.network.yaml["channels"], colours.scale)
        self.grey = torch.empty(grey.shape, device=device).copy_(grey)  # in an ordinary memory layout
        small = reduce(pictures, self.network.output_stride).permute(0, 2, 3, 1)
        self.targets = {name: (values if values.is_floating_point() else values.long()).to(device)
                        for name, values in colours.targets(small).items()}  # fmt: skip
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.batch = batch

    def loss(self, scores: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of some images' scores (B, K, h, w), with hard or soft targets."""
        if "near" not in self.targets:
            return cross_entropy(scores, self.targets["label"][rows])
        near, share = (self.targets[name][rows].permute(0, 3, 1, 2) for name in ("near", "share"))
        return -(scores.log_softmax(1).gather(1, near) * share).sum(1).mean()

    def epoch(self) -> None:
        """Train one epoch."""
        for rows in torch.randperm(len(self.grey)).split(self.batch):
            self.optimizer.zero_grad()
            loss = self.loss(self.network(self.grey[rows]), rows)
            loss.backward()
            self.optimizer.step()
            loss.item()


def train_plainly(threads: int, connection, **arguments) -> None:
    """Train and time an epoch of a plain loop for each message, until it is None."""
    torch.set_num_threads(threads)
    loop = PlainLoop(**arguments)
    while connection.recv():
        start = time.perf_counter()
        loop.epoch()
        connection.send(time.perf_counter() - start)


class Timer:
    """Callbacks that let another process train a plain epoch before each of the trainer's epochs and time all parts."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.plain: list[float] = []
        self.ours: list[float] = []
        self.rest: list[float] = []
        self.images, self.device = 0, ""
        self.connection = None
        self.mark = 0.0

    def on_train_start(self, trainer) -> None:
        """Start the process of the plain loop."""
        pictures = trainer.train_loader.dataset.memory
        self.images, self.device = len(pictures), pictures.device.type  # on the GPU, if there is one, for both
        self.connection, other = multiprocessing.Pipe()
        arguments = {"pictures": pictures.cpu().permute(0, 3, 1, 2), "model": self.model, "batch": trainer.batch_size,
                     "palette": trainer.palette.as_dict(), "device": self.device}  # fmt: skip
        multiprocessing.get_context("spawn").Process(
            target=train_plainly, args=(torch.get_num_threads(), other), kwargs=arguments, daemon=True
        ).start()
        other.close()  # so that a failure there ends this program, too

    def on_train_epoch_start(self, trainer) -> None:
        """Have a plain epoch trained; then start timing ours."""
        self.connection.send(True)
        self.plain.append(self.connection.recv())
        if self.device == "cpu" and torch.get_num_threads() > 1:  # or the trainer would still spare that core
            time.sleep((PATIENCE + 2) * SECONDS)
        self.mark = time.perf_counter()

    def on_train_epoch_end(self, trainer) -> None:
        """Stop timing our epoch; start timing validation, saving and plotting."""
        self.ours.append(time.perf_counter() - self.mark)
        self.mark = time.perf_counter()

    def on_fit_epoch_end(self, trainer) -> None:
        """Stop timing validation, saving and plotting."""
        self.rest.append(time.perf_counter() - self.mark)

    def on_train_end(self, trainer) -> None:
        """End the plain loop."""
        self.connection.send(None)


def main() -> None:
    """Measure and print."""
    parser = machine.make_parser(__doc__, model="colorize-unet.yaml", data="cifar10-horses.yaml", imgsz=32, batch=100,
                                 epochs=6)  # fmt: skip
    parser.add_argument("--amp", default="true", help="Ultralytics' amp=, e.g. false")
    args = parser.parse_args()
    print(machine.describe())

    model, timer = YOLO(args.model), Timer(args.model)
    for event in (name for name in dir(timer) if name.startswith("on_")):
        model.add_callback(event, getattr(timer, event))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model.train(data=args.data, imgsz=args.imgsz, batch=args.batch, epochs=args.epochs + WARM, project=folder,
                    cache="ram", amp={"true": True, "false": False}.get(args.amp, args.amp))  # fmt: skip
    plain, ours, rest = (times[WARM : args.epochs + WARM] for times in (timer.plain, timer.ours, timer.rest))
    ratios = [p / o for p, o in zip(plain, ours)]
    where = torch.cuda.get_device_name() if timer.device == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{args.model}, batch {args.batch}, {where}, n = {args.epochs} epochs each; "
          "median (lowest to highest)")  # fmt: skip
    print(f"ordinary loop   {machine.spread([timer.images / t for t in plain], 0)} images/s")
    print(f"tintbox         {machine.spread([timer.images / t for t in ours], 0)} images/s")
    print(f"ratio           {machine.spread(ratios, 2)}")
    whole, usual = (25 * statistics.median(times) for times in (ours, plain))
    print(f"25 epochs       {whole:.2f} s; the ordinary loop {usual:.2f} s")
    print(f"validation, saving, plotting: {machine.spread([100 * r / o for r, o in zip(rest, ours)], 1)} % of an epoch")


if __name__ == "__main__":
    main()
