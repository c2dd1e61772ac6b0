"""The grey input that a colouriser gets from an image in colour."""

from __future__ import annotations

import torch


def grey_input(pictures: torch.Tensor, channels: int, scale: float) -> torch.Tensor:
    """Convert RGB (or BGR) images to a network's input: the mean of the three channels, divided by ``scale``.

    Args:
        pictures: (B, 3, H, W), uint8.
        channels: 1, or 3 to repeat the grey channel three times.
        scale: Divisor of the 8-bit values.

    Returns:
        (B, channels, H, W), float32 in about [0, 1].
    """
    red, green, blue = pictures.unbind(1)
    grey = (red.float() + green + blue) / 3 / scale  # (B, H, W), in a third of the time of `mean`
    # Strides of channels_last for one channel, too: else concatenations copy it.
    grey = grey[..., None].permute(0, 3, 1, 2)
    return grey if channels == 1 else grey.expand(-1, channels, -1, -1)


def one_channel(img: torch.Tensor, rgb: torch.Tensor, scale: float, chance: float) -> torch.Tensor:
    """Drop input channels at random: some images keep one colour channel, times three, and zeros in the other two.

    Equal channels teach the first layer nothing about how its three inputs differ, and the detector's will differ.

    Args:
        img: The network's input without dropout: the grey three times, (B, 3, H, W).
        rgb: The images, (B, 3, H, W), uint8.
        scale: Divisor of the 8-bit values.
        chance: Probability for each image.

    Returns:
        (B, 3, H, W), float32.
    """
    batch = len(img)
    kept = torch.randint(3, (batch,))
    alone = 3 * torch.nn.functional.one_hot(kept, 3).float() / scale  # (B, 3)
    chosen = (torch.rand(batch) < chance).to(img.device)[:, None, None, None]
    return torch.where(chosen, rgb.float() * alone.to(img.device)[:, :, None, None], img)
