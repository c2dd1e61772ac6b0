"""The heads of anchor-based detectors: a 1x1 convolution per level, and the decoding of its output."""

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

        xy   = (2 sigmoid(t_xy) - 0.5 + c) s        up to half a cell outside its own cell
        wh   = (2 sigmoid(t_wh))^2 p                at most four times the anchor
        conf = sigmoid(t_obj) sigmoid(t_cls)

    (Jocher et al., YOLOv5, https://docs.ultralytics.com/yolov5/tutorials/architecture_description, "Eliminate Grid
    Sensitivity".) It subclasses `Detect` for what Ultralytics does with all heads: strides, export, NMS of (B, 4 + nc,
    N). It does not have the branches of the stock head.

    Attributes:
        nc: Number of classes.
        nl: Number of levels.
        na: Number of anchors per cell.
        no: Number of outputs per anchor, nc + 5.
        m: The convolutions, named as in classic checkpoints.
        sizes: Anchors in pixels, (nl, na, 2), always float32.
        reach: How far outside its own cell a centre can lie, in cells.
    """

    reach = 0.5
    reg_max = 1  # no distribution over distances
    cv2: Any = ()  # the stock branches, which Ultralytics accesses
    cv3: Any = None
    sizes: Tensor

    def __init__(self, nc: int, anchors: Any, ch: Sequence[int]) -> None:
        """Create a head.

        Args:
            nc: Number of classes.
            anchors: Per level w, h, w, h, ... in pixels.
            ch: Channels of the inputs by level.

        Raises:
            TintboxError: The anchors do not fit.
        """
        nn.Module.__init__(self)  # skips Detect's, which builds its branches
        self.nc, self.nl = nc, len(ch)
        self.set_anchors(check_anchors(anchors, self.nl))
        self.na = self.sizes.shape[1]
        self.no = nc + 5
        self.stride = torch.zeros(self.nl)
        self.m = nn.ModuleList(nn.Conv2d(c, self.na * self.no, 1) for c in ch)

    def set_anchors(self, anchors: Anchors) -> None:
        """Set anchors in pixels, in the format of `check_anchors`."""
        device = self.sizes.device if hasattr(self, "sizes") else None
        self.anchor_list = anchors
        self.register_buffer("sizes", torch.tensor(anchors, device=device), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> AnchorDetect:
        """Move to a device or type; the anchors stay float32, because half precision would round them."""
        super()._apply(fn, *args, **kwargs)
        self.sizes = torch.tensor(self.anchor_list, device=self.sizes.device)
        return self

    def forward(self, x: list[Tensor]) -> Any:
        """Run the head.

        Args:
            x: Feature maps, (B, ch[i], ny, nx) each.

        Returns:
            In training a dict: `feats`, the inputs, and `maps`, the logits (B, na (nc + 5), ny, nx) by level. Otherwise
            the output of `decode`, alone in export, else in a tuple with that dict.
        """
        preds: dict[str, Any] = {"feats": x, "maps": [conv(xi) for conv, xi in zip(self.m, x)]}
        if self.training:
            return preds
        y = self.decode(preds["maps"])
        if self.export:
            return y
        if torch.is_grad_enabled():  # explanations of predictions need the gradient of the class logits
            preds["scores"] = y[:, 4:].logit(1e-6)
        return y, preds

    def decode(self, maps: list[Tensor]) -> Tensor:
        """Return boxes and scores in the format of Ultralytics' heads.

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
        # The grid is computed each time: a cached one would fix exports to one size and be stale on other devices.
        rows, columns = (torch.arange(n, device=t.device, dtype=t.dtype) for n in (ny, nx))
        cells = torch.stack((columns.repeat(ny), rows.repeat_interleave(nx)))  # (2, ny nx)
        xy = (self.centre(i, t[:, :, 0:2]) + cells) * self.stride[i].to(t)
        wh = self.extent(t[:, :, 2:4], self.sizes[i].to(t)[..., None])
        if self.xyxy:  # exports that contain the NMS
            xy, wh = xy - wh / 2, xy + wh / 2
        conf = t[:, :, 4:5].sigmoid() * t[:, :, 5:].sigmoid()
        return torch.cat((xy, wh, conf), 2).transpose(1, 2).reshape(b, 4 + self.nc, -1)  # (B, 4 + nc, na ny nx)

    def centre(self, level: int, t: Tensor) -> Tensor:
        """Return the position of centres in cells, relative to their own cell, for logits of any shape."""
        return t.sigmoid() * 2 - 0.5

    def extent(self, t: Tensor, anchor: Tensor) -> Tensor:
        """Return widths and heights, in the unit of ``anchor``, for logits of a shape that broadcasts with it."""
        return (t.sigmoid() * 2) ** 2 * anchor

    def bias_init(self) -> None:
        """Set the biases for an image of 640 pixels with 8 objects per level, and class probabilities of 0.6 / nc.

        (Lin et al., Focal Loss for Dense Object Detection, 2017, section 3.3; the numbers are YOLOv5's. A single class,
        which the loss does not train, has probability 1.)
        """
        for conv, stride in zip(self.m, self.stride):
            bias = conv.get_parameter("bias").data.view(self.na, -1)
            bias[:, 4] = math.log(8 / (640 / float(stride)) ** 2)
            bias[:, 5:] = math.log(0.6 / (self.nc - 0.99999))

    def fuse(self) -> None:
        """Do nothing, because there is only one branch."""


class DarknetDetect(AnchorDetect):
    """The head of Darknet's `[yolo]` layers, with an exponential for the size and a centre within its cell.

    In the notation of `AnchorDetect`::

        xy = (k sigmoid(t_xy) - (k - 1) / 2 + c) s        k is the layer's scale_x_y
        wh = exp(t_wh) p

    (Redmon and Farhadi, YOLOv3, 2018, section 2.1; scale_x_y: Bochkovskiy et al., YOLOv4, 2020, section 3.4.)
    """

    def __init__(self, nc: int, anchors: Any, scale_xy: Sequence[float], ch: Sequence[int]) -> None:
        """Create a head; ``scale_xy`` has k by level, the rest is as in `AnchorDetect`."""
        super().__init__(nc, anchors, ch)
        self.scale_xy = [float(k) for k in scale_xy]
        self.reach = (max(self.scale_xy) - 1) / 2

    def centre(self, level: int, t: Tensor) -> Tensor:
        """Return the position of centres in cells, relative to their own cell, for logits of any shape."""
        k = self.scale_xy[level]
        return t.sigmoid() * k - (k - 1) / 2

    def extent(self, t: Tensor, anchor: Tensor) -> Tensor:
        """Return widths and heights, in the unit of ``anchor``, for logits of a shape that broadcasts with it."""
        return t.exp() * anchor


HEADS = {head.__name__: head for head in (AnchorDetect, DarknetDetect)}
