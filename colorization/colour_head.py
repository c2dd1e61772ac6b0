"""The colour head: scores of K colours at a quarter of the input's resolution, from a detector's pyramid levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from ultralytics.nn.modules import Conv

STRIDE = 4  # of the output: with 313 colours, full resolution takes 16 times the memory and time of everything else


class ColourHead(nn.Module):
    """Upsample all levels to the finest one's resolution, add them, upsample the sum to stride 4, and score it.

    The head reads every level that the detector's head reads, so that the loss reaches the whole neck. It reads nothing
    finer: the colours must come from the features that the detector will use.

    Args:
        channels: Channels of each level.
        strides: Strides of the levels, finest first; each is 4 times a power of two.
        num_colours: K.
        width: Channels inside the head.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], num_colours: int, width: int = 64) -> None:
        super().__init__()
        finest = min(strides)
        self.lateral = nn.ModuleList(
            nn.Sequential(Conv(c, width, 1), nn.Upsample(scale_factor=s // finest) if s > finest else nn.Identity())
            for c, s in zip(channels, strides, strict=True)
        )
        self.mix = Conv(width, width, 3)
        steps: list[nn.Module] = []
        while finest > STRIDE:
            steps += [nn.Upsample(scale_factor=2, mode="bilinear"), Conv(width, width, 3)]
            finest //= 2
        self.up = nn.Sequential(*steps)
        self.scores = nn.Conv2d(width, num_colours, 1)

    def forward(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return logits (B, K, H / 4, W / 4) for levels (B, C, H / s, W / s)."""
        total = self.lateral[0](levels[0])
        for lateral, level in zip(self.lateral[1:], levels[1:]):
            total = total + lateral(level)
        return self.scores(self.up(self.mix(total)))


HEADS: dict[str, type[nn.Module]] = {"ColourHead": ColourHead}
