"""A run as a user sees it: files, metrics, defaults, resuming, early stopping."""

import contextlib

import pytest
import torch
import yaml
from ultralytics import YOLO

from tintbox import memory
from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.palette import Palette
from tintbox.colorization.trainer import ColorizeTrainer, is_grey
from tintbox.errors import TintboxError

from ..tiny_models import YOLO11N
from .conftest import rows


@pytest.mark.smoke
def test_run_folder_holds_everything(trained):
    expected = (
        "args.yaml results.csv results.png palette.yaml palette.png train_batch0.jpg val_batch0.jpg "
        "samples/epoch001.png samples/epoch002.png weights/best.pt weights/last.pt"
    )
    missing = [name for name in expected.split() if not (trained / name).is_file()]
    assert not missing
    assert [r["epoch"] for r in rows(trained)] == [1, 2]
    assert {"train/loss", "val/loss", "metrics/accuracy", "metrics/psnr"} <= set(rows(trained)[0])


def test_it_learns(tiny_data, tmp_path):
    model = YOLO("colorize-pool.yaml")
    model.train(
        data=str(tiny_data), epochs=12, batch=4, imgsz=32, palette=4, plots=False, project=str(tmp_path), name="learn"
    )
    assert (tmp_path / "learn" / "palette.yaml").is_file()
    first, last = rows(tmp_path / "learn")[0], rows(tmp_path / "learn")[-1]
    assert last["val/loss"] < 0.75 * first["val/loss"]
    assert last["metrics/accuracy"] > first["metrics/accuracy"]
    assert all(group["fused"] for group in model.trainer.optimizer.param_groups)


def test_the_users_arguments_go_before_the_tasks_defaults(tiny_data, tmp_path):
    trainer = ColorizeTrainer(overrides={"model": "colorize-unet.yaml", "data": str(tiny_data), "epochs": 10,
                                         "project": str(tmp_path), "lr0": 0.5})  # fmt: skip
    assert (trainer.args.lr0, trainer.args.epochs, trainer.args.imgsz) == (0.5, 10, 128)
    assert trainer.args.optimizer == "Adam"
    assert trainer.args.warmup_epochs == 2.0


def test_seed_recipe_is_the_assignments_protocol(tiny_data, tmp_path):
    model = YOLO("colorize-unet.yaml")
    model.train(cfg="recipe-seed.yaml", data=str(tiny_data), epochs=2, batch=4, project=str(tmp_path), name="seed")
    trainer, args = model.trainer, model.trainer.args
    assert type(trainer.optimizer) is torch.optim.Adam
    assert {(g["lr"], g["betas"], g["weight_decay"]) for g in trainer.optimizer.param_groups} == {
        (1e-3, (0.9, 0.999), 0.0)
    }
    assert (args.fliplr, args.crop, args.warmup_epochs, args.shuffle) == (0.0, 0.0, 0.0, "once")
    assert model.model.palette == Palette(Palette.load("horses24").colours, 256)
    best, last = (torch.load(tmp_path / f"seed/weights/{n}.pt", weights_only=False)["model"] for n in ("best", "last"))
    for a, b in zip(best.state_dict().values(), last.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_killed_run_is_resumed(tiny_data, tmp_path, caplog):
    class KilledError(Exception):
        pass

    def kill(trainer):
        if trainer.epoch == 1:
            raise KilledError

    model = YOLO("colorize-pool.yaml")
    model.add_callback("on_fit_epoch_end", kill)
    settings = {"data": str(tiny_data), "epochs": 4, "batch": 4, "imgsz": 32, "palette": 4, "plots": False}
    with pytest.raises(KilledError):
        model.train(**settings, project=str(tmp_path), name="run")
    palette = YOLO(tmp_path / "run/weights/last.pt").model.palette
    resumed = YOLO(tmp_path / "run/weights/last.pt")
    for other in (5, "horses24"):
        with pytest.raises(TintboxError, match=f"palette={other}: .*last.pt has another one; leave it out to resume"):
            YOLO(tmp_path / "run/weights/last.pt").train(resume=True, palette=other)
    palette.save(tmp_path / "same.yaml")
    resumed.train(resume=True, palette=str(tmp_path / "same.yaml"))
    assert "Resume ignores" not in caplog.text
    assert [r["epoch"] for r in rows(tmp_path / "run")] == [1, 2, 3, 4]
    assert resumed.model.palette == palette
    assert resumed.trainer.args.lr0 == 0.03


def test_early_stopping(tiny_data, tmp_path):
    YOLO("colorize-pool.yaml").train(
        data=str(tiny_data), epochs=50, batch=4, imgsz=32, palette=4, lr0=1e-9, patience=2, plots=False,
        project=str(tmp_path), name="stop", ema_epochs=0,
    )  # fmt: skip
    assert len(rows(tmp_path / "stop")) < 50


def test_fine_tuning_keeps_the_checkpoints_palette(trained, tiny_data, tmp_path):
    weights = trained / "weights" / "best.pt"
    model = YOLO(weights)
    palette = model.model.palette
    model.train(data=str(tiny_data), epochs=1, batch=4, imgsz=32, plots=False, project=str(tmp_path))
    assert model.model.palette == palette


def test_palette_comes_from_the_argument_then_the_dataset_then_the_model(tiny_data, tmp_path):
    def chosen(data, **arguments):
        trainer = ColorizeTrainer(overrides={"model": "colorize-unet.yaml", "data": str(data), "imgsz": 32,
                                             "project": str(tmp_path), **arguments})  # fmt: skip
        return len(trainer.get_model("colorize-unet.yaml", verbose=False).palette)

    own = tmp_path / "own.yaml"
    own.write_text(tiny_data.read_text() + "palette: 5\n")
    assert chosen(tiny_data) == 24
    assert chosen(own) == 5
    assert chosen(own, palette=3) == 3
    assert chosen(own, palette="horses24") == 24


def test_fit_palettes_are_kept_and_reproducible(tiny_data, tmp_path):
    from tintbox.colorization.palette_choice import fit_palette

    root = yaml.safe_load(tiny_data.read_text())["path"]
    pictures = Pictures(image_files(f"{root}/images/train"), 32)
    first = fit_palette(pictures, 4, 0, 255.0, tmp_path / "a")
    assert fit_palette(pictures, 4, 0, 255.0, tmp_path / "b") == first
    (file,) = (tmp_path / "a").iterdir()
    file.write_text(Palette([[0, 0, 0], [1, 1, 1]]).save(tmp_path / "two.yaml") or (tmp_path / "two.yaml").read_text())
    assert len(fit_palette(pictures, 4, 0, 255.0, tmp_path / "a")) == 2, "the kept file is not used"
    assert len(fit_palette(pictures, 3, 0, 255.0, tmp_path / "a")) == 3
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_moving_average_spans_the_epochs_asked_for_and_memory_is_kept(tiny_data, tmp_path, monkeypatch):
    keep, seen = memory.keep, []

    @contextlib.contextmanager
    def noted(device):
        seen.append("kept")
        with keep(device):
            yield
        seen.append("given back")

    monkeypatch.setattr(memory, "keep", noted)
    model = YOLO("colorize-pool.yaml")
    model.add_callback("on_train_end", lambda trainer: seen.append("trained"))
    model.train(
        data=str(tiny_data), epochs=1, batch=4, imgsz=32, palette=4, plots=False, project=str(tmp_path), ema_epochs=2
    )
    steps = 2 * 3  # three batches an epoch
    assert model.trainer.ema.decay(10**6) == pytest.approx(1 - 1 / steps, abs=1e-9)
    assert seen == ["kept", "trained", "given back"]


def test_moving_average_spans_the_epochs_also_after_the_batch_was_halved(tiny_data, tmp_path, monkeypatch):
    preprocess = ColorizeTrainer.preprocess_batch

    def short_of_memory(trainer, batch):
        if trainer.batch_size == 4:
            raise RuntimeError("out of memory")
        return preprocess(trainer, batch)

    monkeypatch.setattr(ColorizeTrainer, "preprocess_batch", short_of_memory)
    model = YOLO("colorize-pool.yaml")
    model.train(
        data=str(tiny_data), epochs=1, batch=4, imgsz=32, palette=4, plots=False, project=str(tmp_path), ema_epochs=2
    )
    trainer = model.trainer
    assert trainer.batch_size == 2
    steps = 2 * len(trainer.train_loader) / trainer.accumulate
    assert trainer.ema.decay(10**6) == pytest.approx(1 - 1 / steps, abs=1e-9)


def test_a_detectors_weights_are_refused_as_pretrained(tiny_data, tmp_path):
    YOLO(YOLO11N).save(tmp_path / "detector.pt")
    with pytest.raises(TintboxError, match=r"detector.pt is not a colouriser"):
        YOLO("colorize-unet.yaml").train(
            data=str(tiny_data), pretrained=str(tmp_path / "detector.pt"), imgsz=32, project=str(tmp_path)
        )


@pytest.mark.parametrize(("fraction", "expected"), [(1, [8, 8]), (0.25, [2, 8]), (3, [3, 8]), ([0.5, 0.25], [4, 2])])
def test_fraction_is_of_the_splits_that_ultralytics_cuts(fraction, expected, folder, tmp_path):
    """Also if both are the same images."""
    (tmp_path / "list.txt").write_text(f"{folder / '0.png'}\n" * 8)
    (tmp_path / "same.yaml").write_text(f"path: {tmp_path}\ntrain: list.txt\nval: list.txt\nnames: [a]\n")
    overrides = {"model": "colorize-pool.yaml", "data": str(tmp_path / "same.yaml"), "project": str(tmp_path)}
    trainer = ColorizeTrainer(overrides={**overrides, "fraction": fraction, "imgsz": 32})
    assert [len(trainer.pictures(trainer.data[split], split)) for split in ("train", "val")] == expected


def test_grey():
    grey = torch.full((2, 4, 4, 3), 7, dtype=torch.uint8)
    assert is_grey(grey)
    grey[1, 2, 3, 1] += 1
    assert not is_grey(grey)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_training_on_a_gpu(tiny_data, tmp_path):
    YOLO("colorize-unet.yaml").train(
        data=str(tiny_data), epochs=2, batch=4, imgsz=32, palette=4, device=0, project=str(tmp_path), name="gpu"
    )
    assert len(rows(tmp_path / "gpu")) == 2


def test_one_palette_goes_through_a_run(tiny_data, tmp_path, monkeypatch):
    """Loaded by name once, trainer, model and validator share it, and the checkpoint describes it."""
    loaded, load = [], Palette.load

    def counted(name):
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(Palette, "load", staticmethod(counted))
    run = {"model": "colorize-unet.yaml", "data": str(tiny_data), "palette": "horses24", "rebalance": 0.5, "epochs": 1}
    trainer = ColorizeTrainer(overrides={**run, "imgsz": 32, "plots": False, "project": str(tmp_path)})
    trainer.train()
    assert loaded == ["horses24"]
    assert trainer.palette.weights is not None
    assert trainer.model.palette is trainer.palette
    assert Palette.from_dict(torch.load(trainer.last, weights_only=False)["model"].yaml["palette"]) == trainer.palette
