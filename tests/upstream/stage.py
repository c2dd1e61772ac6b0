"""What Ultralytics' own tests want to find: small datasets of the names that they use, weights, videos, settings.

Nothing is downloaded. Pictures are parts of the two that Ultralytics ships. Weights are those of ``shared/weights``
where there are some for the architecture, else random ones of the architecture that the name says.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
from ultralytics import YOLO
from ultralytics.utils import ASSETS

# Path of the dataset -> what its labels hold after the class, in 0..1.
BOX = "0.5 0.5 0.6 0.6"
CORNERS = "0.2 0.2 0.8 0.2 0.8 0.8 0.2 0.8"
KEYPOINTS = " ".join(f"{0.3 + 0.02 * i:.2f} {0.3 + 0.025 * i:.3f} 2" for i in range(17))
DATASETS = {
    "coco8": BOX,
    "coco8-grayscale": BOX,
    "coco8-multispectral": BOX,
    "coco8-seg": CORNERS,
    "coco128-seg": CORNERS,
    "coco8-pose": f"{BOX} {KEYPOINTS}",
    "dota8": CORNERS,
}
SPLITS = {"coco128-seg": ("train2017",)}
IMAGENET = [f"n0{i:07d}" for i in range(10)]
# Name of the weights -> a file of shared/weights, or the YAML of random ones.
WEIGHTS = {
    "yolo26n.pt": "yolo26n-recon.pt",
    "path with spaces/yolo26n.pt": "yolo26n-recon.pt",
    "yolo11n.pt": "yolo11n-recon.pt",
    "yolov8n.pt": "yolov8n-recon.pt",
    "yolov5nu.pt": "yolov5n.yaml",
    "solution_assets/solutions_ci_parking_model.pt": "yolo11n-recon.pt",
    **{f"yolo26n-{task}.pt": f"yolo26n-{task}.yaml" for task in ("seg", "sem", "depth", "cls", "pose", "obb")},
    **{f"yolo26s{task}.pt": f"yolo26s{task}.yaml" for task in ("", "-seg", "-pose", "-obb")},
    "FastSAM-s.pt": "yolov8s-seg.yaml",
    "rtdetr-l.pt": "rtdetr-l.yaml",
}
VIDEOS = (
    "solutions_ci_demo.mp4",
    "decelera_landscape_min.mov",
    "solution_ci_pose_demo.mp4",
    "solution_ci_parking_demo.mp4",
    "decelera_portrait_min.mov",
)


def make(folder: Path, shared: Path | None) -> None:
    """Fill a folder with ``datasets`` and ``weights``; ``shared`` is the folder of real weights."""
    for name, label in DATASETS.items():
        for split in SPLITS.get(name, ("train", "val")):
            detection(folder / "datasets" / name, split, label, bands=10 if name.endswith("spectral") else 3)
    for split in ("train", "val"):
        pixel_labels(folder / "datasets", split)
        classification(folder / "datasets" / "imagenet10", split)
    weights(folder / "weights", shared)
    for name in VIDEOS:
        video(folder / "weights" / "solution_assets" / name)
    areas = [{"points": [[50, 50], [200, 50], [200, 200], [50, 200]]}]
    (folder / "weights" / "solution_assets" / "solution_ci_parking_areas.json").write_text(json.dumps(areas))


def pictures() -> list[np.ndarray]:
    """Return four pictures (H, W, 3), BGR: the two that Ultralytics ships, made small, and their mirror images."""
    read = [cv2.imread(str(ASSETS / name)) for name in ("bus.jpg", "zidane.jpg")]
    small = [cv2.resize(picture, (160, 120)) for picture in read]
    return [*small, *(np.ascontiguousarray(picture[:, ::-1]) for picture in small)]


def write(file: Path, picture: np.ndarray) -> None:
    """Write a picture, its folder made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), picture)


def detection(folder: Path, split: str, label: str, bands: int) -> None:
    """Write pictures with a label each; with ten bands, multispectral ones as Ultralytics' TIFFs."""
    for i, picture in enumerate(pictures()):
        name = f"{i:012d}"
        file = folder / "images" / split / name
        if bands == 3:
            write(file.with_suffix(".jpg"), picture)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            cv2.imwritemulti(str(file.with_suffix(".tiff")), [np.roll(grey, band, 1) for band in range(bands)])
        target = folder / "labels" / split / f"{name}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{0 if 'pose' in folder.name else 5 * (i % 2)} {label}\n")


def pixel_labels(folder: Path, split: str) -> None:
    """Write pictures with a class or a distance for each pixel."""
    for i, picture in enumerate(pictures()):
        rows = np.arange(picture.shape[0])[:, None].repeat(picture.shape[1], 1)
        write(folder / "cityscapes8" / "images" / split / f"{i}.png", picture)
        write(folder / "cityscapes8" / "masks" / split / f"{i}.png", (rows // 40 + 7).astype(np.uint8))
        write(folder / "depth8-png" / "images" / split / f"{i}.png", picture)
        write(folder / "depth8-png" / "depth" / split / f"{i}.png", (1000 + 50 * rows).astype(np.uint16))


def classification(folder: Path, split: str) -> None:
    """Write pictures in a folder per class."""
    for i, name in enumerate(IMAGENET):
        write(folder / split / name / f"{i}.jpg", np.roll(pictures()[i % 4], 8 * i, 1))


def weights(folder: Path, shared: Path | None) -> None:
    """Write the checkpoints."""
    for name, source in WEIGHTS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if shared and (shared / source).is_file():
            shutil.copy(shared / source, file)
        else:
            save(source.replace("-recon.pt", ".yaml"), file)
    grey = YOLO("yolo11n.yaml").model.yaml | {"channels": 1}
    (folder / "yolo11n-grey.yaml").write_text(json.dumps(grey))
    save(str(folder / "yolo11n-grey.yaml"), folder / "yolo11n-grayscale.pt")


def save(architecture: str, file: Path) -> None:
    """Write a checkpoint with random weights."""
    import ultralytics

    model = (ultralytics.RTDETR if "rtdetr" in architecture else YOLO)(architecture)
    model.model.names = {i: f"class{i}" for i in range(len(model.model.names))}
    model.save(file)


def video(file: Path) -> None:
    """Write a video of eight frames: a picture that moves to the right."""
    picture = cv2.resize(cv2.imread(str(ASSETS / "bus.jpg")), (320, 240))
    out = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 10, (320, 240))
    for i in range(8):
        out.write(np.roll(picture, 6 * i, 1))
    out.release()


def settle(folder: Path) -> None:
    """Point Ultralytics' settings, in the folder that ``YOLO_CONFIG_DIR`` names, at a folder that `make` filled."""
    import matplotlib
    from ultralytics.utils import SETTINGS, USER_CONFIG_DIR

    names = {"datasets_dir": "datasets", "weights_dir": "weights", "runs_dir": "runs"}
    SETTINGS.update({key: str(folder / name) for key, name in names.items()} | {"sync": False})
    font = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):  # Ultralytics would download them
        shutil.copy(font, USER_CONFIG_DIR / name)


if __name__ == "__main__":
    place = Path(os.environ["YOLO_CONFIG_DIR"]).parent
    weights_folder = os.environ.get("UPSTREAM_WEIGHTS")
    make(place, Path(weights_folder) if weights_folder else None)
    settle(place)
