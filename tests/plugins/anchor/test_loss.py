"""The loss, compared with values of the classic code and with closed forms."""

import json

import numpy as np
import pytest
import torch
from torchvision.ops import sigmoid_focal_loss
from ultralytics.utils import DEFAULT_CFG

from tintbox.plugins.anchor.head import AnchorDetect
from tintbox.plugins.anchor.loss import AnchorLoss, Gains
from tintbox.plugins.loss.bce import ClassificationBCE

ANCHORS = [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]


def make_head(nc, anchors=ANCHORS, strides=(8, 16, 32)):
    head = AnchorDetect(nc, anchors, [1] * len(anchors))
    head.stride = torch.tensor(strides, dtype=torch.float32)
    return head


def as_maps(preds):
    """Convert (B, na, ny, nx, nc + 5), the layout of classic code, to that of a convolution's output."""
    return [p.permute(0, 1, 4, 2, 3).reshape(p.shape[0], -1, *p.shape[2:4]) for p in preds]


def loss_of(case, data):
    hyp = case["hyp"]
    bce = ClassificationBCE(pos_weight=hyp["cls_pw"], smoothing=hyp["label_smoothing"], gamma=hyp["fl_gamma"])
    gains = Gains(hyp["box"], hyp["obj"], hyp["cls"])
    head = make_head(case["nc"], data["anchors"].tolist(), data["strides"].tolist())
    return AnchorLoss(head, gains, hyp["anchor_t"], hyp["obj_pw"], bce)


def test_classic_values(shared_data):
    folder = shared_data / "anchor-loss"
    cases = json.loads((folder / "cases.json").read_text())
    assert cases
    for case in cases:
        data, expected = np.load(folder / case["file"]), case["expected"]
        preds = [torch.from_numpy(data[f"pred{i}"]).requires_grad_() for i in range(len(data["strides"]))]
        targets = torch.from_numpy(data["targets"])
        batch = {"batch_idx": targets[:, 0], "cls": targets[:, 1:2], "bboxes": targets[:, 2:]}
        loss, items = loss_of(case, data)({"maps": as_maps(preds)}, batch)
        loss.sum().backward()
        found = [loss.sum().item(), *(x.item() for x in items.values()), *(p.grad.norm().item() for p in preds)]
        known = [*(expected[k] for k in ("total", "box", "obj", "cls")), *expected["grad_norms"]]
        np.testing.assert_allclose(found, known, rtol=1e-6, err_msg=case["file"])


def test_focal_is_that_of_torchvision_for_hard_targets():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 3, generator=generator)
    targets = (torch.rand(50, 3, generator=generator) > 0.7).float()
    loss = AnchorLoss(make_head(3), bce=ClassificationBCE(gamma=2.0))
    expected = sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0, reduction="mean")
    torch.testing.assert_close(loss.bce_mean(logits, targets, None), expected)
    loss.bce = ClassificationBCE(gamma=2.0, alpha=0.6)
    expected = sigmoid_focal_loss(logits, targets, alpha=0.6, gamma=2.0, reduction="mean")
    torch.testing.assert_close(loss.bce_mean(logits, targets, None), expected)


def test_weights_of_the_classes():
    logits, classes = torch.zeros(2, 3), torch.tensor([0, 2])
    loss = AnchorLoss(make_head(3), class_weights=torch.tensor([1.0, 2.0, 4.0]))
    assert loss.classification(logits, classes).item() == pytest.approx(np.log(2) * 7 / 3)  # every BCE is log 2
    loss.bce = ClassificationBCE(pos_weight=torch.tensor([3.0, 1.0, 1.0]))
    assert loss.classification(logits, classes).item() == pytest.approx(np.log(2) * (2 * 7 + 2 * 1) / 6)


def test_gains_of_arguments():
    assert Gains.of(vars(DEFAULT_CFG)) == Gains.of({}) == Gains(0.05, 1.0, 0.5)
    assert Gains.of({"box": 0.1, "obj": 0.7, "cls": 0.3}) == Gains(0.1, 0.7, 0.3)
    assert Gains(0.05, 1.0, 0.5).scale(nl=3, nc=80, imgsz=640) == Gains(0.05, 1.0, 0.5)
    assert Gains(0.05, 1.0, 0.5).scale(nl=2, nc=40, imgsz=320) == Gains(0.05 * 1.5, 0.25 * 1.5, 0.25 * 1.5)
