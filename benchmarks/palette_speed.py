"""Speed of Palette.encode, compared to plain numpy and to a lookup table filled by scipy's cKDTree.

``python benchmarks/palette_speed.py [PHOTO]`` encodes 1000 x 1000 images. A palette's first call has no table yet, the
second builds one, and later calls look up. All are timed on random noise, the worst case, and on a photo if one is
given. The plain version computes all K distances in float64 by broadcasting; its result must be equal.

``python benchmarks/palette_speed.py --epochs N`` trains colorize-pool on CIFAR-10's horses instead, alternating runs of
N epochs with either table, and reports the time of the first epoch and of the later ones.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from scipy.spatial import cKDTree

import machine
from tintbox.colorization import palette as palette_module
from tintbox.colorization.nearest import NearestColours
from tintbox.colorization.palette import Palette

SIDE = 1000
FIRST, PLAIN, TREE = 15, 3, 7  # repetitions
CALLS = {"first": 1, "second": 1, "later": 4}  # of a new palette
RUNS = 3  # of each table, with --epochs


class TreeColours(NearestColours):
    """The nearest colours by a table of all 8-bit pixels, filled by scipy's cKDTree on demand."""

    UNKNOWN = 65535

    def __init__(self, colours: np.ndarray, scale: float) -> None:
        """Take colours (K, 3) in [0, 1], and the divisor that maps 8-bit values to that range."""
        super().__init__(colours, scale)
        self.tree = cKDTree(colours * scale)
        self.found = np.full(1 << 24, self.UNKNOWN, np.uint16)

    def of_bytes(self, pixels: Any) -> Any:
        """Return the indices (N,) of uint8 pixels (N, 3)."""
        red, green, blue = np.asarray(pixels).astype(np.int32).T
        codes = red << 16 | green << 8 | blue
        indices = self.found.take(codes)
        missed = np.unique(codes[indices == self.UNKNOWN])
        if len(missed):
            self.found[missed] = self.tree.query(np.stack((missed >> 16, missed >> 8 & 255, missed & 255), 1))[1]
            indices = self.found.take(codes)
        return indices


TABLES = {"tintbox": NearestColours, "cKDTree": TreeColours}


@contextlib.contextmanager
def tables_by(name: str):
    """Make new palettes use one of `TABLES`."""
    palette_module.NearestColours = TABLES[name]  # type: ignore[misc]
    try:
        yield
    finally:
        palette_module.NearestColours = NearestColours  # type: ignore[misc]


def plain(image: np.ndarray, palette: Palette) -> np.ndarray:
    """Return the indices of the nearest colours ``(H, W)`` for a uint8 image ``(H, W, 3)``."""
    levels = palette.colours * palette.scale
    return ((image[:, :, None].astype(np.float64) - levels) ** 2).sum(-1).argmin(-1).astype(np.uint8)


def milliseconds(call: Callable[[], object]) -> float:
    """Return the milliseconds that ``call`` takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def line(what: str, times: list[float]) -> str:
    """Return one row: n, median, quartiles and range."""
    low, median, high = statistics.quantiles(times, n=4)
    spread = f"quartiles {low:.1f} to {high:.1f}, range {min(times):.1f} to {max(times):.1f}"
    return f"  {what:<14} n={len(times):<3} median {median:8.1f} ms  ({spread})"


def main(photo: str | None) -> None:
    """Print the table."""
    palette = Palette.load("horses24")
    pictures = {"noise": np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)}
    if photo:
        picture = cv2.imread(photo)
        if picture is None:
            sys.exit(f"{photo}: not a readable image; give the path of a photo")
        pictures["photo"] = cv2.cvtColor(cv2.resize(picture, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
    print(f"{machine.describe()}, load {os.getloadavg()[0]:.1f}")
    print(f"{SIDE} x {SIDE} uint8, K={len(palette)}")
    for name, image in pictures.items():
        print(name)
        times: dict[str, list[float]] = {f"{table}, {call}": [] for table in TABLES for call in CALLS}
        for i in range(FIRST):
            for table in TABLES if i < TREE else ["tintbox"]:
                with tables_by(table):
                    fresh = Palette(palette.colours, palette.scale)
                for call, repetitions in CALLS.items():
                    for _ in range(repetitions):
                        times[f"{table}, {call}"].append(milliseconds(partial(fresh.encode, image)))
        for what, own in times.items():
            print(line(what, own))
        print(line("plain numpy", [milliseconds(partial(plain, image, palette)) for _ in range(PLAIN)]))
        if not np.array_equal(Palette(palette.colours, palette.scale).encode(image), plain(image, palette)):
            sys.exit("encode and plain numpy differ")


def train(epochs: int) -> None:
    """Print the seconds per training epoch with either table."""
    from ultralytics import YOLO  # sets OpenMP's threads to 1

    seconds: dict[str, list[list[float]]] = {table: [] for table in TABLES}
    for table in list(TABLES) * RUNS:
        marks: list[float] = []
        model = YOLO("colorize-pool.yaml")
        for event in ("on_train_epoch_start", "on_train_epoch_end"):
            model.add_callback(event, lambda _, marks=marks: marks.append(time.perf_counter()))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), tables_by(table):
            model.train(data="cifar10-horses.yaml", imgsz=32, batch=100, epochs=epochs, project=folder, plots=False)
        seconds[table].append([end - start for start, end in zip(marks[::2], marks[1::2])])
    print(f"{machine.describe()}\ncolorize-pool on CIFAR-10's horses, {RUNS} runs of {epochs} epochs each, seconds")
    for table, runs in seconds.items():
        first, later = [run[0] for run in runs], [second for run in runs for second in run[1:]]
        print(f"{table:<8} first epoch {machine.spread(first, 2)}, later ones {machine.spread(later, 2)}")


if __name__ == "__main__":
    parser = machine.make_parser(__doc__, epochs=0)
    parser.add_argument("photo", nargs="?")
    arguments = parser.parse_args()
    train(arguments.epochs) if arguments.epochs else main(arguments.photo)
