"""Masks as run lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask


def encode(masks: np.ndarray) -> list[dict[str, Any]]:
    """Return the run-length encodings of ``(N, H, W)`` masks of 0 and 1, in the format of COCO's JSON."""
    columns = np.asfortranarray(np.moveaxis(masks.astype(np.uint8), 0, -1))  # (H, W, N): runs go down the columns
    return [{"size": rle["size"], "counts": rle["counts"].decode("ascii")} for rle in mask.encode(columns)]
