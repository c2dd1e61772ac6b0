"""Matching of boxes to anchors, compared with plain loops."""

import numpy as np
import pytest
import torch

from tintbox.plugins.anchor.matching import match

GRID, THRESHOLD = (6, 9), 4.0  # rows, columns
ANCHORS = torch.tensor([[1.0, 2.0], [4.0, 1.5], [8.0, 8.0]])


def expected(targets, neighbours):
    """Image, anchor, row and column of every match."""
    rows, columns = GRID
    found = set()
    for picture, _, x, y, w, h in targets.tolist():
        x, y, w, h = x * columns, y * rows, w * columns, h * rows
        for a, (aw, ah) in enumerate(ANCHORS.tolist()):
            if max(w / aw, aw / w, h / ah, ah / h) >= THRESHOLD:
                continue
            cells = [(int(y), int(x))]
            if neighbours:
                cells += [(int(y), int(x) - 1)] if x % 1 < 0.5 and x > 1 else []
                cells += [(int(y) - 1, int(x))] if y % 1 < 0.5 and y > 1 else []
                cells += [(int(y), int(x) + 1)] if (columns - x) % 1 < 0.5 and columns - x > 1 else []
                cells += [(int(y) + 1, int(x))] if (rows - y) % 1 < 0.5 and rows - y > 1 else []
            found |= {(int(picture), a, row, column) for row, column in cells}
    return found


@pytest.mark.parametrize("neighbours", [True, False])
def test_matches_are_those_of_plain_loops(neighbours):
    rng = np.random.default_rng(0)
    boxes = np.concatenate(
        (rng.integers(0, 3, (80, 1)), rng.integers(0, 5, (80, 1)), rng.uniform(0.02, 0.98, (80, 4))), 1
    )
    targets = torch.tensor(boxes)
    found = match(targets, ANCHORS.double(), GRID, THRESHOLD, neighbours)
    pairs = zip(*(values.tolist() for values in (found.image, found.anchor, found.row, found.column)))
    assert set(pairs) == expected(targets, neighbours) and len(found) >= len(expected(targets, neighbours))
    centres = found.boxes[:, :2] + torch.stack((found.column, found.row), 1)
    assert ((centres - found.boxes[:, :2]) % 1 == 0).all()
    assert torch.equal(found.sizes, ANCHORS.double()[found.anchor])


def test_no_boxes():
    assert len(match(torch.zeros(0, 6), ANCHORS, GRID, THRESHOLD)) == 0
