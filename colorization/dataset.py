"""The dataset of a run, from a dataset YAML or a plain image folder, checked before a run folder is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ultralytics.utils import LOGGER, RANK

from tintbox.checks import is_there
from tintbox.colorization import folder, palette_name
from tintbox.colorization.data import image_files
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.datasets.reading import description as reading
from tintbox.errors import TintboxError, name_file


def describe(data: Any, split: str) -> dict[str, Any]:
    """Return Ultralytics' description of a dataset, with its palette loaded; prepare or download the dataset if needed.

    Raises:
        TintboxError: If there is no such dataset, it cannot be prepared, or a split has no images. The message is one
            line.
    """
    if not data:
        raise TintboxError("data= is missing; give a dataset YAML or a folder of images, e.g. data=fruitbowl.yaml")
    if folder.is_plain(data):
        description = folder.describe(data, split)
        if RANK in {-1, 0}:
            LOGGER.info(folder.describe_split(description))
        return description
    description = reading.describe(data, split)
    for part in ("train", split):
        image_files(description[part])
    with name_file(Path(str(data))):
        description["palette"] = read_palette(description.get("palette"), Path(description["yaml_file"]).parent)
    return description


def read_palette(named: Any, place: Path) -> BasePalette | int | None:
    """Return the palette that a dataset names or describes, or its number of colours.

    A file is looked for in ``place``, the dataset's folder, first.

    Raises:
        TintboxError: If it is not a palette.
    """
    try:
        if named is None:
            return None
        if isinstance(named, dict):
            return Palette.from_dict(named)
        if wrong := palette_name.check(named):
            raise TintboxError(wrong)
        if isinstance(named, int):
            return named
        return Palette.load(place / named if is_there(place / named) else named)
    except TintboxError as error:
        shown = named if isinstance(named, (int, str)) else type(named).__name__
        raise TintboxError(f"palette: {shown}: {error}") from error
