"""Confidence intervals by a bootstrap over images (Efron 1979), which reweights the matches instead of matching again.

A resample is represented by how often each image was drawn. Matching is within images, so precision and recall of a
resample follow from the original matches, with every detection and truth counted as often as its image was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from tintbox.plugins.coco_eval.matcher import Group
from tintbox.plugins.coco_eval.metrics import AREAS, KEYS, METRICS
from tintbox.plugins.coco_eval.reweighting import Weights, average_precision, average_recall
from tintbox.plugins.coco_eval.settings import least_resamples

ROUNDING = 1e-9  # smaller differences come from rounding in the sums, not from the models
BLOCK = 1000  # resamples at once
ENTRIES = 1 << 25  # maximum number of 32-bit integers kept for a block: 128 MiB


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN means "n/a"."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def bounds(self) -> np.ndarray:
        """The interval, ``(2,)``."""
        return np.array([self.low, self.high])

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return bool(np.isfinite(self.bounds).all())


def draw(images: int, resamples: int, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    """Return ``(images, resamples)`` int32 counts of how often each image is drawn in each resample.

    Args:
        images: Number of images, also the number of draws in a resample.
        resamples: Number of resamples.
        seed: Random seed.
        groups: ``(images,)`` group number of each image, from 0, if images are not independent, such as the frames of a
            video. Then whole groups are drawn, as many as there are, each with all of its images.
    """
    generator = np.random.default_rng(seed)
    units = images if groups is None else int(groups.max()) + 1
    counts = np.empty((images, resamples), dtype=np.int32)
    for i in range(resamples):
        drawn = np.bincount(generator.integers(units, size=units), minlength=units)
        counts[:, i] = drawn if groups is None else drawn[groups]
    return counts


def reweight(matched: list[list[Group]], weights: np.ndarray) -> np.ndarray:
    """Return the twelve numbers of every class for each weighting of the images.

    Args:
        matched: The matches of the original images, by class and size range.
        weights: ``(I, R)`` integer weights of the images, at least 0; all 1 gives COCOeval's own numbers.

    Returns:
        ``(R, K, 12)``, NaN where a class has no truth of that size in a resample.
    """
    result = np.full((weights.shape[1], len(matched), len(KEYS)), np.nan)
    lengths = [max(len(group.image), len(group.truth_image)) for sizes in matched for group in sizes]
    size = max(1, min(BLOCK, ENTRIES // max(1, *lengths)))
    for start in range(0, weights.shape[1], size):
        block = Weights(weights[:, start : start + size])
        for k, sizes in enumerate(matched):
            for area, group in zip(AREAS, sizes):
                for place, values in _numbers(group, area, block):
                    result[start : start + size, k, place] = values
    return result


def _numbers(group: Group, area: str, weights: Weights) -> Iterator[tuple[int, np.ndarray]]:
    """Yield index and ``(R,)`` values of each of the twelve numbers that is defined on a group's size range."""
    own = [(place, metric) for place, metric in enumerate(METRICS) if metric.area == area]
    precision = average_precision(group, weights)  # (T, R)
    limits = [metric.max_detections for _, metric in own if not metric.precision]
    recall = dict(zip(limits, average_recall(group, weights, limits)))
    for place, metric in own:
        if not metric.precision:
            yield place, recall[metric.max_detections]
        else:
            yield place, precision.mean(0) if metric.iou is None else precision[metric.iou]


def count_support(matched: list[list[Group]], groups: np.ndarray | None = None) -> np.ndarray:
    """Return how many independent images have an object, ``(K + 1, 12)``: of each class, and last of any class.

    Args:
        matched: The matches of the original images, by class and size range.
        groups: As for `draw`; the images of a group count as one.
    """
    found = np.zeros((len(matched) + 1, len(METRICS)), np.int64)
    for area, of_class in zip(AREAS, zip(*matched)):
        images = [group.truth_image for group in of_class]
        images.append(np.concatenate(images))
        units = [len(np.unique(of if groups is None else groups[of])) for of in images]
        found[:, [metric.area == area for metric in METRICS]] = np.array(units)[:, None]
    return found


def least_support(level: float) -> int:
    """Return how many independent images an interval needs.

    If a difference had either sign by chance, n images would agree in it with a probability of ``2 ** (1 - n)`` (the
    sign test). From fewer images, even agreement proves nothing, but resamples of one or two images agree, too.
    """
    return math.ceil(1 - math.log2(1 - level))


def interval(
    samples: np.ndarray, estimate: np.ndarray, level: float = 0.95, support: np.ndarray | float = math.inf
) -> np.ndarray:
    """Return the percentile interval of resampled values, shifted by the bootstrap's own estimate of their bias.

    The envelope of precision inflates AP, and more so if it is noisy, so resamples lie above the estimate by about as
    much as the estimate lies above the true value. Centred on the estimate, the interval has better coverage than the
    plain percentile interval or its mirror image, the basic one (tests/plugins/coco_eval/test_bootstrap.py).

    Of few images, resamples vary too little, and by an unknown amount, as a mean's normal interval is narrower than
    Student's t. So the percentiles are further out then (the expanded percentile interval of Hesterberg, What Teachers
    Should Know About the Bootstrap, 2015).

    Args:
        samples: ``(R, ...)``; NaN entries are resamples without a value.
        estimate: ``(...)`` the values without resampling.
        level: Fraction of the resamples inside the interval, of many images.
        support: ``(...)`` how many independent images have an object.

    Returns:
        ``(..., 2)`` low and high; NaN where the estimate has no value, the support is too small, the resamples are too
        few to have tails, or their interval has no width, as where every object is found.
    """
    bounds, shift = _percentiles(samples, estimate, level, support)
    bounds[bounds[..., 1] - bounds[..., 0] <= ROUNDING] = np.nan
    return bounds + shift[..., None]


def _percentiles(
    samples: np.ndarray, estimate: np.ndarray, level: float, support: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the plain percentile intervals, ``(..., 2)``, and how far to shift them, ``(...)``; else as `interval`."""
    bounds, shift = np.full((*estimate.shape, 2), np.nan), np.zeros(estimate.shape)
    samples = np.moveaxis(samples, 0, -1)
    units = np.broadcast_to(support, estimate.shape)
    enough = units >= least_support(level)
    for place in np.ndindex(estimate.shape):
        values = samples[place]
        values = values[~np.isnan(values)]
        if enough[place] and len(values) >= least_resamples(level):
            tail = 100 * _tail(level, float(units[place]))
            bounds[place] = np.percentile(values, (tail, 100 - tail))
            shift[place] = estimate[place] - values.mean()
    return bounds, shift


@cache
def _tail(level: float, units: float) -> float:
    """Return the fraction of the resamples of some independent images that is on each side of an interval.

    Student's t by its expansion around the normal distribution (Abramowitz and Stegun, 1964, 26.7.5): for n images at a
    level that `least_support` allows them, within 0.7%, without SciPy, whose import would take longer than the rest.
    """
    normal, spare = NormalDist(), units - 1
    z = normal.inv_cdf((1 + level) / 2)
    terms = (z, (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    student = sum(term / spare**power for power, term in enumerate(terms))
    return normal.cdf(-student * math.sqrt(1 + 1 / spare))


def difference_interval(
    samples: np.ndarray,
    difference: np.ndarray,
    level: float = 0.95,
    support: np.ndarray | float = math.inf,
    p_value: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the interval of a paired difference as in `interval`; zero to zero, from however few images, for equals.

    Equal are two whose difference is zero in every resample. An interval excludes zero only if the percentile interval
    does so without the shift, too: if the models differ in one image, many resamples are without it, that interval ends
    at exactly zero, and the shift, which is chance, would decide. It also reaches zero where swaps explain as much.

    Args:
        samples: As for `interval`.
        difference: As for `interval`.
        level: As for `interval`.
        support: As for `interval`.
        p_value: ``(...)`` from `swapping.p_values`; 0.0 without that test.
    """
    plain, shift = _percentiles(samples, difference, level, support)
    bounds = plain + shift[..., None]
    low, high, unlikely = plain[..., 0], plain[..., 1], p_value <= 1 - level
    bounds[..., 0] = np.where(unlikely & (low > ROUNDING), bounds[..., 0], np.minimum(bounds[..., 0], 0))
    bounds[..., 1] = np.where(unlikely & (high < -ROUNDING), bounds[..., 1], np.maximum(bounds[..., 1], 0))
    equal = ((np.abs(samples) <= ROUNDING) | np.isnan(samples)).all(0)
    bounds[equal & (np.abs(difference) <= ROUNDING) & ~np.isnan(samples).all(0)] = 0.0
    return bounds


def is_sure(bounds: np.ndarray) -> np.ndarray:
    """Return whether intervals ``(..., 2)`` of differences exclude zero."""
    return (bounds[..., 0] > ROUNDING) | (bounds[..., 1] < -ROUNDING)
