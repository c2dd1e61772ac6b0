"""The perceived brightness of a colour."""

from __future__ import annotations

WEIGHTS = (0.299, 0.587, 0.114)  # of R, G and B: ITU-R BT.601


def luma(red: float, green: float, blue: float) -> float:
    """Return the luma of a colour, on the scale of its three values."""
    return WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue
