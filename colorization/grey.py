"""What a colouriser sees of a picture in colour."""

from __future__ import annotations

import torch


def grey_input(pictures: torch.Tensor, channels: int, scale: float) -> torch.Tensor:
    """Return what a network sees of RGB (or BGR) pictures: the mean of the three, divided by ``scale``.

    Args:
        pictures: (B, 3, H, W), uint8.
        channels: 1, or 3 for the same grey three times.
        scale: What 8-bit values are divided by.

    Returns:
        (B, channels, H, W), float32 in about [0, 1].
    """
    # Over the last axis: one channel gets channels_last strides too, else every concatenation with it is copied.
    grey = (pictures.permute(0, 2, 3, 1).float().mean(-1, keepdim=True) / scale).permute(0, 3, 1, 2)
    return grey if channels == 1 else grey.expand(-1, channels, -1, -1)


def one_channel(img: torch.Tensor, rgb: torch.Tensor, scale: float, chance: float) -> torch.Tensor:
    """Show some pictures as one of their colour channels, times three, and nothing in the other two.

    Dropout of input channels: equal channels teach the first layer nothing about how its three inputs differ, and the
    detector's will differ.

    Args:
        img: What the network would see: the grey three times, (B, 3, H, W).
        rgb: The pictures, (B, 3, H, W), uint8.
        scale: What 8-bit values are divided by.
        chance: Probability for each picture.

    Returns:
        (B, 3, H, W), float32.
    """
    batch = len(img)
    kept = torch.randint(3, (batch,))
    alone = 3 * torch.nn.functional.one_hot(kept, 3).float() / scale  # (B, 3)
    chosen = (torch.rand(batch) < chance).to(img.device)[:, None, None, None]
    return torch.where(chosen, rgb.float() * alone.to(img.device)[:, :, None, None], img)
