"""The three seed networks of colourisation: from a grey image to scores of K palette colours per pixel.

All take ``(kernel, num_filters, num_colours, num_in_channels)``, written k, NF, NC and NIC below, and keep H and W:

================== ================= ==================== =========================== ================ ==============
network            layer1            layer2               layer3                      layer4           layer5
================== ================= ==================== =========================== ================ ==============
PoolUpsampleNet    conv, pool NIC>NF conv, pool NF>2NF    conv, up 2NF>NF             conv, up NF>NC   conv NC>NC
ConvTransposeNet   conv / 2 NIC>NF   conv / 2 NF>2NF      convT * 2 2NF>NF            convT * 2 NF>NC  conv NC>NC
UNet               the same          the same             the same                    convT * 2 2NF>NC conv NC+NIC>NC
================== ================= ==================== =========================== ================ ==============

Layers 1 to 4 end in batch norm and ReLU. In UNet, layer4 also reads layer1's output and layer5 the input (Ronneberger
et al. 2015, "U-Net", arXiv:1505.04597).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tintbox.checks import as_python, is_whole
from tintbox.colorization.joined import JoinedConv2d
from tintbox.colorization.narrow_norm import normalise
from tintbox.colorization.transposed import ConvTranspose2d
from tintbox.errors import TintboxError
from tintbox.fused_blocks import FusedBlocks
from tintbox.limits import CHANNELS

STRIDE = 4  # the deepest layer is two halvings below the input
FUSED = FusedBlocks()


def conv(kernel: int, c_in: int, c_out: int, kind: type[nn.Conv2d] = nn.Conv2d) -> nn.Conv2d:
    """Return a convolution that keeps H and W; an even kernel gets its extra row and column of padding at the end."""
    return kind(c_in, c_out, kernel, padding=kernel // 2 if kernel % 2 else "same")


def conv_down(kernel: int, c_in: int, c_out: int) -> nn.Conv2d:
    """Return a convolution of stride 2 that halves an even H and W."""
    return nn.Conv2d(c_in, c_out, kernel, stride=2, padding=(kernel - 1) // 2)


def conv_up(kernel: int, c_in: int, c_out: int) -> ConvTranspose2d:
    """Return a transposed convolution of stride 2 that doubles H and W."""
    return ConvTranspose2d(
        c_in, c_out, kernel, stride=2, padding=(kernel - 1) // 2, output_padding=kernel % 2
    )  # (H - 1) * 2 - 2 * padding + kernel + output_padding = 2H for odd and for even kernels


def norm_relu(channels: int) -> tuple[nn.BatchNorm2d, nn.ReLU]:
    """Return the two modules at the end of each of layers 1 to 4."""
    return nn.BatchNorm2d(channels), nn.ReLU()


class SeedNet(nn.Module):
    """Base of the seed networks: checks, padding to whole strides, and five layers in a row.

    Args:
        kernel: Side of every convolution, 2 or more; it may be even.
        num_filters: NF, channels after layer1.
        num_colours: NC, palette colours, i.e. output channels.
        num_in_channels: NIC, input channels: 1 for grey.

    Raises:
        TintboxError: If an argument is not a whole number, too small or too large.
    """

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module
    layer5: nn.Conv2d

    def __init__(self, kernel: int, num_filters: int, num_colours: int, num_in_channels: int) -> None:
        super().__init__()
        least = {"kernel": 2, "num_filters": 1, "num_colours": 1, "num_in_channels": 1}
        given = as_python((kernel, num_filters, num_colours, num_in_channels))
        for (name, low), value in zip(least.items(), given, strict=True):
            if not is_whole(value, low, CHANNELS):
                needs = f"{type(self).__name__} needs a whole number from {low} to {CHANNELS}"
                raise TintboxError(f"{name}={value!r}: {needs}")
        self.num_in_channels = given[-1]
        self.build(*given)

    def build(self, kernel: int, nf: int, nc: int, nic: int) -> None:
        """Make the five layers."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score the colours of every pixel.

        A side that is not a multiple of 4 is padded at its end by reflection, or by repeating the last row or column
        if the image is too small to reflect; the output is cropped back. A traced or exported network keeps the
        padding of the size it was traced with: none for multiples of 4.

        Args:
            x: Images ``(B, NIC, H, W)``, H and W of 1 or more.

        Returns:
            Logits ``(B, NC, H, W)``.

        Raises:
            TintboxError: If ``x`` has another shape.
        """
        if x.ndim != 4 or x.shape[1] != self.num_in_channels or min(x.shape[2:]) < 1:
            raise TintboxError(
                f"input of shape {tuple(x.shape)}: {type(self).__name__} needs (B, {self.num_in_channels}, H, W); "
                f"build it with num_in_channels of the images, or convert the images"
            )
        height, width = int(x.shape[2]), int(x.shape[3])
        down, right = -height % STRIDE, -width % STRIDE
        if down:
            x = F.pad(x, (0, 0, 0, down), mode="reflect" if down < height else "replicate")
        if right:
            x = F.pad(x, (0, right, 0, 0), mode="reflect" if right < width else "replicate")
        x = self.scores(x)
        return x[:, :, :height, :width] if down or right else x

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Run the layers on ``x`` ``(B, NIC, H, W)``, H and W multiples of 4, and return ``(B, NC, H, W)``."""
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = compute(layer, x)
        return self.layer5(x)


def compute(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """Return a layer's output for its input (B, C, H, W); in bfloat16 on a CPU, with faster kernels."""
    if not (x.dtype is torch.bfloat16 and x.device.type == "cpu" and torch.is_autocast_enabled("cpu")):
        return layer(x)
    if len(layer) == 3:  # nothing between the convolution, its BatchNorm and the ReLU
        convolution, norm, activation = layer
        result = FUSED.compute(convolution, norm, activation, x)  # in a validation
        if result is not None:
            return result
    for module in layer:
        x = normalise(module, x) if isinstance(module, nn.BatchNorm2d) else module(x)
    return x


class PoolUpsampleNet(SeedNet):
    """Max-pooling on the way down, nearest-neighbour upsampling on the way up."""

    def build(self, kernel: int, nf: int, nc: int, nic: int) -> None:
        """Make the five layers."""
        self.layer1 = nn.Sequential(conv(kernel, nic, nf), nn.MaxPool2d(2), *norm_relu(nf))
        self.layer2 = nn.Sequential(conv(kernel, nf, 2 * nf), nn.MaxPool2d(2), *norm_relu(2 * nf))
        self.layer3 = nn.Sequential(conv(kernel, 2 * nf, nf), nn.Upsample(scale_factor=2), *norm_relu(nf))
        self.layer4 = nn.Sequential(conv(kernel, nf, nc), nn.Upsample(scale_factor=2), *norm_relu(nc))
        self.layer5 = conv(kernel, nc, nc)


class ConvTransposeNet(SeedNet):
    """Strided convolutions on the way down, transposed ones on the way up."""

    skips = False  # whether layer4 and layer5 also read layer1's output and the input

    def build(self, kernel: int, nf: int, nc: int, nic: int) -> None:
        """Make the five layers."""
        self.layer1 = nn.Sequential(conv_down(kernel, nic, nf), *norm_relu(nf))
        self.layer2 = nn.Sequential(conv_down(kernel, nf, 2 * nf), *norm_relu(2 * nf))
        self.layer3 = nn.Sequential(conv_up(kernel, 2 * nf, nf), *norm_relu(nf))
        self.layer4 = nn.Sequential(conv_up(kernel, 2 * nf if self.skips else nf, nc), *norm_relu(nc))
        self.layer5 = conv(kernel, nc + nic, nc, JoinedConv2d) if self.skips else conv(kernel, nc, nc)


class UNet(ConvTransposeNet):
    """ConvTransposeNet with two skip connections that concatenate channels."""

    skips = True

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Run the layers on ``x`` ``(B, NIC, H, W)``, H and W multiples of 4, and return ``(B, NC, H, W)``."""
        first = compute(self.layer1, x)  # (B, NF, H/2, W/2)
        third = compute(self.layer3, compute(self.layer2, first))  # (B, NF, H/2, W/2)
        fourth = compute(self.layer4, torch.cat((third, first), dim=1))  # (B, NC, H, W)
        if isinstance(self.layer5, JoinedConv2d):
            return self.layer5(fourth, x)
        return self.layer5(torch.cat((fourth, x), dim=1))  # a checkpoint that was made before there were joined ones


NETWORKS: dict[str, type[SeedNet]] = {
    "PoolUpsampleNet": PoolUpsampleNet,
    "ConvTransposeNet": ConvTransposeNet,
    "UNet": UNet,
}
