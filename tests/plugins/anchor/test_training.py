"""Anchor models in real training: loss, anchors, fine-tuning options, resume, other classes, exports."""

import pytest
import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel, load_checkpoint

from tintbox.plugins.anchor.loss import AnchorLoss, Gains


@pytest.fixture(scope="module")
def trained(train):
    return train(epochs=2, cls_pos_weight=[1, 2, 4], cls_smoothing=0.1, obj_pos_weight=2, freeze="backbone[:2]")


@pytest.mark.smoke
def test_the_run_has_the_loss_and_the_options(trained):
    for model in (trained.model, trained.ema.ema):
        loss = model.criterion
        assert isinstance(loss, AnchorLoss)
        assert loss.head is model.model[-1]
        assert loss.bce.pos_weight.tolist() == [1, 2, 4]
        assert loss.bce.smoothing == 0.1
        assert loss.obj_pos_weight == 2
        assert loss.gains == Gains(0.05 * 1.5, 1.5 * (64 / 640) ** 2, 0.5 * 1.5 * (3 / 80))
    assert trained.loss_names == ("box_loss", "obj_loss", "cls_loss")
    saved = load_checkpoint(trained.last)[0].float().state_dict()
    start = DetectionModel(trained.model.yaml, nc=3, verbose=False)
    assert len(saved) == len(start.state_dict())
    frozen = [name for name, p in trained.model.named_parameters() if not p.requires_grad]
    assert {name.split(".")[1] for name in frozen} == {"0", "1"}


def test_resume_goes_on_with_its_anchors_and_options(train, stop_at, log):
    stopped = stop_at(train, "on_model_save", epochs=3, obj_pos_weight=2.0, autoanchor=True)
    anchors = stopped.model.model[-1].anchor_list
    log.clear()
    model = YOLO(stopped.last)
    model.train(resume=True)
    assert model.trainer.start_epoch == 1
    assert model.trainer.args.obj_pos_weight == 2.0
    assert model.trainer.model.criterion.obj_pos_weight == model.trainer.ema.ema.criterion.obj_pos_weight == 2.0
    assert model.trainer.model.model[-1].anchor_list == anchors
    assert not any("k-means" in line for line in log)


def test_other_classes_keep_boxes_and_objectness(trained, log):
    old = YOLO(trained.last).model.float()
    new = DetectionModel({**old.yaml, "nc": 2}, verbose=False)
    new.names = {0: "C", 1: "new"}
    fresh = {k: v.clone() for k, v in new.state_dict().items()}
    new.load(old)
    for level in range(2):
        for kind in ("weight", "bias"):
            key = f"model.5.m.{level}.{kind}"
            a, b, c = (s[key].view(2, n, -1) for s, n in ((old.state_dict(), 8), (new.state_dict(), 7), (fresh, 7)))
            assert torch.equal(b[:, :5], a[:, :5])  # x, y, w, h, objectness
            assert torch.equal(b[:, 5], a[:, 7])  # class c
            assert torch.equal(b[:, 6], c[:, 6])
    assert "head: 3 classes -> 2: class rows are re-made, 1 of them taken over by name" in "".join(log)


def test_in_autocast_the_loss_is_computed_in_float32(trained):
    model = YOLO(trained.last).model.train().requires_grad_(True)
    batch = {
        "img": torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)),
        "batch_idx": torch.tensor([0.0, 1.0]), "cls": torch.tensor([[0.0], [2.0]]),
        "bboxes": torch.tensor([[0.3, 0.3, 0.3, 0.3], [0.6, 0.5, 0.4, 0.3]]),
    }  # fmt: skip
    plain = model.loss(batch)[0]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.loss(batch)[0]
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain, rtol=0.03, atol=0)
    mixed.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_a_run_with_amp(train):
    assert torch.isfinite(train(amp=True).loss).item()


def test_restricted_loading(trained, forked):
    code = "import sys; from ultralytics import YOLO; print(type(YOLO(sys.argv[1]).model.model[-1]).__name__)"
    done = forked("-c", code, trained.last, env={"ULTRALYTICS_SAFE_LOAD": "1"})
    assert done.stdout.split()[-1:] == ["AnchorDetect"], done.stderr


@pytest.mark.parametrize(("kind", "options"), [("torchscript", {}), ("onnx", {}), ("onnx", {"dynamic": True})])
def test_exports_say_the_same(trained, tmp_path, kind, options):
    model = YOLO(trained.best)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model.model.eval()(picture)[0]
    file = YOLO(trained.best).export(format=kind, imgsz=64, **options)
    if kind == "torchscript":
        found = torch.jit.load(file)(picture)
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        found = torch.from_numpy(session.run(None, {"images": picture.numpy()})[0])
        if options:  # a size other than the export's
            wide = torch.rand(1, 3, 64, 96)
            with torch.no_grad():
                other = torch.from_numpy(session.run(None, {"images": wide.numpy()})[0])
                torch.testing.assert_close(other, model.model(wide)[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_nms_within_an_export_gives_corners(trained):
    file = YOLO(trained.best).export(format="torchscript", imgsz=64, nms=True, conf=0.001, iou=0.6)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = torch.jit.load(file)(picture)[0]
    model = YOLO(trained.best).model.eval()
    from ultralytics.utils.nms import non_max_suppression

    with torch.no_grad():
        expected = non_max_suppression(model(picture), conf_thres=0.001, iou_thres=0.6)[0]
    top = min(len(expected), 5)
    torch.testing.assert_close(found[:top, :5], expected[:top, :5], rtol=1e-3, atol=1e-2)
