"""Batch conversion: images to the network's input and the ground truth, and scores to images in colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from tintbox.colorization.grey import grey_input
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.rendering import readout, render, show

BLOCK = 1 << 18  # scores processed at once


def prepare(
    batch: dict[str, Any],
    palette: BasePalette,
    channels: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    output_stride: int = 1,
) -> dict[str, Any]:
    """Convert a loader's batch to what the network, the loss and the metrics need.

    Args:
        batch: Holds ``img``, RGB images (B, 3, H, W), uint8; perhaps also their ``label``.
        palette: The colours of the labels.
        channels: Input channels of the network.
        device: Device of the result.
        dtype: Type of the network's input.
        output_stride: Pixels of the input per pixel of the labels, s.

    Returns:
        The batch with ``img`` (B, channels, H, W) float in about [0, 1]; ``label`` (B, H/s, W/s) int64 and any other
        targets of the palette; ``weights`` (K,) if it is rebalanced; and ``rgb``, the original images.
    """
    pictures = batch["img"]
    if "label" in batch:
        truth = {"label": batch["label"]}
    else:
        with torch.autocast(pictures.device.type, enabled=False):  # on the device of the images, in full precision
            truth = palette.targets(reduce(pictures, output_stride).permute(0, 2, 3, 1))
    if palette.weights is not None:
        truth["weights"] = torch.tensor(palette.weights, dtype=torch.float32)
    truth["label"] = truth["label"].long()
    rgb = pictures.to(device, non_blocking=True)
    img = grey_input(rgb, channels, palette.scale)
    return {
        **batch,
        "img": img.to(dtype),
        **{name: values.to(device, non_blocking=True) for name, values in truth.items()},
        "rgb": rgb,
    }


def reduce(pictures: torch.Tensor, stride: int) -> torch.Tensor:
    """Return images (B, 3, H, W), uint8, averaged over squares of ``stride`` pixels."""
    return F.avg_pool2d(pictures.float(), stride).round().to(torch.uint8) if stride > 1 else pictures


def likeliest(scores: torch.Tensor) -> torch.Tensor:
    """Return the most likely colour of each pixel (B, h, w) for scores (B, K, h, w); ties go to the lower index.

    Images are processed in groups that fit the cache. `argmax` is slow in bfloat16: float32 takes half the time,
    integers a quarter.
    """
    pictures = max(1, BLOCK // scores[0].numel()) if len(scores) else 1
    parts = scores.split(pictures)
    if scores.dtype is torch.bfloat16 and scores.device.type == "cpu":
        return torch.cat([_find_highest(part) for part in parts])
    return torch.cat([part.float().argmax(1) for part in parts])


def _find_highest(scores: torch.Tensor) -> torch.Tensor:
    """Return the index (B, h, w) of the highest of scores (B, K, h, w), bfloat16: like `argmax`, but 0 ranks above -0.

    Read as integers, positive floats keep their order, and all negative ones are below them. The low half of a float32
    that was a bfloat16 is free for the index, counted backwards so that ties go to the lower one. The few pixels with
    negative scores only are done again, with the bits flipped to bring them in order.
    """
    bits = scores.movedim(1, -1).float().view(torch.int32)
    last = bits.shape[-1] - 1
    backwards = torch.arange(last, -1, -1, dtype=torch.int32)
    highest = (bits | backwards).amax(-1)
    negative = highest < 0
    highest[negative] = ((bits[negative] ^ 0x7FFF0000) | backwards).amax(-1)
    return (last - highest.bitwise_and_(0xFFFF)).long()


def paint(palette: BasePalette, scores: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Decode scores (B, K, h, w) to images (B, H, W, 3), uint8, with the shape of ``pictures``."""
    values, size = readout(palette, scores), pictures.shape[1:3]
    if values.shape[2:] != size:
        values = F.interpolate(values, size, mode="bilinear", align_corners=False)
    return render(palette, values, pictures)


def truth_rows(batch: dict[str, Any], palette: BasePalette, n: int) -> dict[str, np.ndarray]:
    """Return the rows of a sample grid that need no model: grey, and the truth in the palette's colours."""
    grey = palette.to_pixels(batch["img"][:n, :1].float()).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    truth = show(palette, batch["label"][:n], batch["rgb"][:n].permute(0, 2, 3, 1))
    return {"grey": grey.cpu().numpy(), "truth in the palette": truth.cpu().numpy()}
