"""`polish=true` in training."""

import shutil
from types import SimpleNamespace

import pytest
import torch
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.polish import training, variants

from ...tiny_models import YOLO11N

SETTINGS = {"epochs": 1, "imgsz": 64, "batch": 8, "workers": 0, "plots": False, "polish": True, "device": "cpu"}


@pytest.fixture
def spoil():
    """A callback that triples the variances of the moving average before it is validated and saved."""

    def spoil(trainer):
        for layer in trainer.ema.ema.model[:3].modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_var *= 3

    return spoil


def test_best_is_the_best_variant_and_is_what_is_validated_at_the_end(photos, spoil, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "LEAST", 10)
    seen = []
    yolo = YOLO(photos.weights)
    yolo.add_callback("on_train_epoch_end", spoil)
    yolo.add_callback("on_train_end", lambda trainer: seen.append(trainer.metrics["metrics/mAP50-95(B)"]))
    yolo.train(data=str(photos.data), project=str(tmp_path), name="run", lr0=1e-6, **{**SETTINGS, "imgsz": 160})
    best, last = (
        torch.load(tmp_path / "run" / "weights" / name, weights_only=False) for name in ("best.pt", "last.pt")
    )
    mark = best["tintbox_polish"]
    assert mark["anew"] and mark["start"] == str(photos.weights) and "tintbox_polish" not in last
    assert best["optimizer"] is None and best["ema"] is None, "stripped, as always"
    assert seen == [pytest.approx(mark["ap"], abs=0.002)], "the final validation is of the polished model"
    one, other = (c["model"].state_dict()["model.1.bn.running_var"] for c in (best, last))
    assert not torch.equal(one, other)


def test_too_few_validation_images_change_nothing(fruit, tmp_path, log):
    yolo = YOLO(YOLO11N)
    yolo.train(data=str(fruit), project=str(tmp_path), name="run", **SETTINGS)
    assert "polish: 4 validation images, fewer than 20, so chance would choose; best.pt stays as it is" in log
    content = torch.load(tmp_path / "run" / "weights" / "best.pt", weights_only=False)
    assert "tintbox_polish" not in content


@pytest.mark.parametrize("error", [TintboxError("data=moved.yaml: not found"), ZeroDivisionError("not found")])
def test_what_cannot_be_polished_is_told_and_the_training_is_complete(error, fruit, monkeypatch, tmp_path, log):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(training, "LEAST", 1)
    monkeypatch.setattr(variants, "search", refuse)
    YOLO(YOLO11N).train(data=str(fruit), project=str(tmp_path), name="run", **SETTINGS)
    assert any(line.endswith(f"polish: {error}") for line in log)
    assert (tmp_path / "run" / "weights" / "best.pt").is_file()


def test_a_resumed_run_knows_what_it_started_from(tuned, fruit, monkeypatch, tmp_path):
    def stop(trainer):
        raise KeyboardInterrupt

    monkeypatch.chdir(tuned.start.parent)
    yolo = YOLO("start.pt")
    yolo.add_callback("on_model_save", stop)
    with pytest.raises(KeyboardInterrupt):
        yolo.train(data=str(fruit), project=str(tmp_path), name="run", **{**SETTINGS, "epochs": 2})
    last = tmp_path / "run" / "weights" / "last.pt"
    assert torch.load(last, weights_only=False)["ema"].tintbox_start == str(tuned.start)
    YOLO(last).train(resume=True)
    assert torch.load(last, weights_only=False)["model"].tintbox_start == str(tuned.start)


@pytest.mark.parametrize(
    ("model", "loaded", "start"),
    [
        ("start.pt", (), "start.pt"),
        (YOLO11N, (), None),
        (YOLO11N, ("start.pt",), "start.pt"),
        ("start.pt", ("best.pt",), "best.pt"),
        (YOLO11N, ("best.pt", "start.pt"), "start.pt"),
        ("start.pt", (torch.nn.Module,), "no averages are tried, since the weights to begin with are of no file"),
        ("start.pt", ("run/weights/best.pt",), "best.pt, which the run replaces"),
    ],
)
def test_the_start_is_what_was_loaded_last(model, loaded, start, tuned, fruit, tmp_path, monkeypatch, log):
    def stop(trainer):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    for file in ("start.pt", "best.pt", "run/weights/best.pt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tuned.start, file)
    yolo = YOLO(model)
    for weights in loaded:
        yolo.load(YOLO(YOLO11N).model if weights is torch.nn.Module else weights)
    yolo.add_callback("on_train_start", stop)
    with pytest.raises(KeyboardInterrupt):
        yolo.train(data=str(fruit), project=str(tmp_path), name="run", exist_ok=True, **SETTINGS)
    found = yolo.trainer.ema.ema.tintbox_start
    if start and " " in start:
        assert found is None and any(start in line for line in log)
    else:
        assert found == (start and str(tmp_path / start))


def test_several_devices_are_told_which_command_does_it(monkeypatch, tmp_path, log):
    monkeypatch.setattr(training.distributed, "is_initialized", lambda: True)
    (tmp_path / "best.pt").touch()
    training.on_fit_epoch_end(SimpleNamespace(stop=True, best=tmp_path / "best.pt", save_dir=tmp_path))
    assert f"polish: not on several devices; when the run has ended, tintbox polish {tmp_path}" in log


def test_once_is_enough_and_without_a_best_checkpoint_there_is_nothing_to_do(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(training, "replace_best", lambda *values: calls.append(values))
    best = tmp_path / "best.pt"
    trainer = SimpleNamespace(stop=False, best=best, args=SimpleNamespace(polish=True), device="cpu")
    for stop, there in ((False, True), (True, False), (True, True), (True, True)):
        trainer.stop = stop
        best.touch() if there else best.unlink()
        training.on_fit_epoch_end(trainer)
    assert calls == [(best, {"polish": True}, "cpu")], "the event fires again after the final validation"
