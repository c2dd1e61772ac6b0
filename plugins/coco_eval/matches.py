"""The matches: enough to compute every AP and AR, for any weights of the images, and every error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Group:
    """N detections of one class in one size range, highest score first, with P truths and T IoU thresholds.

    Detections ignored at every threshold, because of another size or a crowd region, are left out.

    Attributes:
        image: ``(N,)`` image number.
        rank: ``(N,)`` rank of the detection within its class and image, from 0.
        matched: ``(T, N)`` bool: matched to a truth.
        ignored: ``(T, N)`` bool: counts neither as true nor as false positive.
        truth_image: ``(P,)`` image number of every truth of this class and size.
    """

    image: np.ndarray
    rank: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    truth_image: np.ndarray


@dataclass(frozen=True)
class Partners:
    """The object matched to each detection.

    Attributes:
        truth: ``(N,)`` row of the matched object, or of the crowd region that contains the detection, or -1.
        ignored: ``(N,)`` bool: counts neither as right nor as wrong (in a crowd region, or beyond the limit).
    """

    truth: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class Matches:
    """All groups of a split.

    Attributes:
        groups: ``groups[class][area]``, classes by category id, areas in the order of ``AREAS``.
        partners: The object matched to each detection at IoU 0.5, of all sizes.
    """

    groups: list[list[Group]]
    partners: Partners
