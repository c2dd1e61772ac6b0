"""Where a dataset YAML keeps its images and annotations, and which ids the images get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tintbox.checks import is_there
from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest, suggest_file

SPLITS = ("train", "val", "test", "minival")
LARGEST_ID = 2**53  # integers up to here are exact in every JSON reader


def split_pictures(data: Mapping[str, Any], split: str, fraction: float = 1.0) -> list[str]:
    """Return the paths of a split's images, sorted, in Ultralytics' spelling.

    Args:
        data: A dataset's description.
        split: Name of the split.
        fraction: As the training argument: how many of the images are used, from the first on.

    Raises:
        TintboxError: There is no such split, or it has no images.
    """
    check_split(data, split, title(data))
    try:
        return dataset_files.picture_files(data[split], fraction)
    except FileNotFoundError as error:
        why = f"; {one_line(error.__cause__).split('. Supported formats')[0]}" if error.__cause__ else ""
        raise TintboxError(f"{title(data)}: no images in split '{split}'{why}") from error


def check_split(data: Mapping[str, Any], split: str, name: object) -> None:
    """Raise TintboxError if a dataset has no such split; ``name`` is the dataset's name in the message."""
    splits = [key for key in SPLITS if data.get(key)]
    if split not in splits:
        raise TintboxError(f"split={split}: no such split in {name} ({', '.join(splits)}){suggest(split, splits)}")


def image_ids(pictures: list[str]) -> dict[str, int]:
    """Return an id for every image: its file name if all are distinct numbers, else 1, 2, ... in sorted order."""
    stems = [Path(picture).stem for picture in pictures]
    if all(stem.isascii() and stem.isdecimal() for stem in stems):
        numbers = [int(stem) for stem in stems]
        if len(set(numbers)) == len(numbers) and max(numbers) <= LARGEST_ID:
            return dict(zip(pictures, numbers))
    return {picture: i for i, picture in enumerate(sorted(pictures), start=1)}


def annotation_file(data: Mapping[str, Any], split: str) -> Path | None:
    """Return the path of a split's COCO JSON, or None."""
    named = data.get("annotations")
    if named is not None:
        if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
            raise TintboxError(
                f"{title(data)}: annotations: {named} is no mapping of splits to COCO JSON files, "
                "e.g. annotations: {val: annotations/val.json}"
            )
        if unknown := [key for key in named if key not in SPLITS]:
            raise TintboxError(
                f"{title(data)}: annotations: '{unknown[0]}' is no split ({', '.join(SPLITS)})"
                f"{suggest(unknown[0], SPLITS)}"
            )
        if split in named:
            file = Path(data["path"]) / named[split]
            if not is_there(file):
                near = suggest_file(file)
                raise TintboxFileError(f"{title(data)}: annotations: {split}: {file}: no such file{near}")
            return file
    stock = Path(data["path"]) / "annotations" / "instances_val2017.json"
    is_val = dataset_files.is_coco(data[split]) and data[split].endswith("val2017.txt")
    return stock if is_val and stock.is_file() else None


def title(data: Mapping[str, Any]) -> str:
    """Return a dataset's display name."""
    return str(data.get("yaml_file") or data.get("path") or "the dataset")
