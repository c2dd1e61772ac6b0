"""Objects found by two heads: drop an old class's box if a newer class has a more confident box on it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from ultralytics.utils.metrics import box_iou

IOU = 0.7  # at which two boxes count as one object, as in Ultralytics' own suppression


def keep(boxes: Tensor, scores: Tensor, classes: Tensor, counts: Sequence[int]) -> Tensor:
    """Return which boxes of an image to keep, (N,) bool.

    A box is dropped if one of a newer head with a higher score overlaps it by `IOU` or more.

    Args:
        boxes: Corners x1, y1, x2, y2, (N, 4).
        scores: (N,).
        classes: Indices of the model's classes, (N,).
        counts: Number of classes per head, oldest first.
    """
    ends = torch.tensor(counts, device=classes.device).cumsum(0)
    heads = torch.bucketize(classes.long(), ends, right=True)  # of each box, 0 for the oldest
    beaten = (heads[:, None] < heads) & (scores[:, None] < scores) & (box_iou(boxes, boxes) >= IOU)
    return ~beaten.any(1)
