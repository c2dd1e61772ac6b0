"""The assignment's own results, for comparison with ours.

Those of the colourisers are the lowest and highest values of eleven public runs of its notebook (2022) after 25 epochs.
Those of the detector are from its own run: YOLOv3 on coco128 at 640 pixels, validated on the training images.
"""

from __future__ import annotations

from dataclasses import dataclass

NETWORKS = {"colorize-pool": "PoolUpsampleNet", "colorize-convt": "ConvTransposeNet", "colorize-unet": "UNet"}


@dataclass(frozen=True)
class Range:
    """Results of public runs of one network: lowest and highest validation loss (nats) and pixel accuracy (0..1)."""

    loss: tuple[float, float]
    accuracy: tuple[float, float]


COLOURISERS = {
    "PoolUpsampleNet": Range((1.578, 1.589), (0.411, 0.413)),
    "ConvTransposeNet": Range((1.143, 1.157), (0.548, 0.555)),
    "UNet": Range((1.033, 1.075), (0.575, 0.593)),
}
DETECTOR = {1: (0.795, 0.573), 5: (0.806, 0.585)}  # epoch -> mAP50, mAP50-95


KERNEL, FILTERS, COLOURS, INPUTS = 3, 32, 24, 1  # of PoolUpsampleNet: kernel side, numbers of channels


def pool_complexity(size: int) -> dict[str, int]:
    """Return weights, outputs and connections of PoolUpsampleNet by the closed forms of Part A.

    ``size`` is the side of a square image in pixels, a multiple of 32. Biases and both parameters of every batch norm
    count as weights; pooling, upsampling and batch norms count as layers.
    """
    area, square = (size // 32) ** 2, KERNEL**2
    parameters = INPUTS * FILTERS + 4 * FILTERS**2 + FILTERS * COLOURS + COLOURS**2
    convolutions = 1024 * INPUTS * FILTERS + 640 * FILTERS**2 + 256 * FILTERS * COLOURS + 1024 * COLOURS**2
    return {
        "weights": square * parameters + 12 * FILTERS + 4 * COLOURS,
        "outputs": area * (2880 * FILTERS + 3328 * COLOURS),
        "connections": area * (square * convolutions + 2432 * FILTERS + 2048 * COLOURS),
    }
