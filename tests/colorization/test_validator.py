"""The validator's metrics, compared to a second implementation and to those from training."""

import numpy as np
import pytest
import torch
import yaml
from ultralytics import YOLO

from tintbox.colorization import validator
from tintbox.colorization.data import Pictures, image_files

from .conftest import rows


@pytest.mark.smoke
def test_validation_repeats_the_numbers_of_the_last_epoch(trained, tiny_data, tmp_path):
    model = YOLO(trained / "weights" / "last.pt")
    assert model.task == "colorize"
    metrics = model.val(data=str(tiny_data), imgsz=32, plots=False, project=str(tmp_path))
    last = rows(trained)[-1]
    # The checkpoint is stored in half precision, results.csv in six digits.
    assert metrics.accuracy == pytest.approx(last["metrics/accuracy"], abs=0.01)
    assert metrics.loss == pytest.approx(last["val/loss"], abs=0.01)
    assert metrics.psnr == pytest.approx(last["metrics/psnr"], abs=0.05)
    assert metrics.results_dict["fitness"] == metrics.accuracy


def test_validation_equals_a_plain_second_implementation(trained, tiny_data, tmp_path):
    model = YOLO(trained / "weights" / "best.pt")
    metrics = model.val(data=str(tiny_data), imgsz=32, batch=3, plots=False, project=str(tmp_path))
    palette, network = model.model.palette, model.model.model.double().eval()
    root = yaml.safe_load(tiny_data.read_text())["path"]
    correct, loss, psnr = [], [], []
    for picture in Pictures(image_files(f"{root}/images/val"), 32).memory.numpy():
        grey = torch.from_numpy(picture.astype(np.float64).mean(-1) / 255)[None, None]
        with torch.inference_mode():
            logits = network(grey)[0]
        distances = ((picture[..., None, :] / 255 - palette.colours) ** 2).sum(-1)
        truth = torch.from_numpy(distances.argmin(-1))
        guess = logits.argmax(0)
        correct.append((guess == truth).double().mean())
        loss.append(torch.nn.functional.cross_entropy(logits[None], truth[None]))
        error = (np.round(palette.colours[guess] * 255) - picture) ** 2
        psnr.append(10 * np.log10(255**2 / error.mean()))
    assert metrics.accuracy == pytest.approx(float(np.mean(correct)), abs=2e-3)
    assert metrics.loss == pytest.approx(float(np.mean(loss)), abs=1e-4)
    assert metrics.psnr == pytest.approx(float(np.mean(psnr)), abs=1e-2)


@pytest.mark.parametrize("kept", [0, 2 * 32 * 32])
def test_a_truth_that_is_kept_between_epochs_changes_nothing(tiny_data, tmp_path, monkeypatch, kept):
    """Of none or the first of two batches, against all."""
    arguments = {"data": str(tiny_data), "imgsz": 32, "batch": 1, "epochs": 2, "plots": False, "palette": 6}
    found, validators = [], []
    for limit in (validator.KEPT, kept):
        monkeypatch.setattr(validator, "KEPT", limit)
        model = YOLO("colorize-unet.yaml")
        model.add_callback("on_train_end", lambda trainer: validators.append(trainer.validator))
        model.train(**arguments, project=str(tmp_path), name=str(limit))
        found.append(rows(tmp_path / str(limit)))
    assert [len(v.kept) for v in validators] == [2, kept // (2 * 32 * 32)]
    for one, other in zip(*found):
        del one["time"], other["time"]
        assert one == pytest.approx(other, abs=2e-5)  # CIELAB in other blocks is rounded otherwise
