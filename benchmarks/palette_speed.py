"""How fast Palette.encode is on a 1000 x 1000 picture, beside plain numpy.

Use: ``python benchmarks/palette_speed.py [PHOTO]``. A palette's first call has no table yet, the second makes one, and
a steady call looks up. All are timed on random noise, the worst case, and on a photo if one is given. The plain version
is all K distances in float64 by broadcasting, and its result must be equal.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import machine
import numpy as np

from tintbox.colorization.palette import Palette

SIDE = 1000
FIRST, STEADY, PLAIN = 15, 50, 3  # repetitions


def plain(image: np.ndarray, palette: Palette) -> np.ndarray:
    """Return the index of the nearest colour ``(H, W)`` of a uint8 picture ``(H, W, 3)``."""
    levels = palette.colours * palette.scale
    return ((image[:, :, None].astype(np.float64) - levels) ** 2).sum(-1).argmin(-1).astype(np.uint8)


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long ``call`` takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def line(what: str, times: list[float]) -> str:
    """Return one row: n, median, and the spread as the quartiles and the range."""
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
            sys.exit(f"{photo}: no readable picture; give the path to a photo")
        pictures["photo"] = cv2.cvtColor(cv2.resize(picture, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
    print(f"{machine.describe()}, load {os.getloadavg()[0]:.1f}")
    print(f"{SIDE} x {SIDE} uint8, K={len(palette)}")
    for name, image in pictures.items():
        print(name)
        first, second = [], []
        for _ in range(FIRST):
            fresh = Palette(palette.colours, palette.scale)
            for times in (first, second):
                times.append(milliseconds(lambda fresh=fresh, image=image: fresh.encode(image)))
        print(line("first call", first))
        print(line("second call", second))
        print(
            line("steady", [milliseconds(lambda fresh=fresh, image=image: fresh.encode(image)) for _ in range(STEADY)])
        )
        print(line("plain numpy", [milliseconds(lambda image=image: plain(image, palette)) for _ in range(PLAIN)]))
        if not np.array_equal(fresh.encode(image), plain(image, palette)):
            sys.exit("encode and plain numpy differ")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
