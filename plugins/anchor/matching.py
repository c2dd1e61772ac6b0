"""Matching of boxes to anchors and cells."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """The n matches of a box and an anchor in a cell, on one level.

    Attributes:
        image: Index of the image in the batch, (n,).
        anchor: Index of the anchor, (n,).
        row: Row of the cell, (n,).
        column: Column of the cell, (n,).
        classes: Class of the box, (n,).
        boxes: (n, 4): the box's centre relative to the cell, and its width and height, in cells.
        sizes: (n, 2): the anchor's width and height in cells.
    """

    image: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    classes: Tensor
    boxes: Tensor
    sizes: Tensor

    def __len__(self) -> int:
        """Return n."""
        return len(self.image)


def fits(sizes: Tensor, anchors: Tensor, threshold: float) -> Tensor:
    """Return which boxes fit which anchors: the ratio of widths and of heights is below ``threshold`` either way.

    Args:
        sizes: Widths and heights of boxes, (n, 2).
        anchors: Widths and heights of anchors, (na, 2), in the same unit.
        threshold: The largest ratio, `anchor_t`, above 1.

    Returns:
        (na, n) bool.
    """
    ratio = sizes[None] / anchors[:, None]
    return torch.max(ratio, 1 / ratio).amax(2) < threshold


def match(
    targets: Tensor, anchors: Tensor, grid: tuple[int, int], threshold: float, neighbours: bool = True
) -> Targets:
    """Return the matches of a level by YOLOv5's rules.

    A box is matched to all anchors that it fits, in the cell of its centre and in the two nearest of the four
    neighbours if they are in the grid. (https://docs.ultralytics.com/yolov5/tutorials/architecture_description, "Build
    Targets")

    If an anchor in a cell has several boxes, the last one sets the objectness target, in the order of cell (own, left,
    upper, right, lower), then anchor, then target.

    Args:
        targets: (n, 6): image index, class, and x, y, w, h relative to the image.
        anchors: (na, 2) in cells.
        grid: Rows and columns of the level.
        threshold: As in `fits`.
        neighbours: Whether to use neighbouring cells; False if the head's centres cannot leave their cell.
    """
    rows, columns = grid
    extent = torch.tensor((columns, rows), device=targets.device)
    centres, sizes = targets[:, 2:4] * extent, targets[:, 4:6] * extent
    anchor, target = fits(sizes, anchors, threshold).nonzero(as_tuple=True)
    if neighbours:
        xy = centres[target]
        inverse = extent - xy  # distance from the right and lower border
        near, far = (((x % 1 < 0.5) & (x > 1)).T for x in (xy, inverse))  # (2, pairs): x, y
        chosen = torch.cat((torch.ones_like(near[:1]), near, far))  # (5, pairs)
        shifts = 0.5 * targets.new_tensor(((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)))
        which, pair = chosen.nonzero(as_tuple=True)
        anchor, target, shift = anchor[pair], target[pair], shifts[which]
    else:
        shift = targets.new_zeros(())
    cell = (centres[target] - shift).long()
    cell = torch.stack((cell[:, 0].clamp(0, columns - 1), cell[:, 1].clamp(0, rows - 1)), 1)
    return Targets(
        image=targets[target, 0].long(),
        anchor=anchor,
        row=cell[:, 1],
        column=cell[:, 0],
        classes=targets[target, 1].long(),
        boxes=torch.cat((centres[target] - cell, sizes[target]), 1),
        sizes=anchors[anchor],
    )
