"""Non-maximum suppression that stops when it has enough boxes, with the same result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

FIRST = 750  # most confident boxes tried in the first image, doubled while they are too few
MOST = 30000  # boxes that Ultralytics considers by default, `max_nms`
MARGIN = 1.25  # boxes tried in the next image, relative to what this one needed
END_TO_END = 6  # values per box, by which Ultralytics recognises predictions that need no suppression


def stop_early(suppress: Callable[..., Any]) -> Callable[..., Any]:
    """Return Ultralytics' non-maximum suppression, made faster for images with very many boxes.

    Whether a box is kept depends only on more confident boxes, so the search can stop as soon as ``max_det`` boxes are
    kept. A detector in its first epochs has thousands of candidates per image, and stock compares them all with each
    other. Only boxes of equal scores may change places.

    Args:
        suppress: ``ultralytics.utils.nms.non_max_suppression``.
    """

    @functools.wraps(suppress)
    def suppress_some(
        prediction: Any,
        conf_thres: float = 0.25,
        iou_thres: float = 0.45,
        *args: Any,
        max_det: int = 300,
        nc: int = 0,
        **kwargs: Any,
    ) -> Any:
        kwargs |= {"max_det": max_det, "nc": nc}
        scores = prediction[0] if isinstance(prediction, (list, tuple)) else prediction
        others = {"max_nms", "return_idxs"} & kwargs.keys() or kwargs.get("rotated") or kwargs.get("end2end")
        if args or others or scores.shape[-1] == END_TO_END:
            return suppress(prediction, conf_thres, iou_thres, *args, **kwargs)
        classes = nc or scores.shape[1] - 4
        found, tried = [], FIRST
        for picture in scores.split(1):
            certain = picture[:, 4 : 4 + classes]
            there = min(int((certain > conf_thres).sum()), MOST)
            while True:
                kept = suppress(picture, conf_thres, iou_thres, max_nms=tried, **kwargs)[0]
                if len(kept) == max_det or tried >= there:
                    break
                tried = min(2 * tried, MOST)
            if 0 < max_det == len(kept):
                tried = min(int(MARGIN * (certain >= kept[-1, 4]).sum()), MOST)
            found.append(kept)
        return found

    return suppress_some
