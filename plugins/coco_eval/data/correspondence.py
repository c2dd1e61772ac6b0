"""Matching of a COCO JSON to a dataset's image files and classes; ``file`` is the JSON's path, for error messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tintbox.errors import TintboxError, list_values
from tintbox.path_names import as_text


def match_pictures(file: str | Path, pictures: list[str], images: list[dict[str, Any]]) -> dict[str, int]:
    """Return the image id of every file: that of the image whose ``file_name`` shares the longest path ending.

    Raises:
        TintboxError: A file has no image, or several that match equally well.
    """
    paths = {picture: _parts(as_text(picture)) for picture in pictures}
    deepest = max(map(len, paths.values()), default=0)
    by_end: dict[tuple[str, ...], list[int]] = defaultdict(list)  # every ending of an image's path -> image ids
    for image in images:
        parts = _parts(str(image.get("file_name", "")))[-deepest:]
        for start in range(len(parts)):
            by_end[parts[start:]].append(image["id"])
    claims: dict[int, list[tuple[int, str]]] = defaultdict(list)  # image id -> (shared components, file)
    lacking = []
    for picture, parts in paths.items():
        end = next((parts[start:] for start in range(len(parts)) if parts[start:] in by_end), ())
        if not end:
            lacking.append(picture)
            continue
        if len(fits := sorted(by_end[end])) > 1:
            raise TintboxError(f"{file}: images {fits[-2]} and {fits[-1]} fit the file {picture} equally well")
        claims[fits[0]].append((len(end), picture))
    found = {}
    for image_id, fitting in claims.items():
        (best, picture), *others = sorted(fitting, reverse=True)
        if others and others[0][0] == best:
            raise TintboxError(f"{file}: image {image_id} fits the files {others[0][1]} and {picture} equally well")
        found[picture] = image_id
        lacking += [other for _, other in others]
    if lacking:
        raise TintboxError(
            f"{file}: {len(lacking)} of the split's {len(pictures)} image files are not among its images: "
            f"{list_values(Path(picture).name for picture in sorted(lacking))}"
        )
    return {picture: found[picture] for picture in pictures}


def match_classes(file: str | Path, names: Mapping[int, str], categories: list[dict[str, Any]]) -> dict[int, int]:
    """Return the category id of every class index, matched by name: exactly first, then ignoring case.

    Raises:
        TintboxError: A class matches no category of its own, or several.
    """
    found: dict[int, int] = {}
    for fold in (str, str.casefold):
        free: dict[str, list[int]] = defaultdict(list)
        for category in categories:
            if category["id"] not in found.values():
                free[fold(category["name"])].append(category["id"])
        for index, name in names.items():
            if index in found or not (ids := free.get(fold(name))):
                continue
            if len(ids) > 1:
                raise TintboxError(f"{file}: categories {list_values(ids)} are all named '{name}'")
            found[index] = ids.pop()
    if lacking := [name for index, name in names.items() if index not in found]:
        there = list_values(category["name"] for category in categories)
        raise TintboxError(f"{file}: no category for the classes {list_values(lacking)}; its categories are {there}")
    return {index: found[index] for index in names}


def _parts(path: str) -> tuple[str, ...]:
    """Return a path's components; paths in a JSON made on Windows have backslashes."""
    return PurePosixPath(path.replace("\\", "/")).parts
