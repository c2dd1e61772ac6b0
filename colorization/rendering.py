"""Rendering of a network's scores, or of labels, as images in colour."""

from __future__ import annotations

import torch

from tintbox.colorization.balance import annealed_mean
from tintbox.colorization.lab import lab_to_rgb, lightness
from tintbox.colorization.lab_palette import LabPalette
from tintbox.colorization.palette_base import BasePalette


def readout(palette: BasePalette, scores: torch.Tensor) -> torch.Tensor:
    """Convert scores (B, K, h, w) to values that can be upsampled.

    These are the scores themselves if the most likely colour is taken, else the annealed mean of the class values: red,
    green and blue (B, 3, h, w), or a and b (B, 2, h, w) for a palette without lightness.
    """
    if palette.temperature == 0 and not isinstance(palette, LabPalette):
        return scores
    return annealed_mean(scores, torch.tensor(palette.table), palette.temperature)


def interpolate_rows(values: torch.Tensor, height: int, rows: slice) -> torch.Tensor:
    """Interpolate values (B, C, h, w) along their height, and return some ``rows`` of the result (B, C, height, w).

    Rows have the same places as in ``F.interpolate`` with ``align_corners=False``, which cannot compute a part.
    """
    last = values.shape[2] - 1
    scale = torch.tensor(values.shape[2] / height, dtype=torch.float32).double()  # rounded, as there
    places = torch.arange(rows.start, rows.stop, dtype=torch.float64).add_(0.5).mul_(scale).sub_(0.5).clamp_(0, last)
    low = places.long()
    share = (places - low).to(values)[:, None]
    low = low.to(values.device)
    return values[:, :, low] * (1 - share) + values[:, :, (low + 1).clamp(max=last)] * share


def render(palette: BasePalette, values: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Render the output of `readout`, upsampled to (B, C, H, W), as images (B, H, W, 3), uint8.

    Args:
        palette: The palette of the readout.
        values: ``(B, C, H, W)``.
        pictures: ``(B, H, W, 3)``, uint8, the input; used only for its lightness, by palettes that have none.
    """
    if isinstance(palette, LabPalette):
        light = lightness(pictures)[..., None]
        rgb = lab_to_rgb(torch.cat((light, values.permute(0, 2, 3, 1).to(light)), -1))
        return rgb.mul_(255).round_().to(torch.uint8)
    return palette.to_pixels(values.permute(0, 2, 3, 1)) if palette.temperature else palette.decode(values)


def show(palette: BasePalette, labels: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Render labels (B, h, w) as images (B, H, W, 3), uint8; H = s h, W = s w.

    If the palette has no lightness, it is taken from ``pictures`` (B, H, W, 3), uint8.
    """
    times = pictures.shape[1] // labels.shape[1]
    large = labels.repeat_interleave(times, 1).repeat_interleave(times, 2) if times > 1 else labels
    if not isinstance(palette, LabPalette):
        return palette.decode(large)
    ab = torch.tensor(palette.bins, dtype=torch.float32, device=labels.device)[large.long()]
    return render(palette, ab.permute(0, 3, 1, 2), pictures)
