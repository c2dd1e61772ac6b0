"""The images of a benchmark's datasets: listed, drawn by a seed, and written as other datasets."""

from __future__ import annotations

import random
from pathlib import Path


def dataset_of(data: str) -> dict:
    """Return Ultralytics' description of a dataset; prepare the dataset if needed."""
    from ultralytics.data.utils import check_det_dataset

    return check_det_dataset(data)


def write_yaml(file: Path, described: dict, train: list[str]) -> str:
    """Write a dataset YAML with other training images; return its path."""
    import yaml

    listed = file.with_suffix(".txt")
    file.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("\n".join(train) + "\n")
    splits = {split: str(described[split]) for split in ("val", "test") if described.get(split)}
    names = dict(described["names"])
    file.write_text(yaml.safe_dump({"path": str(file.parent), "train": str(listed), **splits, "names": names}))
    return str(file)


def pictures_of(folder: str | Path) -> list[str]:
    """Return the image files in a folder, searched recursively and sorted."""
    from tintbox.colorization.data import image_files

    return [str(file) for file in image_files(folder)]


def shuffle_pictures(described: dict, seed: int) -> list[str]:
    """Return a dataset's training images in the order drawn by a seed."""
    files = pictures_of(described["train"])
    random.Random(seed).shuffle(files)
    return files
