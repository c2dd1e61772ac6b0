"""The joined heads of an extended model: the old one and one per new branch, each a plain Ultralytics head."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules.head import Detect

BOXES, CLASSES = ("cv2", "one2one_cv2"), ("cv3", "one2one_cv3")  # a head's branches, each with a module per level
BRANCHES = BOXES + CLASSES
ALL_LEVELS = slice(0, None)


def shared(name: str) -> property:
    """Return a property shared by all heads: Ultralytics sets it on a model's last layer, its head."""

    def write(joined: Any, value: Any) -> None:
        for head in joined.heads:
            setattr(head, name, value)

    return property(lambda joined: getattr(joined.heads[0], name), write)


def newest(name: str) -> property:
    """Return a property that reads the newest head's attribute: the one Ultralytics trains on a model's last layer."""
    return property(lambda joined: getattr(joined.heads[-1], name, None))


class JoinedDetect(Detect):
    """Several heads as one: the boxes of all, each scored in its own head's classes and zero in the others.

    Every head is a plain `Detect` that reads its own features and decodes them itself, so the old head's output is bit
    for bit what it was alone. The class derives from `Detect` because Ultralytics treats heads in general that way.

    Attributes:
        heads: The heads, oldest first.
        counts: Number of classes of each.
        nc: Total number of classes.
        levels: Number of feature maps that each reads.
    """

    dynamic = shared("dynamic")
    export = shared("export")
    format = shared("format")
    max_det = shared("max_det")
    agnostic_nms = shared("agnostic_nms")
    xyxy = shared("xyxy")
    shape = shared("shape")
    inplace = shared("inplace")
    end2end = shared("end2end")
    cv2 = newest("cv2")
    cv3 = newest("cv3")
    one2one_cv2 = newest("one2one_cv2")
    one2one_cv3 = newest("one2one_cv3")

    def __init__(self, heads: Sequence[Detect]) -> None:
        """Join heads."""
        nn.Module.__init__(self)  # not Detect's, which builds branches
        self.heads = nn.ModuleList(heads)
        self.counts = [head.nc for head in heads]
        self.levels = [head.nl for head in heads]
        self.nc, self.nl = sum(self.counts), sum(self.levels)
        self.reg_max = heads[0].reg_max
        self.no = self.nc + 4 * self.reg_max
        self.stride = heads[0].stride

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> JoinedDetect:
        """Move to a device or dtype, including the tensors that Ultralytics only moves on a model's last layer."""
        super()._apply(fn, *args, **kwargs)
        head: Any
        for head in self.heads:
            head.stride, head.anchors, head.strides = fn(head.stride), fn(head.anchors), fn(head.strides)
        return self

    def forward(self, x: list[Tensor]) -> Any:
        """Run all heads; in training only the newest one.

        Args:
            x: The feature maps of all heads, concatenated in head order, (B, C, ny, nx) each.

        Returns:
            In training, what the newest head returns. Otherwise like `Detect`: (B, 4 + nc, N) with the heads' anchors
            in head order, or (B, heads * max_det, 6) end to end; except in export, in a tuple with the newest head's
            raw predictions.
        """
        if self.training:
            return self.heads[-1](x[-self.levels[-1] :])
        outputs, first = [], 0
        for head, levels in zip(self.heads, self.levels):
            outputs.append(head(x[first : first + levels]))
            first += levels
        if self.export:
            return self.join(outputs)
        return self.join([decoded for decoded, _ in outputs]), outputs[-1][1]

    def join(self, decoded: list[Tensor]) -> Tensor:
        """Merge the predictions of all heads into one tensor."""
        parts, before = [], 0
        for part, count in zip(decoded, self.counts):
            if self.end2end:  # (B, max_det, 6), the class last
                parts.append(torch.cat((part[..., :5], part[..., 5:] + before), -1) if before else part)
            else:  # (B, 4 + count, N)
                scores = functional.pad(part[:, 4:], (0, 0, before, self.nc - before - count))
                parts.append(torch.cat((part[:, :4], scores), 1))
            before += count
        return torch.cat(parts, 1 if self.end2end else 2)

    def bias_init(self) -> None:
        """Do nothing: the old heads are trained, and `renew` initialises new ones."""

    def fuse(self) -> None:
        """Do nothing: Ultralytics visits every head itself."""


def list_strides(head: Any) -> list[float]:
    """Return the strides of a head's levels in pixels, finest first."""
    return head.stride.tolist()


def renew(old: Detect, count: int, levels: slice = ALL_LEVELS) -> Detect:
    """Return a head for other classes: a copy with new last convolutions in its class branches.

    Their biases are the prior for an image of 640 pixels (Lin et al., Focal Loss for Dense Object Detection, 2017,
    section 3.3; the numbers are Ultralytics').

    Args:
        old: A trained head.
        count: Number of classes.
        levels: The levels that it reads, of the old one's, finest first.
    """
    head = deepcopy(old)
    head.nc, head.no, head.shape = count, count + 4 * head.reg_max, None
    head.stride = head.stride[levels]
    head.nl = len(head.stride)
    for name in BRANCHES:
        if getattr(head, name, None) is not None:
            setattr(head, name, getattr(head, name)[levels])
    for branches in (head.cv3, getattr(head, "one2one_cv3", None)):
        for branch, stride in zip(branches or (), head.stride.tolist()):
            last = branch[-1]
            branch[-1] = nn.Conv2d(last.in_channels, count, 1).to(last.weight)
            nn.init.constant_(branch[-1].bias, math.log(5 / count / (640 / stride) ** 2))
    return head
