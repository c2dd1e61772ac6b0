"""Plots of a run: sample grids, and the palette with its shares."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tintbox import figures
from tintbox.colorization.decoding import write_picture

SHOWN = 8  # images in a grid
MIN_SIDE, MAX_SIDE = 96, 256  # of an image in a grid, in pixels
MARGIN, HEADER = 4, 18
DPI = 120


def sample_grid(rows: dict[str, np.ndarray], path: Path) -> None:
    """Save a grid of images with one titled row per entry, such as grey, truth and prediction.

    Args:
        rows: Title -> images (N, H, W, 3), uint8 RGB; every row has the same shape.
        path: The image file to write.
    """
    side = next(iter(rows.values())).shape[1]
    zoom = max(1, -(-MIN_SIDE // side)) if side < MIN_SIDE else min(1.0, MAX_SIDE / side)
    strips = []
    for title, pictures in rows.items():
        shown = [enlarge(picture, zoom) for picture in pictures[:SHOWN]]
        strip = np.hstack([np.pad(p, ((MARGIN,) * 2, (MARGIN,) * 2, (0, 0)), constant_values=255) for p in shown])
        header = np.full((HEADER, strip.shape[1], 3), 255, np.uint8)
        cv2.putText(header, title, (MARGIN, HEADER - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
        strips += [header, strip]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, np.vstack(strips)[..., ::-1])


def enlarge(picture: np.ndarray, zoom: float) -> np.ndarray:
    """Return an image (H, W, 3) enlarged with sharp pixels, or reduced smoothly."""
    how = cv2.INTER_NEAREST if zoom >= 1 else cv2.INTER_AREA
    return cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=how)


def palette_chart(colours: np.ndarray, shares: np.ndarray, path: Path) -> None:
    """Save a bar chart of each palette colour's share of the training pixels.

    Args:
        colours: (K, 3), uint8 RGB.
        shares: (K,), summing to 1.
        path: The image file to write.
    """
    from matplotlib.figure import Figure  # slow to import, and not needed for prediction

    figure = Figure(figsize=(min(max(6.0, 0.25 * len(colours)), 24.0), 3.0), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(colours)), 100 * shares, color=colours / 255, edgecolor="0.5", linewidth=0.5)
    axes.set(xlabel="palette colour", ylabel="% of training pixels", title=f"{len(colours)} colours")
    figures.save(figure, path, DPI)
