"""How sure the numbers are: a bootstrap over images (Efron 1979), by weights instead of by matching again.

A resample of the images is a count of how often each was drawn. Matching is within images, so a resample's precision
and recall are those of the original matches, every detection and truth counted as often as its image was drawn. For the
envelope of precision only the places of true positives matter: between two of them precision only falls.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tintbox.plugins.coco_eval.matches import Group, Matches
from tintbox.plugins.coco_eval.metrics import AREAS, KEYS, MAX_DETECTIONS, METRICS, RECALL_THRESHOLDS
from tintbox.threads import cores

BLOCK = 1 << 21  # weights gathered at once: 16 MiB, about a processor's cache

_STEPS = np.append(RECALL_THRESHOLDS, np.inf)


def draw(images: int, resamples: int, seed: int = 0) -> np.ndarray:
    """Return ``(images, resamples)`` how often each image is drawn in each resample of as many images."""
    generator = np.random.default_rng(seed)
    counts = np.empty((images, resamples), dtype=np.float64)
    for i in range(resamples):
        counts[:, i] = np.bincount(generator.integers(images, size=images), minlength=images)
    return counts


def reweighted(matches: Matches, weights: np.ndarray) -> np.ndarray:
    """Return the twelve numbers of every class for each weighting of the images.

    Args:
        matches: What the engine matched.
        weights: ``(I, R)`` weights of the images, whole numbers of 0 or more; all 1 gives COCOeval's own numbers.

    Returns:
        ``(R, K, 12)``, NaN where a class has no truth of the size in a resample.
    """
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    result = np.full((weights.shape[1], len(matches.groups), len(KEYS)), np.nan)

    def fill(k: int) -> None:
        for area, group in zip(AREAS, matches.groups[k]):
            precision = average_precision(group, weights)  # (T, R)
            for column, metric in enumerate(METRICS):
                if metric.area != area:
                    continue
                if metric.precision:
                    values = precision.mean(0) if metric.iou is None else precision[metric.iou]
                else:
                    values = average_recall(group, weights, metric.max_detections)
                result[:, k, column] = values

    with ThreadPoolExecutor(cores()) as pool:  # numpy lets go of the interpreter lock in long loops
        list(pool.map(fill, range(len(matches.groups))))
    return result


def average_precision(group: Group, weights: np.ndarray) -> np.ndarray:
    """Return ``(T, R)`` the 101-point average precision of a group for weights ``(I, R)``, NaN without truth."""
    size = max(1, BLOCK // max(1, len(group.image)))
    blocks = [weights[:, i : i + size] for i in range(0, weights.shape[1], size)]
    return np.concatenate([_average_precision(group, block) for block in blocks], axis=1)


def _average_precision(group: Group, weights: np.ndarray) -> np.ndarray:
    truths = group.positives @ weights  # (R,)
    own = weights[group.image]  # (N, R)
    seen = np.cumsum(own, axis=0)
    result = np.zeros((len(group.matched), weights.shape[1]))
    for level, (matched, ignored) in enumerate(zip(group.matched, group.ignored)):
        places = np.flatnonzero(matched & ~ignored)
        if len(places):
            found = np.cumsum(own[places], axis=0)  # true positives up to each of them
            counted = seen[places]
            out = np.flatnonzero(ignored)
            if len(out):  # few: what lies across the border of a size, or in a crowd
                gone = np.concatenate([np.zeros((1, weights.shape[1])), np.cumsum(own[out], axis=0)])
                counted -= gone[np.searchsorted(out, places)]
            precision = np.divide(found, np.maximum(counted, 1.0, out=counted), out=counted)
            envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
            passed = np.diff(_thresholds_passed(found / np.maximum(truths, 1.0)), axis=0, prepend=0)
            result[level] = (envelope * passed).sum(0) / len(RECALL_THRESHOLDS)
    result[:, truths == 0] = np.nan
    return result


def _thresholds_passed(recall: np.ndarray) -> np.ndarray:
    """Return how many of the 101 recall thresholds are at or below each recall, exactly as a search would."""
    last = (recall * 100).astype(np.int64)  # the last one passed, up to the rounding of i * 0.01
    last += _STEPS[last + 1] <= recall
    last -= _STEPS[last] > recall
    return last + 1


def average_recall(group: Group, weights: np.ndarray, max_detections: int = MAX_DETECTIONS[-1]) -> np.ndarray:
    """Return ``(R,)`` the recall of a group, mean over IoU thresholds, for weights ``(I, R)``; NaN without truth."""
    hits = (group.matched & ~group.ignored & (group.rank < max_detections)).mean(0)  # (N,) share of the thresholds
    found = np.bincount(group.image, weights=hits, minlength=len(group.positives)) @ weights
    truths = group.positives @ weights
    return np.where(truths > 0, found / np.maximum(truths, 1.0), np.nan)


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
