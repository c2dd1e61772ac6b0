"""The interval of a difference between two settings that were each trained with several seeds."""

from __future__ import annotations

import numpy as np

from tintbox.plugins.coco_eval import bootstrap


def difference_interval(
    samples: np.ndarray, differences: np.ndarray, level: float = 0.95, support: float = np.inf
) -> np.ndarray:
    """Return the interval of the mean difference over seeds, for other images and other seeds.

    The variance of the mean is the sum of two: that of its resamples of the images, ``v``, and that of the S seeds'
    differences divided by S, ``w``. The interval is Student's t with ``(v + w)² / (v² / (n - 1) + w² / (S - 1))``
    degrees of freedom, n being the support (Satterthwaite 1946, An Approximate Distribution of Estimates of Variance
    Components). A single seed says nothing about others: its interval is `bootstrap.difference_interval`, over images.

    Args:
        samples: ``(S, R)`` the difference of each seed in each resample; NaN entries are resamples without a value.
        differences: ``(S,)`` the difference of each seed without resampling.
        level: Confidence level.
        support: How many independent images have an object.

    Returns:
        ``(2,)`` low and high; NaN where `bootstrap.difference_interval` has none.
    """
    from scipy.stats import t

    pooled, difference = samples.mean(0), differences.mean()
    bounds = bootstrap.difference_interval(pooled, difference, level, support)
    if len(differences) < 2 or np.isnan(bounds).any():
        return bounds
    images, seeds = np.nanvar(pooled), differences.var(ddof=1) / len(differences)
    if images + seeds == 0:
        return bounds
    freedom = (images + seeds) ** 2 / (images**2 / (support - 1) + seeds**2 / (len(differences) - 1))
    half = t.ppf((1 + level) / 2, freedom) * np.sqrt(images + seeds)
    return difference + np.array([-half, half])
