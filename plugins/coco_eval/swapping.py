"""Whether chance explains a difference: what it is if the two models swap their detections in random images.

If two models are equally good, it makes no difference whose detections an image has. So the difference between them is
compared with those between mixtures of both, a randomisation test (Noreen, Computer-Intensive Methods for Testing
Hypotheses, 1989). Unlike an interval, it holds for few images and for models that find nearly everything, too
(tests/plugins/coco_eval/test_swapping.py).
"""

from __future__ import annotations

import numpy as np

from tintbox.plugins.coco_eval.bootstrap import ROUNDING, reweight
from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import overall


def draw(images: int, swaps: int, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    """Return ``(images, swaps)`` bool: whether an image's detections are swapped; the images of a group are together.

    Args:
        images: Number of images.
        swaps: Number of random swaps.
        seed: Random seed.
        groups: As for `bootstrap.draw`.
    """
    units = np.arange(images) if groups is None else groups
    return np.random.default_rng(seed).integers(2, size=(units.max() + 1, swaps)).astype(bool)[units]


def merge(first: Group, second: Group, images: int) -> Group:
    """Return both models' detections as if they were of different images, the second's after the first's.

    They are ordered by their rank in each model's own list: the scores of two models need not be comparable.
    """
    ranks = np.concatenate([np.arange(len(group.image)) for group in (first, second)])
    order = np.argsort(ranks, kind="stable")
    return Group(
        image=np.concatenate([first.image, second.image + images])[order],
        rank=np.concatenate([first.rank, second.rank])[order],
        matched=np.concatenate([first.matched, second.matched], 1)[:, order],
        ignored=np.concatenate([first.ignored, second.ignored], 1)[:, order],
        truth_image=np.concatenate([first.truth_image, second.truth_image + images]),
    )


def differences(first: list[list[Group]], second: list[list[Group]], swapped: np.ndarray) -> np.ndarray:
    """Return the differences between two models that have swapped the detections of some images, ``(S, K, 12)``.

    Args:
        first: The matches of the first model, by class and size range.
        second: Those of the second, on the same images and objects; the differences are second - first.
        swapped: ``(I, S)`` as `draw` returns it.
    """
    images = len(swapped)
    both = [[merge(*pair, images) for pair in zip(*sizes)] for sizes in zip(first, second)]
    own, others = swapped.astype(np.int32), (~swapped).astype(np.int32)
    second_numbers, first_numbers = (reweight(both, np.concatenate(parts)) for parts in ((own, others), (others, own)))
    return second_numbers - first_numbers


def p_values(
    first: list[list[Group]], second: list[list[Group]], differing: np.ndarray, swapped: np.ndarray
) -> np.ndarray:
    """Return how often random swaps make a difference at least as large as that between two models, ``(K + 1, 12)``.

    Args:
        first: As for `differences`.
        second: As for `differences`.
        differing: ``(K + 1, 12)`` the differences between the models by class, and last of all classes.
        swapped: As for `differences`.

    Returns:
        Values from 1 / (S + 1) to 1: the models as they are count as one more swap. 1 where there is no difference.
    """
    found = differences(first, second, swapped)
    found = np.concatenate([found, overall(found)[:, None]], 1)
    return (1 + (~(np.abs(found) < np.abs(differing) - ROUNDING)).sum(0)) / (1 + len(found))
