"""The datasets of benchmarks/extend.py: old and new images combined, and pseudo-labels for joint training."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import yaml

from images import dataset_of, pictures_of

CONFIDENCE = 0.4  # minimum of a pseudo-label
Lines = Callable[[Path], list[str]]


def renumbered(names: dict[int, str], every: list[str]) -> Lines:
    """Return a function that returns an image's label lines with class ids renumbered to ``every``."""
    from ultralytics.data.utils import img2label_paths

    def lines(picture: Path) -> list[str]:
        file = Path(img2label_paths([str(picture)])[0])
        rows = [line.split() for line in file.read_text().splitlines()] if file.is_file() else []
        return [" ".join([str(every.index(names[int(row[0])])), *row[1:]]) for row in rows if row]

    return lines


def write(root: Path, every: list[str], splits: dict[str, list[tuple[Path, Lines]]]) -> str:
    """Write a dataset of other datasets' images, replacing an old one, and return its YAML's path."""
    for split, found in splits.items():
        for kind in ("images", "labels"):
            shutil.rmtree(root / kind / split, ignore_errors=True)
            (root / kind / split).mkdir(parents=True)
        for i, (picture, lines) in enumerate(found):
            name = f"{i}-{picture.name}"
            (root / "images" / split / name).symlink_to(picture)
            (root / "labels" / split / name).with_suffix(".txt").write_text("\n".join(lines(picture)) + "\n")
    file = root / "data.yaml"
    folders = {split: f"images/{split}" for split in ("train", "val")}
    file.write_text(yaml.safe_dump({"path": str(root), **folders, "names": dict(enumerate(every))}))
    return str(file)


def unions(old: str, new: list[str], root: Path) -> tuple[dict[str, str], list[str]]:
    """Write datasets of the old validation images, the new ones, and both, with the names of all classes.

    Objects of one set's classes are not labelled in the other set's images.

    Returns:
        "old", "new" and "all" -> the YAML, and the class names, old ones first.
    """
    parts = [dataset_of(data) for data in (old, *new)]
    every = list(dict.fromkeys(name for part in parts for name in part["names"].values()))
    found = [[(p, renumbered(part["names"], every)) for p in map(Path, pictures_of(part["val"]))] for part in parts]
    sets = {"old": found[0], "new": [*chain(*found[1:])], "all": [*chain(*found)]}
    return {part: write(root / part, every, {"train": f[:1], "val": f}) for part, f in sets.items()}, every


def pseudo(model: str, new: str, every: list[str], root: Path, imgsz: int) -> str:
    """Write a dataset of the new images with the old model's boxes added to their labels; return its YAML's path."""
    from ultralytics import YOLO

    part, yolo = dataset_of(new), YOLO(model)
    own = renumbered(part["names"], every)

    def both(picture: Path) -> list[str]:
        (found,) = yolo.predict(picture, imgsz=imgsz, conf=CONFIDENCE, verbose=False)
        boxes = zip(found.boxes.cls.tolist(), found.boxes.xywhn.tolist())
        return own(picture) + [" ".join(map(str, (every.index(yolo.names[int(c)]), *box))) for c, box in boxes]

    splits = {split: [(p, both) for p in map(Path, pictures_of(part[split]))] for split in ("train", "val")}
    return write(root, every, splits)
