"""Non-maximum suppression that stops when it has enough boxes; the result is the same."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

FIRST = 1000  # boxes of a picture, the most certain ones, that are tried first
END_TO_END = 6  # values of a box, by which Ultralytics knows predictions that need no suppression


def stop_early(suppress: Callable[..., Any]) -> Callable[..., Any]:
    """Return Ultralytics' non-maximum suppression, quicker for pictures with very many boxes.

    A box is kept or not by those that are more certain than it, so the first ``max_det`` kept ones are known as soon
    as so many are: what comes after is not looked at. A detector in its first epochs has thousands of candidates
    in a picture, and all of them were compared with each other. Only boxes of equal scores may change places.

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
        found = suppress(scores, conf_thres, iou_thres, max_nms=FIRST, **kwargs)
        few = [i for i, kept in enumerate(found) if len(kept) < max_det]
        classes = nc or scores.shape[1] - 4
        many = (scores[few, 4 : 4 + classes] > conf_thres).flatten(1).sum(1) > FIRST
        again = torch.tensor(few, dtype=torch.int64)[many.cpu()]
        if len(again):
            for i, kept in zip(again.tolist(), suppress(scores[again], conf_thres, iou_thres, **kwargs)):
                found[i] = kept
        return found

    return suppress_some
