"""CIELAB (1976) of sRGB pictures and back, for the illuminant D65 and the 2 degree observer.

The matrix, the white and the curves are those of IEC 61966-2-1 and of scikit-image, with which they agree within 1e-4.
OpenCV's conversion interpolates in tables and is off by tenths.
"""

from __future__ import annotations

import torch

XYZ_OF_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)  # X, Y and Z of D65
LINEAR_BELOW = 0.008856  # of Y/Yn: (6/29)^3, below which the cube root is a line
SLOPE, OFFSET = 7.787, 16 / 116  # of that line
JOINT = (SLOPE * LINEAR_BELOW + OFFSET) ** 3  # whose cube root is what the line has there; LINEAR_BELOW but for digits


def rgb_to_lab(pictures: torch.Tensor) -> torch.Tensor:
    """Return L in 0..100 and a, b in about -110..110.

    Args:
        pictures: (..., 3), red, green, blue: uint8 in 0..255, or floats in 0..1.

    Returns:
        (..., 3), float32, or float64 for float64.
    """
    x, y, z = _roots(pictures)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1)


def ab_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the distance (...) of pixels (..., 3), as for `rgb_to_lab`, in the ab plane."""
    x, y, z = _roots(a).sub_(_roots(b))
    return (500 * (x - y)).square_().add_((200 * (y - z)).square_()).sqrt_()  # in half the time of `hypot`


def _roots(pictures: torch.Tensor) -> torch.Tensor:
    """Return the curved X, Y and Z (3, ...), relative to white, of which L, a and b are differences."""
    if pictures.dtype == torch.uint8:
        levels = torch.arange(256, device=pictures.device, dtype=torch.float64) / 255
        index = pictures.reshape(-1).int()  # so, the look-up takes a quarter of the time
        linear = _linear(levels).float().index_select(0, index).reshape(pictures.shape)
    else:
        linear = _linear(pictures)
    matrix = torch.tensor(XYZ_OF_RGB, dtype=torch.float64) / torch.tensor(WHITE, dtype=torch.float64)[:, None]
    # So, the product takes a third of the time of that of rows with the transposed matrix.
    xyz = (matrix.to(linear) @ linear.reshape(-1, 3).T).reshape(3, *linear.shape[:-1])
    # The cube root down to where the line begins, and the line from there on down: a third of the time of `where`.
    root = xyz.clamp(min=JOINT).pow_(1 / 3)
    return root.add_(xyz.clamp_(max=LINEAR_BELOW).sub_(LINEAR_BELOW), alpha=SLOPE)


def lab_to_rgb(lab: torch.Tensor) -> torch.Tensor:
    """Return red, green, blue in 0..1; what is outside the gamut is clipped there.

    Args:
        lab: (..., 3) floats: L, a, b.

    Returns:
        Like ``lab``.
    """
    y = (lab[..., 0] + 16) / 116
    curved = torch.stack((y + lab[..., 1] / 500, y, (y - lab[..., 2] / 200).clamp(min=0)), -1)
    xyz = torch.where(curved > SLOPE * LINEAR_BELOW + OFFSET, curved**3, (curved - OFFSET) / SLOPE)
    inverse = torch.linalg.inv(torch.tensor(XYZ_OF_RGB, dtype=torch.float64))
    linear = (xyz * torch.tensor(WHITE).to(xyz)) @ inverse.T.to(xyz)
    gamma = 1.055 * linear.clamp(min=0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, gamma, 12.92 * linear).clamp(0, 1)


def _linear(values: torch.Tensor) -> torch.Tensor:
    """Return linear light for sRGB values in 0..1."""
    return torch.where(values > 0.04045, ((values + 0.055) / 1.055).clamp(min=0) ** 2.4, values / 12.92)
