"""The assignment's own figures, for ours to stand beside.

The colourisers' are from eleven public runs of its notebook (2022) after 25 epochs: lowest and highest. The detector's
are of its own run: YOLOv3 on coco128 at 640 pixels, validated on the training pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

NETWORKS = {"colorize-pool": "PoolUpsampleNet", "colorize-convt": "ConvTransposeNet", "colorize-unet": "UNet"}


@dataclass(frozen=True)
class Range:
    """What public runs of one network reached: validation loss in nats and pixel accuracy in 0..1, from and to."""

    loss: tuple[float, float]
    accuracy: tuple[float, float]


COLOURISERS = {
    "PoolUpsampleNet": Range((1.578, 1.589), (0.411, 0.413)),
    "ConvTransposeNet": Range((1.143, 1.157), (0.548, 0.555)),
    "UNet": Range((1.033, 1.075), (0.575, 0.593)),
}
DETECTOR = {1: (0.795, 0.573), 5: (0.806, 0.585)}  # epoch -> mAP50, mAP50-95


def pool_complexity(
    size: int, kernel: int = 3, filters: int = 32, colours: int = 24, inputs: int = 1
) -> dict[str, int]:
    """Return weights, outputs and connections of PoolUpsampleNet for square pictures, by Part A's closed forms.

    With k the kernel, F the filters, C the colours, I the input channels and s = (size / 32)^2; biases and both
    parameters of every batch norm count as weights, pooling, upsampling and batch norms as layers.

    Args:
        size: Side of the picture in pixels, a multiple of 32.
        kernel: Side of the kernels.
        filters: Channels of the first layer.
        colours: Channels of the output.
        inputs: Channels of the input.
    """
    area, square = (size // 32) ** 2, kernel**2
    parameters = inputs * filters + 4 * filters**2 + filters * colours + colours**2
    convolutions = 1024 * inputs * filters + 640 * filters**2 + 256 * filters * colours + 1024 * colours**2
    return {
        "weights": square * parameters + 12 * filters + 4 * colours,
        "outputs": area * (2880 * filters + 3328 * colours),
        "connections": area * (square * convolutions + 2432 * filters + 2048 * colours),
    }
