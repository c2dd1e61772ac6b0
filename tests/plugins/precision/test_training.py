"""`amp=auto` and `amp=bf16` on a CPU: losses close to float32's in every task, and stock checkpoints."""

import math
from types import SimpleNamespace

import pytest
import torch
import yaml
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import DEFAULT_CFG

from tintbox import memory, threads
from tintbox.plugins.precision import policy, training
from tintbox.processor import fast_bfloat16

STEPS, BATCH, SIDE = 20, 4, 64
# For an untrained network, whose assignment of boxes to cells is unstable: for one step's loss, and for the mean.
TOLERANCE, MEAN_TOLERANCE = 0.25, 0.03
native = pytest.mark.skipif(not fast_bfloat16(), reason="this processor does not multiply bfloat16 natively")
MODELS = {
    "detect": "yolo11n.yaml",
    "segment": "yolo11n-seg.yaml",
    "pose": "yolo11n-pose.yaml",
    "obb": "yolo11n-obb.yaml",
    "classify": "yolo11n-cls.yaml",
    "semantic": "yolo26n-sem.yaml",
    "depth": "yolo26n-depth.yaml",
    "anchors": "yolov5n-anchor.yaml",
    "end to end": "yolo26n.yaml",
}
LABELS = {  # a square in the middle, in each task's format
    "segment": "0 .25 .25 .75 .25 .75 .75 .25 .75",
    "obb": "0 .25 .25 .75 .25 .75 .75 .25 .75",
    "pose": "0 .5 .5 .5 .5 .3 .3 2 .7 .7 2",
    "detect": "0 .5 .5 .5 .5",
}


class Reached(Exception):  # noqa: N818 - it ends a run, it is no error
    """Raised when a network computes its own loss."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return a function from task to dataset: eight images with one square each."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)

    def make(task):
        root = tmp_path_factory.mktemp(task.replace(" ", "-"))
        for i in range(8):
            picture = rng.integers(0, 120, (SIDE, SIDE, 3), dtype=np.uint8)
            picture[16:48, 16:48] = rng.integers(120, 255, 3)
            if task == "classify":
                for split in ("train", "val"):
                    (root / split / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(root / split / "ab"[i % 2] / f"{i}.png"), picture)
                continue
            for folder in ("images", "labels"):
                (root / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(root / "images" / f"{i}.png"), picture)
            (root / "labels" / f"{i}.txt").write_text(LABELS.get(task, LABELS["detect"]))
            inside = np.zeros((SIDE, SIDE), np.uint8)
            inside[16:48, 16:48] = 1
            if task in ("semantic", "depth"):
                (root / task).mkdir(exist_ok=True)
                target = inside if task == "semantic" else 256 * (1 + np.uint16(inside))
                cv2.imwrite(str(root / task / f"{i}.png"), target)
        if task == "classify":
            return root
        content = {"path": str(root), "train": "images", "val": "images", "names": {0: "square"}}
        content |= {
            "pose": {"kpt_shape": [2, 3]},
            "semantic": {"names": {0: "ground", 1: "square"}, "masks_dir": "semantic"},
            "depth": {"depth_scale": 256},
        }.get(task, {})
        (root / "data.yaml").write_text(yaml.safe_dump(content))
        return root / "data.yaml"

    return make


def train(model, data, tmp_path, monkeypatch, **arguments):
    """Train; return the loss of every step and the trainer."""
    monkeypatch.setenv("TINTBOX_THREADS", "1")  # so no process loads ahead, and all runs see the same images
    losses = []
    yolo = YOLO(model)
    yolo.add_callback("on_train_batch_end", lambda trainer: losses.append(float(trainer.loss.detach())))
    settings = {
        "epochs": STEPS * BATCH // 8, "batch": BATCH, "imgsz": SIDE, "optimizer": "SGD", "lr0": 0.0001, "momentum": 0,
        "nbs": BATCH, "warmup_epochs": 0, "mosaic": 0, "plots": False, "val": False, "project": tmp_path,
        "pretrained": False, "workers": 0, "save": False,
    }  # fmt: skip
    yolo.train(data=str(data), **{**settings, **arguments})
    return losses, yolo.trainer


@native
@pytest.mark.parametrize("task", [t if t == "detect" else pytest.param(t, marks=pytest.mark.slow) for t in MODELS])
def test_losses_are_those_of_float32(task, pictures, tmp_path, monkeypatch):
    data = pictures(task)
    expected, _ = train(MODELS[task], data, tmp_path, monkeypatch, amp=False, name="float32")
    found, trainer = train(MODELS[task], data, tmp_path, monkeypatch, amp="auto", name="auto")
    assert len(found) == len(expected) == STEPS
    assert found != expected, "bfloat16 was at work"
    assert found == pytest.approx(expected, rel=TOLERANCE)
    assert sum(found) == pytest.approx(sum(expected), rel=MEAN_TOLERANCE)
    assert next(trainer.model.parameters()).dtype == torch.float32
    weights = [p for p in trainer.model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[2] > 1]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in weights)


def test_adam_in_one_kernel_and_memory_kept_under_the_switch_alone(pictures, tmp_path, monkeypatch):
    data, kept, began = pictures("detect"), memory.keep, []

    def noted(device):
        began.append(device.type)
        return kept(device)

    monkeypatch.setattr(memory, "keep", noted)
    for amp in (False, "auto"):
        assert not began
        settings = {"optimizer": "AdamW", "epochs": 1, "name": str(amp), "freeze": "backbone"}
        _, trainer = train("yolo11n.yaml", data, tmp_path, monkeypatch, amp=amp, **settings)
        assert {bool(group["fused"]) for group in trainer.optimizer.param_groups} == {amp == "auto"}
    assert began == ["cpu"]


@native
@pytest.mark.parametrize("amp", ["auto", "bf16"])
def test_checkpoints_are_stock_and_resume(amp, pictures, tmp_path, monkeypatch, forked):
    def stop(trainer):
        trainer.stop = trainer.epoch == 1

    data = pictures("detect")
    yolo = YOLO("yolo11n.yaml")
    yolo.add_callback("on_train_epoch_end", stop)
    monkeypatch.setenv("TINTBOX_THREADS", "1")
    kept = {}
    yolo.add_callback("on_model_save", lambda trainer: kept.update(last=trainer.last.read_bytes()))
    yolo.train(
        data=str(data), epochs=4, batch=4, imgsz=SIDE, amp=amp, plots=False, project=tmp_path, name="run", val=False
    )
    last = tmp_path / "run" / "weights" / "last.pt"
    last.write_bytes(kept["last"])
    checkpoint = torch.load(last, map_location="cpu", weights_only=False)
    assert checkpoint["train_args"]["amp"] is True
    assert all(p.is_contiguous() for p in checkpoint["ema"].parameters())
    if amp == "auto":  # `bf16` is Ultralytics' own
        assert yaml.safe_load((tmp_path / "run" / "args.yaml").read_text())["amp"] is True
        assert yaml.safe_load((tmp_path / "run" / "tintbox.yaml").read_text()) == {"amp": "auto"}
    resume = f"from ultralytics import YOLO; YOLO({str(last)!r}).train(resume=True)"
    for environment in ({}, {"TINTBOX_DISABLE": "1"}):
        last.write_bytes(kept["last"])
        done = forked("-c", resume, env={"TINTBOX_THREADS": "1", **environment})
        assert done.returncode == 0, done.stderr
        assert (f"amp={amp}: bfloat16" in done.stdout + done.stderr) is (not environment)


@native
def test_validation_in_training_decodes_boxes_in_float32(pictures, tmp_path, monkeypatch):
    seen = []

    def note(trainer):
        seen.append(trainer.metrics.get("val/box_loss"))

    data = pictures("detect")
    yolo = YOLO("yolo11n.yaml")
    yolo.add_callback("on_fit_epoch_end", note)
    monkeypatch.setenv("TINTBOX_THREADS", "1")
    dtypes = set()
    decode = type(yolo.model.model[-1]).decode_bboxes
    monkeypatch.setattr(
        type(yolo.model.model[-1]), "decode_bboxes", lambda self, b, *a: (dtypes.add(b.dtype), decode(self, b, *a))[1]
    )
    yolo.train(
        data=str(data), epochs=1, batch=4, imgsz=SIDE, amp="auto", plots=False, project=tmp_path, pretrained=False
    )
    assert dtypes == {torch.float32}
    assert math.isfinite(seen[0])


@native
def test_a_loss_out_of_reach_is_left_in_float32(pictures, tmp_path, monkeypatch, caplog):
    class OwnLoss(DetectionModel):
        def loss(self, batch, preds=None):
            raise Reached(torch.is_autocast_enabled("cpu"))

    monkeypatch.setattr("ultralytics.models.yolo.detect.train.DetectionModel", OwnLoss)
    monkeypatch.setattr(training.LOGGER, "propagate", True)
    with caplog.at_level("INFO"), pytest.raises(Reached, match="False"):
        train("yolo11n.yaml", pictures("detect"), tmp_path, monkeypatch, amp="auto")
    assert "amp=auto: float32 (OwnLoss has a loss of its own), channels last, 1 thread" in caplog.text


def test_a_run_without_native_bfloat16_asks_for_it_where_it_is_resumed(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(policy, "fast_bfloat16", lambda: False)
    _, trainer = train("yolo11n.yaml", pictures("detect"), tmp_path, monkeypatch, amp="auto", epochs=1, save=True)
    checkpoint = torch.load(trainer.last, map_location="cpu", weights_only=False)
    assert checkpoint["train_args"]["amp"] is True and checkpoint["model"].tintbox_args == {"amp": "auto"}


def test_an_interrupted_run_leaves_the_process_as_it_was(monkeypatch):
    monkeypatch.setattr(threads, "_ends", {})
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), training.restoring_cpu_settings(torch.device("cpu")):
        torch.set_num_threads(before + 1)
        threads.watch(2)
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before and not threads._ends


@pytest.mark.parametrize(("method", "copies"), [("fork", True), ("spawn", False), (None, None)])
def test_loaders_only_where_processes_are_copies(monkeypatch, method, copies):
    """A script without `if __name__ == "__main__"` works in stock training on a CPU, and must here too."""
    monkeypatch.setattr(training.multiprocessing, "get_start_method", lambda allow_none: method)
    expected = training.multiprocessing.get_all_start_methods()[0] == "fork" if method is None else copies
    assert training.forks() is expected


@pytest.mark.parametrize(("threads", "loaders"), [(1, 0), (2, 0), (3, 0), (4, 1), (16, 4), (64, training.MOST_LOADERS)])
def test_loaders_by_threads(threads, loaders):
    assert training.split(threads) == loaders


@pytest.mark.parametrize(("asked", "loaders"), [(None, 2), (1, 1), (0, 0), (-1, 0)])
def test_no_more_loaders_than_asked_for(asked, loaders, pictures, tmp_path, monkeypatch):
    asked = {} if asked is None else {"workers": asked}
    monkeypatch.setattr(training, "available", lambda: 8)
    monkeypatch.setattr(training, "forks", lambda: True)
    yolo, found = YOLO("yolo11n.yaml"), []

    def stop(trainer):
        found.append((trainer.args.workers, policy.record(trainer)["workers"]))
        raise Reached

    yolo.add_callback("on_pretrain_routine_end", stop)
    with pytest.raises(Reached):
        yolo.train(data=str(pictures("detect")), imgsz=SIDE, amp="auto", plots=False, project=tmp_path, **asked)
    # A checkpoint has what was asked for: another machine that resumes it may have more cores.
    assert found == [(loaders, asked.get("workers", DEFAULT_CFG.workers))]


def test_what_is_upsampled_gets_gradients_without_gaps():
    model = DetectionModel("yolo11n.yaml", verbose=False)
    training.optimise_for_cpu(SimpleNamespace(model=model, ema=None, optimizer=torch.optim.SGD(model.parameters())))
    layouts = []

    def note(module, inputs, output):
        output.register_hook(lambda g: layouts.append(g.is_contiguous(memory_format=torch.channels_last)))

    for module in model.modules():
        if isinstance(module, torch.nn.Upsample):
            module.register_forward_hook(note)
    sum(level.square().mean() for level in model.train()(torch.rand(2, 3, 64, 64))["feats"]).backward()
    assert layouts == [True, True]
