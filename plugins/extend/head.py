"""The heads of an extended model, joined: the old one and those of the new branches, each as Ultralytics made it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules.head import Detect


def shared(name: str) -> property:
    """Return an attribute that all heads have in common: Ultralytics sets it on a model's last layer, its one head."""

    def write(joined: Any, value: Any) -> None:
        for head in joined.heads:
            setattr(head, name, value)

    return property(lambda joined: getattr(joined.heads[0], name), write)


def newest(name: str) -> property:
    """Return an attribute that is the newest head's: what Ultralytics trains on a model's last layer."""
    return property(lambda joined: getattr(joined.heads[-1], name, None))


class JoinedDetect(Detect):
    """Several heads as one: boxes of all, each with scores in the classes of its own head and zeros in the others.

    Every head is a plain `Detect` that sees its own features and decodes them itself, so what the old one says is bit
    for bit what it said alone. It is a `Detect` for what Ultralytics does with heads in general.

    Attributes:
        heads: The heads, the oldest first.
        counts: How many classes each has.
        nc: Number of classes, of all heads together.
        levels: How many feature maps each reads.
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
        nn.Module.__init__(self)  # not Detect's, which builds its branches
        self.heads = nn.ModuleList(heads)
        self.counts = [head.nc for head in heads]
        self.levels = [head.nl for head in heads]
        self.nc, self.nl = sum(self.counts), sum(self.levels)
        self.reg_max = heads[0].reg_max
        self.no = self.nc + 4 * self.reg_max
        self.stride = heads[0].stride

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> JoinedDetect:
        """Move to a device or type, with what Ultralytics moves of a model's last layer only."""
        super()._apply(fn, *args, **kwargs)
        head: Any
        for head in self.heads:
            head.stride, head.anchors, head.strides = fn(head.stride), fn(head.anchors), fn(head.strides)
        return self

    def forward(self, x: list[Tensor]) -> Any:
        """Run all heads; in training the newest one alone.

        Args:
            x: The feature maps of all heads, one after the other, (B, C, ny, nx) each.

        Returns:
            In training what the newest head returns. Else as `Detect`: (B, 4 + nc, N) with the anchors of one head
            after the other's, or (B, heads * max_det, 6) end to end; in a tuple with the newest head's raw predictions
            unless in export.
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
        """Return the predictions of all heads as those of one."""
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
        """Do nothing: the old heads are trained, and `renew` has done it for a new one."""

    def fuse(self) -> None:
        """Do nothing: Ultralytics comes by every head itself."""


def renew(old: Detect, count: int) -> Detect:
    """Return a head for other classes: a copy, but for the last convolutions of its class branches.

    Their biases are for what a picture of 640 pixels holds (Lin et al., Focal Loss for Dense Object Detection, 2017,
    section 3.3; the numbers are Ultralytics').

    Args:
        old: A trained head.
        count: How many classes.
    """
    head = deepcopy(old)
    head.nc, head.no, head.shape = count, count + 4 * head.reg_max, None
    for branches in (head.cv3, getattr(head, "one2one_cv3", None)):
        for branch, stride in zip(branches or (), head.stride.tolist()):
            last = branch[-1]
            branch[-1] = nn.Conv2d(last.in_channels, count, 1).to(last.weight)
            nn.init.constant_(branch[-1].bias, math.log(5 / count / (640 / stride) ** 2))
    return head
