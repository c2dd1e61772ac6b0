"""A plain image folder as a dataset: no labels are read, so no YAML is needed."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.colorization.data import SUFFIXES, image_files
from tintbox.errors import TintboxError
from tintbox.path_names import can_be_listed

SHARE = 0.1  # of the images, for validation
SUBFOLDERS = (("train", "val"), ("images/train", "images/val"))  # that define the split
NAMED = 3  # validation images named in the log
PAINTED = ".painted"  # marks the folder of a validation or prediction, as args.yaml does that of a training


def is_plain(data: Any) -> bool:
    """Return whether ``data`` is a folder without a dataset YAML, where Ultralytics would look for one."""
    path = Path(str(data))
    return is_there(path, Path.is_dir) and not any(map(is_dataset, path.glob("*.y*ml")))


def is_dataset(file: Path) -> bool:
    """Return whether a YAML can be a dataset's, which is for Ultralytics to check, also if it cannot be read."""
    try:
        content = yaml_file.read(file)
    except TintboxError:
        return True
    return isinstance(content, dict) and not content.keys().isdisjoint(("train", "val", "names"))


def split(folder: Path) -> tuple[list[Path], list[Path], str]:
    """Return the training images and the validation images, each sorted, and how they were split.

    They are split by subfolders if there are such, else by a hash of each image's path within the folder, so that an
    image keeps its split when others are added or the folder moves. Files written by runs are left out.

    Raises:
        TintboxError: If there are fewer than two images.
    """
    files = image_files(folder)
    within = {place for file in files for place in file.parents if folder in place.parents}
    runs = {place for place in within if any(is_there(place / name) for name in ("args.yaml", PAINTED))}
    files = [file for file in files if not runs.intersection(file.parents)]
    for pair in SUBFOLDERS:
        train, val = ([file for file in files if (folder / name) in file.parents] for name in pair)
        if train and val:
            return train, val, f"in its subfolders {' and '.join(pair)}"
    if len(files) < 2:
        named = f", '{files[0].name}'" if files else ""
        raise TintboxError(f"data={folder}: {len(files)} image{named}; it takes one to train and one to validate")
    ranks = {file: rank(file.relative_to(folder).as_posix()) for file in files}
    lowest, highest = min(files, key=ranks.__getitem__), max(files, key=ranks.__getitem__)
    chosen = {file for file in files if file != highest and (ranks[file] < SHARE or file == lowest)}
    rest = [file for file in files if file not in chosen]
    return rest, sorted(chosen), "chosen by a hash of their names"


def mark(folder: Path, painted: str = "") -> None:
    """Mark a folder for `split` as one of images that a run paints, unless it holds others than the first of them."""
    file = folder / PAINTED
    if not file.exists() and not any(p.suffix.lower() in SUFFIXES and p.name != painted for p in folder.iterdir()):
        file.touch()


def rank(name: str) -> float:
    """Return a number from 0 to 1 that depends on the name only."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:6], "big") / 2**48


def describe(data: Any, part: str) -> dict[str, Any]:
    """Return the description that Ultralytics would read from a dataset YAML for the folder.

    Raises:
        TintboxError: If the folder has too few images, or there is no such split.
    """
    if part not in ("train", "val"):
        raise TintboxError(f"split={part}: the images of {data} are split into train and val")
    folder = Path(str(data)).resolve()
    train, val, how = split(folder)
    about = {"path": folder, "names": {0: "picture"}, "nc": 1, "channels": 3, "how": how}
    return {**about, "train": list(map(str, train)), "val": list(map(str, val))}


def describe_split(description: dict[str, Any]) -> str:
    """Return a line for the log that tells how the folder's images are split."""
    folder, val = description["path"], description["val"]
    names = [Path(file).relative_to(folder).as_posix() for file in val]
    listed = ", ".join(names[:NAMED]) + ", ..." * (len(names) > NAMED)
    counts = f"{len(description['train'])} images to train on, {len(val)} to validate"
    return f"{folder}: {counts}, {description['how']} ({listed})"


@contextlib.contextmanager
def as_yaml(data: Any, part: str) -> Iterator[Path]:
    """Yield a temporary dataset YAML for the folder: Ultralytics' validator takes nothing else."""
    description = describe(data, part)
    with tempfile.TemporaryDirectory(prefix="tintbox-") as place:
        for name in ("train", "val"):
            listed = Path(place) / f"{name}.txt"
            files = (as_line(file, Path(place) / f"{name}-{i}") for i, file in enumerate(description[name]))
            listed.write_text("".join(f"{file}\n" for file in files), encoding="utf-8")
            description[name] = str(listed)
        file = Path(place) / "folder.yaml"
        file.write_text(yaml.safe_dump({**description, "path": place}), encoding="utf-8")
        yield file


def as_line(file: str, link: Path) -> str:
    """Return a path that can be a line of a list: a new link for one with a line break, or with bytes not in UTF-8."""
    if can_be_listed(file):
        return file
    link = link.with_suffix(Path(file).suffix)
    link.symlink_to(file)
    return str(link)
