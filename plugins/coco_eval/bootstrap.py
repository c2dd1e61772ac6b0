"""How sure the numbers are: a bootstrap over images (Efron 1979), by weights instead of by matching again.

A resample of the images is a count of how often each was drawn. Matching is within images, so a resample's precision
and recall are those of the original matches, every detection and truth counted as often as its image was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tintbox.plugins.coco_eval.matches import Group, Matches
from tintbox.plugins.coco_eval.metrics import AREAS, KEYS, METRICS
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision, average_recall

ROUNDING = 1e-9  # a smaller difference is the sums' rounding, not the models'
BLOCK = 1000  # resamples at once
ENTRIES = 1 << 25  # the most whole numbers of 32 bits that are kept for a block: 128 MiB


def draw(images: int, resamples: int, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    """Return ``(images, resamples)`` int32 how often each image is drawn in each resample of as many images.

    Args:
        images: How many there are.
        resamples: How many resamples.
        seed: What they depend on.
        groups: ``(images,)`` number of each one's group, from 0 on, where images are no independent ones, as the frames
            of a video: groups are drawn then, as many as there are, each with all of its images.
    """
    generator = np.random.default_rng(seed)
    units = images if groups is None else int(groups.max()) + 1
    counts = np.empty((images, resamples), dtype=np.int32)
    for i in range(resamples):
        drawn = np.bincount(generator.integers(units, size=units), minlength=units)
        counts[:, i] = drawn if groups is None else drawn[groups]
    return counts


def reweight(matches: Matches, weights: np.ndarray) -> np.ndarray:
    """Return the twelve numbers of every class for each weighting of the images.

    Args:
        matches: What was matched.
        weights: ``(I, R)`` weights of the images, whole numbers of 0 or more; all 1 gives COCOeval's own numbers.

    Returns:
        ``(R, K, 12)``, NaN where a class has no truth of the size in a resample.
    """
    result = np.full((weights.shape[1], len(matches.groups), len(KEYS)), np.nan)
    lengths = [max(len(group.image), len(group.truth_image)) for sizes in matches.groups for group in sizes]
    size = max(1, min(BLOCK, ENTRIES // max(1, *lengths)))
    for start in range(0, weights.shape[1], size):
        block = Weights(weights[:, start : start + size])
        for k, sizes in enumerate(matches.groups):
            for area, group in zip(AREAS, sizes):
                for place, values in _numbers(group, area, block):
                    result[start : start + size, k, place] = values
    return result


def _numbers(group: Group, area: str, weights: Weights) -> Iterator[tuple[int, np.ndarray]]:
    """Yield a range of sizes' own of the twelve numbers, as their places and ``(R,)`` values of a group."""
    own = [(place, metric) for place, metric in enumerate(METRICS) if metric.area == area]
    precision = average_precision(group, weights)  # (T, R)
    limits = [metric.max_detections for _, metric in own if not metric.precision]
    recall = dict(zip(limits, average_recall(group, weights, limits)))
    for place, metric in own:
        if not metric.precision:
            yield place, recall[metric.max_detections]
        else:
            yield place, precision.mean(0) if metric.iou is None else precision[metric.iou]


def interval(samples: np.ndarray, estimate: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return the percentile interval of resampled values, moved by the bootstrap's own estimate of their bias.

    The envelope of precision makes AP larger the noisier it is, so resamples lie above their estimate, and the
    estimate above the truth, by about the same. Moved to the estimate, the interval covers better than the plain
    percentile interval or its mirror image, the basic one (tests/plugins/coco_eval/test_bootstrap.py).

    Args:
        samples: ``(R, ...)``; NaN entries are resamples without a value.
        estimate: ``(...)`` the values without resampling.
        level: Share of the resamples inside.

    Returns:
        ``(..., 2)`` low and high; NaN where no resample or no estimate has a value.
    """
    tail = 50 * (1 - level)
    bounds = np.full((*estimate.shape, 2), np.nan)
    for place in np.ndindex(estimate.shape):
        values = samples[(slice(None), *place)]
        values = values[~np.isnan(values)]
        if len(values):
            bounds[place] = np.percentile(values, (tail, 100 - tail)) - values.mean() + estimate[place]
    return bounds


def is_sure(bounds: np.ndarray) -> np.ndarray:
    """Return whether intervals ``(..., 2)`` leave out zero: the differences are distinguishable from it."""
    return (bounds[..., 0] > ROUNDING) | (bounds[..., 1] < -ROUNDING)
