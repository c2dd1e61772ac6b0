"""The heads of anchor-based detectors: a 1x1 convolution per level, and the decoding of what it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.head import Detect

from tintbox.plugins.anchor.boxes import Anchors, check_anchors


class AnchorDetect(Detect):
    """The head of YOLOv5 and of Ultralytics' YOLOv3: na anchors per cell, each x, y, w, h, objectness and classes.

    With t the logits of an anchor of size (pw, ph) in cell (cx, cy) of a level with stride s::

        xy   = (2 sigmoid(t_xy) - 0.5 + c) s        up to half a cell beyond the own one
        wh   = (2 sigmoid(t_wh))^2 p                at most four times the anchor
        conf = sigmoid(t_obj) sigmoid(t_cls)

    (Jocher et al., YOLOv5, https://docs.ultralytics.com/yolov5/tutorials/architecture_description, "Eliminate Grid
    Sensitivity".) It is a `Detect` for what Ultralytics does with heads in general: strides, export, NMS of (B, 4 + nc,
    N). The branches of the stock head are not there.

    Attributes:
        nc: Number of classes.
        nl: Number of levels.
        na: Number of anchors in a cell.
        no: Number of outputs of an anchor, nc + 5.
        m: The convolutions, named as in classic checkpoints.
        sizes: Anchors in pixels, (nl, na, 2), always float32.
        reach: How many cells beyond its own a centre can lie.
    """

    reach = 0.5
    reg_max = 1  # no distribution over distances
    cv2: Any = ()  # the stock branches, which Ultralytics looks for
    cv3: Any = None
    sizes: Tensor

    def __init__(self, nc: int, anchors: Any, ch: Sequence[int]) -> None:
        """Make a head.

        Args:
            nc: Number of classes.
            anchors: Per level w, h, w, h, ... in pixels.
            ch: Channels of the inputs by level.

        Raises:
            TintboxError: If the anchors do not fit.
        """
        nn.Module.__init__(self)  # not Detect's, which builds its branches
        self.nc, self.nl = nc, len(ch)
        self.set_anchors(check_anchors(anchors, self.nl))
        self.na = self.sizes.shape[1]
        self.no = nc + 5
        self.stride = torch.zeros(self.nl)
        self.m = nn.ModuleList(nn.Conv2d(c, self.na * self.no, 1) for c in ch)

    def set_anchors(self, anchors: Anchors) -> None:
        """Take anchors, in pixels, as `check_anchors` gives them."""
        device = self.sizes.device if hasattr(self, "sizes") else None
        self.anchor_list = anchors
        self.register_buffer("sizes", torch.tensor(anchors, device=device), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> AnchorDetect:
        """Move to a device or type; the anchors stay float32, which a half-precision checkpoint would round."""
        super()._apply(fn, *args, **kwargs)
        self.sizes = torch.tensor(self.anchor_list, device=self.sizes.device)
        return self

    def forward(self, x: list[Tensor]) -> Any:
        """Run the head.

        Args:
            x: Feature maps, (B, ch[i], ny, nx) each.

        Returns:
            In training a dict: `feats`, the inputs, and `maps`, the logits (B, na (nc + 5), ny, nx) by level. Else the
            decoded boxes as of `decode`, alone in export, otherwise in a tuple with that dict.
        """
        preds: dict[str, Any] = {"feats": x, "maps": [conv(xi) for conv, xi in zip(self.m, x)]}
        if self.training:
            return preds
        y = self.decode(preds["maps"])
        if self.export:
            return y
        if torch.is_grad_enabled():  # explaining a prediction takes the gradient of the class logits
            preds["scores"] = y[:, 4:].logit(1e-6)
        return y, preds

    def decode(self, maps: list[Tensor]) -> Tensor:
        """Return boxes and scores in the form of Ultralytics' heads.

        Args:
            maps: Logits by level, (B, na (nc + 5), ny, nx).

        Returns:
            (B, 4 + nc, N): x, y, w, h in pixels of the input (two corners if `xyxy` is set), and objectness times
            class probability. N runs over levels, anchors, rows and columns.
        """
        return torch.cat([self._decode_level(i, t) for i, t in enumerate(maps)], 2)

    def _decode_level(self, i: int, logits: Tensor) -> Tensor:
        b, _, ny, nx = logits.shape
        t = logits.view(b, self.na, self.no, ny * nx)
        # The grid is made anew each time: a cached one would bind exports to one size and go stale on other devices.
        rows, columns = (torch.arange(n, device=t.device, dtype=t.dtype) for n in (ny, nx))
        cells = torch.stack((columns.repeat(ny), rows.repeat_interleave(nx)))  # (2, ny nx)
        xy = (self.centre(i, t[:, :, 0:2]) + cells) * self.stride[i].to(t)
        wh = self.extent(i, t[:, :, 2:4], self.sizes[i].to(t)[..., None])
        if self.xyxy:  # exports that contain the NMS
            xy, wh = xy - wh / 2, xy + wh / 2
        conf = t[:, :, 4:5].sigmoid() * t[:, :, 5:].sigmoid()
        return torch.cat((xy, wh, conf), 2).transpose(1, 2).reshape(b, 4 + self.nc, -1)  # (B, 4 + nc, na ny nx)

    def centre(self, level: int, t: Tensor) -> Tensor:
        """Return the position of centres in cells, relative to their own cell, for logits of any shape."""
        return t.sigmoid() * 2 - 0.5

    def extent(self, level: int, t: Tensor, anchor: Tensor) -> Tensor:
        """Return widths and heights, in the unit of ``anchor``, for logits of a shape that fits it."""
        return (t.sigmoid() * 2) ** 2 * anchor

    def bias_init(self) -> None:
        """Set the biases for what a picture of 640 pixels holds: 8 objects per level, classes at 0.6 / nc.

        (Lin et al., Focal Loss for Dense Object Detection, 2017, section 3.3; the numbers are YOLOv5's. With one class,
        which the loss does not train, its probability is 1.)
        """
        for conv, stride in zip(self.m, self.stride):
            bias = conv.get_parameter("bias").data.view(self.na, -1)
            bias[:, 4] = math.log(8 / (640 / float(stride)) ** 2)
            bias[:, 5:] = math.log(0.6 / (self.nc - 0.99999))

    def fuse(self) -> None:
        """Do nothing: there is one branch only."""


class DarknetDetect(AnchorDetect):
    """The head of Darknet's `[yolo]` layers: an exponential for the size, and a centre within its cell.

    That is, in the terms of `AnchorDetect`::

        xy = (k sigmoid(t_xy) - (k - 1) / 2 + c) s        k is the layer's scale_x_y
        wh = exp(t_wh) p

    (Redmon and Farhadi, YOLOv3, 2018, section 2.1; scale_x_y: Bochkovskiy et al., YOLOv4, 2020, section 3.4.)
    """

    def __init__(self, nc: int, anchors: Any, scale_xy: Sequence[float], ch: Sequence[int]) -> None:
        """Make a head; ``scale_xy`` has k by level, the rest is as in `AnchorDetect`."""
        super().__init__(nc, anchors, ch)
        self.scale_xy = [float(k) for k in scale_xy]
        self.reach = (max(self.scale_xy) - 1) / 2

    def centre(self, level: int, t: Tensor) -> Tensor:
        """Return the position of centres in cells, relative to their own cell, for logits of any shape."""
        k = self.scale_xy[level]
        return t.sigmoid() * k - (k - 1) / 2

    def extent(self, level: int, t: Tensor, anchor: Tensor) -> Tensor:
        """Return widths and heights, in the unit of ``anchor``, for logits of a shape that fits it."""
        return t.exp() * anchor


HEADS = {head.__name__: head for head in (AnchorDetect, DarknetDetect)}
