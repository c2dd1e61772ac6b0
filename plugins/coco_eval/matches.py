"""What was matched: enough to compute every AP and AR, with any weights for the images, and every error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Group:
    """The detections of one class in one range of sizes, best score first; N of them, P truths, T IoU thresholds.

    Detections that count at no threshold are left out: they are those of other sizes, and those in crowds.

    Attributes:
        image: ``(N,)`` number of the image.
        rank: ``(N,)`` place of the detection among those of its class in its image, from 0.
        matched: ``(T, N)`` bool: has a truth for itself.
        ignored: ``(T, N)`` bool: counts neither for nor against.
        truth_image: ``(P,)`` number of the image of every truth of the class and size.
    """

    image: np.ndarray
    rank: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    truth_image: np.ndarray


@dataclass(frozen=True)
class Partners:
    """What each detection found, at one IoU threshold.

    Attributes:
        truth: ``(N,)`` row of the object that it found, or of the crowd region that it lies in, or -1.
        ignored: ``(N,)`` bool: counts neither as right nor as wrong (in a crowd region, or beyond the limit).
    """

    truth: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class Matches:
    """All groups of a split.

    Attributes:
        groups: ``groups[class][area]``, classes by category id, areas in the order they were asked for.
        partners: What each detection found at the first threshold, of the first range of sizes.
    """

    groups: list[list[Group]]
    partners: Partners
