"""The loss of anchor-based detectors: boxes, objectness and classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F
from ultralytics.utils.metrics import bbox_iou

from tintbox.plugins.anchor.matching import match
from tintbox.plugins.loss.bce import ClassificationBCE

if TYPE_CHECKING:
    from tintbox.plugins.anchor.head import AnchorDetect

ALPHA = 0.25  # of the focal loss, if `cls_focal` gives none
STOCK_BOX = 7.5  # Ultralytics' default of `box`, meant for another loss; replaced by this loss's 0.05


@dataclass(frozen=True)
class Gains:
    """The weights of the three terms."""

    box: float = 0.05
    obj: float = 1.0
    cls: float = 0.5

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Gains:
        """Return the gains that training arguments set."""
        box, obj, classes = (arguments.get(name) for name in ("box", "obj", "cls"))
        return cls(
            box=cls.box if box in (None, STOCK_BOX) else box,
            obj=cls.obj if obj is None else obj,
            cls=cls.cls if classes is None else classes,
        )

    def scale(self, nl: int, nc: int, imgsz: int) -> Gains:
        """Return the gains scaled from 3 levels, 80 classes and 640 pixels to other numbers, as in classic training.

        (https://docs.ultralytics.com/yolov5/tutorials/hyperparameter_evolution: the gains are those of COCO at 640.)
        """
        levels = 3 / nl
        return Gains(self.box * levels, self.obj * levels * (imgsz / 640) ** 2, self.cls * levels * (nc / 80))


class AnchorLoss:
    """The loss of classic YOLOv5 and YOLOv3.

    For every level, with its matches (`matching.match`)::

        box = mean(1 - CIoU)                              over matched predictions and their boxes
        obj = mean(BCE(t_obj, max(CIoU, 0)))              over all cells; CIoU detached, 0 where nothing is matched
        cls = mean(BCE(t_cls, cp or cn))                  over matched predictions; only with more than one class

    Each term is summed over levels, obj weighted by 4.0, 1.0, 0.4 for strides 8, 16, 32, and multiplied by its gain and
    the batch size. With e the smoothing, cp = 1 - e/2 is the target of the true class and cn = e/2 of the others. The
    BCEs of classes and objectness each have their own positive weight. With gamma > 0 both are focal losses (Lin et
    al., Focal Loss for Dense Object Detection, 2017, eq. 5) with ::

        p_t = s p + (1 - s) (1 - p),   a_t = a s + (1 - a) (1 - s)

    also for soft targets s, and alpha a = 0.25 by default.

    (CIoU: Zheng et al., Distance-IoU Loss, 2020. The rest:
    https://docs.ultralytics.com/yolov5/tutorials/architecture_description, "Compute Losses".)

    Attributes:
        bce: The settings of the classification loss: its positive weight, smoothing, gamma and alpha are used.
        gains: The weights of the terms.
    """

    loss_names = ("box_loss", "obj_loss", "cls_loss")

    def __init__(
        self,
        head: AnchorDetect,
        gains: Gains | None = None,
        anchor_t: float = 4.0,
        obj_pos_weight: float = 1.0,
        bce: ClassificationBCE | None = None,
        class_weights: Tensor | None = None,
    ) -> None:
        """Create a loss.

        Args:
            head: The head, whose current decoding and anchors are used in each call.
            gains: The weights of the terms.
            anchor_t: The largest ratio between the sides of a box and its anchor, in either direction.
            obj_pos_weight: Positive weight of the objectness.
            bce: The classification loss, for its settings.
            class_weights: Weight of every class, for both positives and negatives, (nc,).
        """
        self.head = head
        self.gains = gains or Gains()
        self.anchor_t = anchor_t
        self.obj_pos_weight = obj_pos_weight
        self.bce = bce or ClassificationBCE()
        self.class_weights = class_weights
        self.balance = (4.0, 1.0, 0.4) if head.nl == 3 else (4.0, 1.0, 0.25, 0.06, 0.02)[: head.nl]

    @classmethod
    def of(cls, model: Any) -> AnchorLoss:
        """Return the loss of a model for its training arguments, with unscaled gains."""
        arguments = getattr(model, "args", None) or {}
        arguments = arguments if isinstance(arguments, Mapping) else vars(arguments)
        given = {key: arguments[key] for key in ("anchor_t", "obj_pos_weight") if arguments.get(key) is not None}
        weights = getattr(model, "class_weights", None)
        return cls(model.model[-1], Gains.of(arguments), class_weights=weights, **given)

    @property
    def device(self) -> torch.device:
        """Return the head's device."""
        return self.head.sizes.device

    def __call__(self, preds: Any, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch.

        Args:
            preds: The head's output, in training or evaluation mode.
            batch: `batch_idx` (n,), `cls` (n, 1) and `bboxes` (n, 4), x, y, w, h relative to the image.

        Returns:
            The three terms with gains, times the batch size, (3,), and the detached terms by name without that factor.
        """
        maps = (preds[1] if isinstance(preds, tuple) else preds)["maps"]
        targets = torch.cat((batch["batch_idx"].view(-1, 1), batch["cls"].view(-1, 1), batch["bboxes"]), 1)
        terms = self.terms(maps, targets.to(maps[0].device, torch.float32))
        return terms * len(maps[0]), dict(zip(self.loss_names, terms.detach()))

    def terms(self, maps: list[Tensor], targets: Tensor) -> Tensor:
        """Return box, objectness and classification loss with gains, (3,) float32.

        Args:
            maps: Logits by level, (B, na (nc + 5), ny, nx).
            targets: (n, 6): image index, class, and x, y, w, h relative to the image.
        """
        box = obj = cls = targets.new_zeros(())
        for i, logits in enumerate(maps):
            b, _, ny, nx = logits.shape
            # (B, na, nc + 5, ny, nx); half precision is too coarse for the IoU of small boxes
            t = logits.float().view(b, self.head.na, -1, ny, nx)
            anchors = self.head.sizes[i] / self.head.stride[i].to(t)
            matches = match(targets, anchors, (ny, nx), self.anchor_t, neighbours=self.head.reach >= 0.5)
            objectness = torch.zeros_like(t[:, :, 4])
            if len(matches):
                where = matches.image, matches.anchor, matches.row, matches.column
                matched = t[matches.image, matches.anchor, :, matches.row, matches.column]  # (n, nc + 5)
                xy, wh, _, classes = matched.split((2, 2, 1, self.head.nc), 1)
                predicted = torch.cat((self.head.centre(i, xy), self.head.extent(wh, matches.sizes)), 1)
                iou = bbox_iou(predicted, matches.boxes, CIoU=True).squeeze(1)
                box = box + (1 - iou).mean()
                objectness[where] = iou.detach().clamp(0)
                if self.head.nc > 1:
                    cls = cls + self.classification(classes, matches.classes)
            obj = obj + self.bce_mean(t[:, :, 4], objectness, self.obj_pos_weight) * self.balance[i]
        return torch.stack((box * self.gains.box, obj * self.gains.obj, cls * self.gains.cls))

    def classification(self, logits: Tensor, classes: Tensor) -> Tensor:
        """Return the mean loss of logits (n, nc) for true classes (n,)."""
        smoothing = self.bce.smoothing
        target = torch.full_like(logits, smoothing / 2)
        target[torch.arange(len(classes), device=classes.device), classes] = 1 - smoothing / 2
        return self.bce_mean(logits, target, self.bce.pos_weight, self.class_weights)

    def bce_mean(
        self, logits: Tensor, target: Tensor, pos_weight: Tensor | float | None, weights: Tensor | None = None
    ) -> Tensor:
        """Return the mean BCE, or focal loss if gamma or alpha is set."""
        weight = None if pos_weight is None else torch.as_tensor(pos_weight, device=logits.device, dtype=logits.dtype)
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none", pos_weight=weight)
        if weights is not None:
            loss = loss * weights.to(loss)
        if self.bce.gamma or self.bce.alpha is not None:
            alpha = ALPHA if self.bce.alpha is None else self.bce.alpha
            p = logits.sigmoid()
            p_t = target * p + (1 - target) * (1 - p)
            loss = loss * (alpha * target + (1 - alpha) * (1 - target)) * (1 - p_t) ** self.bce.gamma
        return loss.mean()
