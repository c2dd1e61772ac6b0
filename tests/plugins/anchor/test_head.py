"""The heads: decoding compared with plain loops, and training of free logits with the loss."""

import math

import pytest
import torch
from torchvision.ops import box_iou
from ultralytics.utils.nms import non_max_suppression

from tintbox.plugins.anchor.head import AnchorDetect, DarknetDetect
from tintbox.plugins.anchor.loss import AnchorLoss

ANCHORS = [[10, 12, 20, 18], [40, 30, 60, 64]]
SCALES = [1.05, 1.2]


def make(kind, nc=2):
    extra = (SCALES,) if kind is DarknetDetect else ()
    head = kind(nc, ANCHORS, *extra, [4, 4])
    head.stride = torch.tensor([8.0, 16.0])
    return head.eval()


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("kind", [AnchorDetect, DarknetDetect])
def test_decoding_by_plain_loops(kind):
    head = make(kind)
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 2 * 7, ny, nx, generator=generator) for ny, nx in ((3, 4), (2, 2))]
    expected = []
    for picture in range(2):
        rows = []
        for level, (logits, stride) in enumerate(zip(maps, (8, 16))):
            _, _, ny, nx = logits.shape
            for a in range(2):
                for y in range(ny):
                    for x in range(nx):
                        tx, ty, tw, th, to, *tc = logits[picture, a * 7 : (a + 1) * 7, y, x].tolist()
                        pw, ph = ANCHORS[level][2 * a : 2 * a + 2]
                        if kind is AnchorDetect:
                            cx, cy = ((2 * sigmoid(t) - 0.5 + c) * stride for t, c in ((tx, x), (ty, y)))
                            w, h = ((2 * sigmoid(t)) ** 2 * p for t, p in ((tw, pw), (th, ph)))
                        else:
                            k = SCALES[level]
                            cx, cy = ((k * sigmoid(t) - (k - 1) / 2 + c) * stride for t, c in ((tx, x), (ty, y)))
                            w, h = (math.exp(t) * p for t, p in ((tw, pw), (th, ph)))
                        rows.append([cx, cy, w, h, *(sigmoid(to) * sigmoid(t) for t in tc)])
        expected.append(torch.tensor(rows).T)
    torch.testing.assert_close(head.decode(maps), torch.stack(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [AnchorDetect, DarknetDetect])
def test_what_minimises_the_loss_decodes_to_the_boxes(kind):
    head, size = make(kind), 64
    targets = torch.tensor([[0, 1, 0.3, 0.3, 0.2, 0.25], [0, 0, 0.7, 0.6, 0.5, 0.6], [1, 0, 0.5, 0.5, 0.7, 0.5]])
    maps = [torch.zeros(2, 2 * 7, size // s, size // s, requires_grad=True) for s in (8, 16)]
    loss, optimizer = AnchorLoss(head), torch.optim.Adam(maps, lr=0.2)
    for _ in range(100):
        optimizer.zero_grad()
        loss.terms(maps, targets).sum().backward()
        optimizer.step()
    found = non_max_suppression(head.decode([m.detach() for m in maps]), 0.4, 0.5)
    for picture, boxes in enumerate(found):
        wanted = targets[targets[:, 0] == picture]
        corners = torch.cat((wanted[:, 2:4] - wanted[:, 4:] / 2, wanted[:, 2:4] + wanted[:, 4:] / 2), 1) * size
        assert len(boxes) == len(wanted)
        iou, best = box_iou(boxes[:, :4], corners).max(1)
        assert (iou > 0.9).all()
        assert sorted(best.tolist()) == list(range(len(wanted)))
        assert boxes[:, 5].tolist() == wanted[best, 1].tolist()


def test_biases_say_how_much_a_picture_holds():
    head = make(AnchorDetect, nc=80)
    head.bias_init()
    bias = head.m[0].bias.view(2, 85)
    assert bias[0, 4].sigmoid().item() == pytest.approx(8 / 6400, rel=2e-3)  # 8 objects in 80x80 cells
    assert bias[1, 5:].sigmoid().mean().item() == pytest.approx(0.6 / 80, rel=0.01)
    single = make(AnchorDetect, nc=1)
    single.bias_init()
    assert single.m[0].bias.view(2, 6)[:, 5].sigmoid().min() > 0.9999  # not trained by the loss


def test_anchors_stay_exact_in_half_precision():
    head = AnchorDetect(2, [[10.3, 12.7]], [4])
    assert head.half().sizes.dtype == torch.float32
    assert head.float().sizes.flatten().tolist() == pytest.approx([10.3, 12.7], rel=1e-7)
