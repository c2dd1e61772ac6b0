"""Which images belong together, like frames of a video: according to a file, or to their names."""

from __future__ import annotations

import csv
import filecmp
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from tintbox import file_bytes
from tintbox.errors import TintboxError, TintboxFileError, counted, one_line, reason_of, suggest, suggest_file
from tintbox.limits import GROUPS_BYTES

AUTO, NAMES, NONE = "auto", "names", "none"
HEADER = ["image", "group"]
FRAME = re.compile(r"(?P<video>.*?[^\W\d_].*?)[\W_]*(?P<frame>\d+)")  # clip3_0001; a name of digits only never matches
EXPORTED = ".rf."  # Roboflow names copies of an image with its name, this, and a digest
ENDING = re.compile(r"_(jpe?g|png|bmp|webp|tiff?)\Z", re.IGNORECASE)  # which it keeps: clip3_0001_jpg.rf.1f3b.jpg
NEARLY = 0.9  # share of the images of a group named by a class that show that class, and of those of the class
SHOWN, LONGEST = 3, 40  # number of names in a message, characters per name


@dataclass(frozen=True)
class Groups:
    """The group of each image.

    Attributes:
        names: Name of each image's group, in the order of the images; an image on its own is a group of one.
        said: What was found, in one line.
    """

    names: list[str]
    said: str


def find(files: Sequence[str], how: Any, parts: int, what: str = "folds", counts: np.ndarray | None = None) -> Groups:
    """Return which images belong together.

    Args:
        files: The images.
        how: ``"auto"`` groups by name if the names look like video frames, ``"names"`` always does; ``"none"``, None
            or False keeps nothing together; anything else is a CSV file of images and groups.
        parts: Number of parts to split the images into.
        what: What the parts are called, for errors.
        counts: ``(P, K)`` number of objects of each class in each image: tells names of classes from names of videos.

    Raises:
        TintboxError: The file is invalid, lacks images or names unknown ones, or there are fewer groups than parts.
    """
    if how in (None, False, NONE):
        return Groups(list(files), "groups: none was asked for; every image stands for itself")
    if how in (AUTO, NAMES, True):
        found = by_names(files, parts, counts, sure=how != AUTO)
    else:
        found = read(Path(str(how)), files)
    groups = len(set(found.names))
    if groups < parts:
        raise TintboxError(
            f"groups={how}: {counted(groups, 'group')} of images, too few for {parts} {what}; give "
            f"fewer {what}, or groups=none if images need not stay together"
        )
    return found


def by_names(files: Sequence[str], parts: int, counts: np.ndarray | None = None, *, sure: bool) -> Groups:
    """Return the groups implied by the names: ``clip3_0001.jpg`` is a frame of ``clip3``.

    A name is a frame's if it ends in a number preceded by something with a letter; names with the same prefix belong
    to one video. Unless ``sure``, that applies only if it looks like videos: at least half of the images share their
    prefix with others, there are at least as many prefixes as parts, none has more images than a part, and the
    prefixes don't follow the classes, as in apple_1 and pear_1; otherwise the images are just numbered, as in IMG_0001.
    Copies that Roboflow made of one image (``a.rf.1f3b.jpg``) always stay together.
    """
    originals = [Path(file).stem.split(EXPORTED)[0] for file in files]
    sources = [
        ENDING.sub("", source) if EXPORTED in Path(file).stem else source for source, file in zip(originals, files)
    ]
    matches = [FRAME.fullmatch(source) for source in sources]
    videos = [match["video"] if match else source for match, source in zip(matches, sources)]
    sizes = Counter(videos)
    frames = Counter(video for video, _ in set(zip(videos, sources)))  # copies of an image do not count as frames
    shared = sum(sizes[video] for video, count in frames.items() if count > 1)
    fitting = max(sizes.values()) <= math.ceil(len(files) / parts)
    several = sum(count > 1 for count in frames.values())
    classes = counts is not None and follow_classes(videos, counts)
    if sure or (several >= parts and fitting and 2 * shared >= len(files) and not classes):
        return Groups(videos, tell(videos, files, "by their names"))
    originals = find_originals(files, originals)
    if len(set(originals)) < len(files):
        return Groups(originals, tell(originals, files, "copies of one image by their names"))
    why = "no names that look like frames of videos"
    if several:
        largest, size = sizes.most_common(1)[0]
        why = (
            f"names like {shorten(largest)} tell the class and not the video"
            if classes
            else f"{size} of {len(files)} names begin with {shorten(largest)}, which looks like numbered images"
        )
    return Groups(list(files), f"groups: none ({why}; groups=FILE says what has to stay together)")


def follow_classes(names: Sequence[str], counts: np.ndarray) -> bool:
    """Return whether most images are in groups that show one class each, which nearly no other group shows.

    Args:
        names: Each image's group.
        counts: ``(P, K)`` number of objects of each class in each image.
    """
    units = np.unique(np.array(names), return_inverse=True)[1]
    held = np.zeros((units.max() + 1, counts.shape[1]))  # images of each group that show each class
    np.add.at(held, units, counts > 0)
    total = np.maximum(held.sum(axis=1, keepdims=True), 1), np.maximum(held.sum(axis=0), 1)
    own = ((held >= NEARLY * total[0]) & (held >= NEARLY * total[1]) & (held > 1)).any(axis=1)
    return int(own.sum()) > 1 and 2 * int(own[units].sum()) >= len(units)


def find_originals(files: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Return the image that each is a copy of: by Roboflow, or one of the same name and bytes in another folder.

    A name is not enough: every split, or every video, may count from 1 in its own folder.
    """
    found, seen = [], dict[tuple[str, int], list[str]]()
    for file, source in zip(files, sources):
        if EXPORTED in Path(file).stem:
            found.append(source)
            continue
        try:
            alike = seen.setdefault((source, Path(file).stat().st_size), [])
            original = next((one for one in alike if filecmp.cmp(one, file, shallow=False)), file)
        except OSError:
            alike, original = [], file
        alike.append(file)
        found.append(original)
    return found


def tell(names: Sequence[str], files: Sequence[str], how: str) -> str:
    """Return a line that says how many groups there are."""
    sizes = Counter(names)
    largest, size = sizes.most_common(1)[0]
    example = next(Path(file).name for name, file in zip(names, files) if name == largest)
    least = min(sizes.values())
    span = f"{least} to {size} images" if least < size else counted(size, "image")
    return (
        f"groups: {len(sizes)} of {span} {how}, e.g. {shorten(largest)} "
        f"({example}, ...); groups=none if they need not stay together"
    )


def shorten(name: str) -> str:
    """Return a name shortened to fit into a line."""
    shown = one_line(name)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def read(file: Path, files: Sequence[str]) -> Groups:
    """Return the groups in a CSV file: an image and its group per row, with an optional header ``image,group``.

    An image is given by its file name, with as much of its path as is needed to make it unique.

    Raises:
        TintboxError: It cannot be read, a row is invalid, or it lacks images or names unknown ones; the line says
            which.
    """
    by_name: dict[str, list[int]] = {}
    for place, path in enumerate(files):
        by_name.setdefault(Path(path).name, []).append(place)
    found: dict[int, str] = {}
    for number, row in rows(file):
        where = f"groups={file}:{number}"
        if len(row) != len(HEADER) or not all(row):
            raise TintboxError(f"{where}: {','.join(row)[:60] or 'nothing'}: a row is {','.join(HEADER)}")
        wanted = PurePosixPath(row[0].replace("\\", "/"))
        places = [
            place
            for place in by_name.get(wanted.name, [])
            if Path(files[place]).parts[-len(wanted.parts) :] == wanted.parts
        ]
        if not places:
            raise TintboxError(
                f"{where}: '{shorten(row[0])}' is not an image of the training or validation split"
                f"{suggest(wanted.name, by_name)}"
            )
        if len(places) > 1:
            raise TintboxError(f"{where}: {len(places)} images are named '{shorten(row[0])}'; write their folders too")
        if found.setdefault(places[0], row[1]) != row[1]:
            raise TintboxError(f"{where}: '{shorten(row[0])}' is in '{shorten(found[places[0]])}' already")
    if lacking := [Path(path).name for place, path in enumerate(files) if place not in found]:
        names = ", ".join(lacking[:SHOWN]) + ", ..." * (len(lacking) > SHOWN)
        raise TintboxError(f"groups={file}: {len(lacking)} of {len(files)} images are not in it: {names}; add them")
    groups = [found[place] for place in range(len(files))]
    return Groups(groups, tell(groups, files, f"by {file.name}").partition(";")[0])


def rows(file: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV file with their line numbers, without empty rows and the header.

    Raises:
        TintboxError: It cannot be read.
    """
    try:
        raw = file_bytes.read(file, GROUPS_BYTES)
        reader = csv.reader(raw.decode("utf-8-sig").splitlines(), strict=True)
        found = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except FileNotFoundError as error:
        raise TintboxFileError(
            f"groups={file}: no such file{suggest_file(file)}; give a CSV file, {AUTO}, {NAMES} or {NONE}"
        ) from error
    except UnicodeDecodeError as error:
        raise TintboxError(f"groups={file}: not in UTF-8; give a CSV file of {','.join(HEADER)}") from error
    except (OSError, ValueError, csv.Error) as error:
        why = reason_of(error)
        raise TintboxError(f"groups={file}: cannot be read ({why}); give a CSV file of {','.join(HEADER)}") from error
    first = [cell.lower() for cell in found[0][1]] if found else []
    return found[1:] if first == HEADER else found
