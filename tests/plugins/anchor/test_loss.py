"""The loss against the values that the classic code gives, and against closed forms."""

import json

import numpy as np
import torch

from tintbox.plugins.anchor.head import AnchorDetect
from tintbox.plugins.anchor.loss import AnchorLoss, Gains
from tintbox.plugins.classification_loss import ClassificationBCE

ANCHORS = [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]


def make_head(nc, anchors=ANCHORS, strides=(8, 16, 32)):
    head = AnchorDetect(nc, anchors, [1] * len(anchors))
    head.stride = torch.tensor(strides, dtype=torch.float32)
    return head


def as_maps(preds):
    """(B, na, ny, nx, nc + 5), as classic code has it, in the layout of a convolution's output."""
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
