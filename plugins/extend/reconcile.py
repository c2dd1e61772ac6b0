"""An object that both see: a box of an old class goes if a surer one of a newer class lies on it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from ultralytics.utils.metrics import box_iou

IOU = 0.7  # of two boxes that are taken for one object, as in Ultralytics' own suppression


def generations(classes: Tensor, counts: Sequence[int]) -> Tensor:
    """Return the head that each class is of, 0 for the oldest, (N,).

    Args:
        classes: Indices of the model's classes, (N,).
        counts: How many classes each head has, the oldest first.
    """
    ends = torch.tensor(counts, device=classes.device).cumsum(0)
    return torch.bucketize(classes.long(), ends, right=True)


def kept(boxes: Tensor, scores: Tensor, classes: Tensor, counts: Sequence[int]) -> Tensor:
    """Return which boxes of a picture stay, (N,) of truths.

    A box goes where one of a newer head with a higher score overlaps it by `IOU` or more.

    Args:
        boxes: Two corners each, (N, 4).
        scores: (N,).
        classes: As in `generations`.
        counts: As in `generations`.
    """
    heads = generations(classes, counts)
    beaten = (heads[:, None] < heads) & (scores[:, None] < scores) & (box_iou(boxes, boxes) >= IOU)
    return ~beaten.any(1)
