"""A branch within a budget of operations: where it starts, and how wide its head is."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.modules.head import Detect

from tintbox.plugins.extend import narrowing

NARROW = 0.75  # share of the head's width that has to remain if a branch starts earlier for it


def fit(
    layers: Sequence[nn.Module], needed: Sequence[int], costs: Sequence[float], head: Detect, fork: int, most: float
) -> tuple[int, Detect]:
    """Return where a branch starts, and its head: narrower if it would otherwise need too much.

    It starts as early as the budget allows. For one more block of layers, but not for a strided convolution alone, its
    head gives up some of its width.

    Args:
        layers: The layers of the old network.
        needed: Those of them that a branch has which shares nothing, in order.
        costs: The operations of each layer.
        head: The head; not modified.
        fork: The latest start.
        most: The budget, multiplications per image pixel.
    """
    narrow = narrowing.fit(head, 0, [NARROW])
    wide_start, narrow_start = (
        find_start(fork, needed, costs, most - narrowing.count_head_operations(one)) for one in (head, narrow)
    )
    more = [i for i in needed if narrow_start <= i < wide_start]
    start = wide_start if all(isinstance(layers[i], Conv) for i in more) else narrow_start
    left = most - sum(costs[i] for i in needed if i >= start)
    return start, narrowing.fit(head, left, narrowing.SLIM)


def find_start(fork: int, needed: Sequence[int], costs: Sequence[float], most: float) -> int:
    """Return the earliest layer from which on the needed ones stay within a budget, or ``fork`` if that is earlier."""
    total = 0.0
    for layer in reversed(needed):
        total += costs[layer]
        if total > most:
            break
        fork = min(fork, layer)
    return fork
