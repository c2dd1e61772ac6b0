"""A detector trained for one epoch, and the one it started from."""

from types import SimpleNamespace

import pytest

from ...conftest import DATA
from ...tiny_models import YOLO11N
from ..conftest import WEIGHTS


@pytest.fixture(autouse=True, scope="module")
def few_images_make_the_statistics():
    """Enough for datasets of 16 images; test_statistics.py tries the real number."""
    from tintbox.plugins.polish import statistics

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "MOST", 32)
        yield


@pytest.fixture(scope="session")
def tuned(fruit, tmp_path_factory):
    """A tiny YOLO11n with random weights that finds nothing, and the run folder of its training."""
    import torch
    from ultralytics import YOLO

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tuned")
    start = folder / "start.pt"
    YOLO(YOLO11N).save(start)
    YOLO(start).train(
        data=str(fruit), epochs=1, imgsz=64, batch=4, nbs=4, workers=0, plots=False, val=False, optimizer="AdamW",
        lr0=0.01, warmup_epochs=0, project=str(folder / "runs"), name="train",
    )  # fmt: skip
    return SimpleNamespace(start=start, run=folder / "runs" / "train", best=folder / "runs/train/weights/best.pt")


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A dataset YAML of 16 training and 16 validation photos of COCO, and a detector that knows its classes."""
    import yaml

    weights, images = WEIGHTS / "yolo11n-recon.pt", DATA / "coco" / "coco128" / "images" / "train2017"
    if not (weights.is_file() and images.is_dir()):
        pytest.skip(f"no {weights} or no {images}; set TINTBOX_WEIGHTS and TINTBOX_DATA")
    names = yaml.safe_load((DATA / "coco" / "coco128" / "coco128.yaml").read_text())["names"]
    folder = tmp_path_factory.mktemp("photos")
    files = sorted(images.glob("*.jpg"))
    for split, part in (("train", files[:16]), ("val", files[16:32])):
        (folder / f"{split}.txt").write_text("".join(f"{file}\n" for file in part))
    file = folder / "photos.yaml"
    file.write_text(yaml.safe_dump({"path": str(folder), "train": "train.txt", "val": "val.txt", "names": names}))
    return SimpleNamespace(data=file, weights=weights)
