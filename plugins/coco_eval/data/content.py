"""Conversion of a caller's dicts, lists or arrays to a copy in the form of COCO's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Set, ValuesView
from typing import Any

from tintbox.errors import TintboxError, suggest

PLAIN = {int, float, str, bool, type(None)}
TRUTH = ("image_id", "category_id", "bbox")  # required columns of truth given as arrays
LISTS = ("images", "categories")
TRUTH_TOO = ("iscrowd", "area", *LISTS)  # optional columns
FOUND = ("image_id", "category_id", "bbox", "score")


def read_truth(given: Mapping[str, Any]) -> Any:
    """Convert a mapping, either the content of a COCO JSON or columns by name, to the content of a COCO JSON.

    Raises:
        TintboxError: It is nested too deeply, or its columns do not match.
    """
    listed = {key: [*value] for key, value in given.items() if key in LISTS and isinstance(value, (Set, ValuesView))}
    content = as_plain({**given, **listed}, "truth")
    if "image_id" not in content:
        return content
    lists = {key: content.pop(key, None) for key in LISTS}
    rows = _rows(content, "truth", TRUTH, TRUTH_TOO)
    images, categories = (
        list(dict.fromkeys(_hashable(row[column], f"truth: {column}") for row in rows)) if own is None else own
        for own, column in zip(lists.values(), TRUTH)
    )
    names = categories if isinstance(categories, dict) else {i: str(i) for i in _ids(categories, "truth: categories")}
    return {
        "images": [{"id": i} for i in _ids(images, "truth: images")],
        "annotations": rows,
        "categories": [{"id": i, "name": text} for i, text in names.items()],
    }


def read_detections(given: Any) -> Any:
    """Convert a list of dicts, or a mapping of columns by name, to the content of COCO's result format.

    Raises:
        TintboxError: It is nested too deeply, or its columns do not match.
    """
    content = as_plain(given, "detections")
    if isinstance(content, dict) and "images" not in content:
        return _rows(content, "detections", FOUND)
    return content


def as_plain(value: Any, name: str) -> Any:
    """Return a copy made of dicts, lists, strings and numbers; arrays and tensors become lists, and all else strings.

    Raises:
        TintboxError: It is nested too deeply.
    """
    try:
        return _as_plain(value, name)
    except RecursionError as error:
        raise TintboxError(f"{name}: lists are nested too deeply") from error


def _as_plain(value: Any, name: str) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, Mapping):
        keys = (key.tolist() if hasattr(key, "tolist") else key for key in value)  # ids may be NumPy scalars
        return dict(zip(keys, (_as_plain(own, name) for own in value.values())))
    if isinstance(value, (list, tuple, range)):
        return list(value) if set(map(type, value)) <= PLAIN else [_as_plain(own, name) for own in value]
    if isinstance(value, bytes):  # the counts of pycocotools' own run lengths
        return value.decode("ascii", "backslashreplace")
    if hasattr(value, "tolist"):  # numpy, torch, pandas
        content = value.tolist()
        if type(content) in PLAIN or isinstance(content, list):
            return _as_plain(content, name)
    return str(value)  # a date in a field that no evaluation reads; elsewhere, the text is refused with its place


def _rows(
    columns: Mapping[str, Any], name: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Convert columns to rows."""
    known = (*needed, *optional)
    if unknown := [key for key in columns if key not in known]:
        raise TintboxError(f"{name}: no column '{unknown[0]}' ({', '.join(known)}){suggest(unknown[0], known)}")
    if lacking := [key for key in needed if key not in columns]:
        raise TintboxError(f"{name}: no {', '.join(lacking)} in it; arrays are {', '.join(needed)}")
    for key, values in columns.items():
        if not isinstance(values, list):
            raise TintboxError(f"{name}: {key} is no list or array")
        if len(values) != len(columns[needed[0]]):
            raise TintboxError(
                f"{name}: {key} has {len(values)} entries, {needed[0]} {len(columns[needed[0]])}; give one for each"
            )
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def _ids(values: Any, name: str) -> list[Any]:
    """Return a list of ids, checked to be hashable."""
    if not isinstance(values, list):
        raise TintboxError(f"{name} is no list of ids")
    return [_hashable(value, name) for value in values]


def _hashable(value: Any, name: str) -> Any:
    """Return a value that may be an id; that it is one is checked later with the rest."""
    if isinstance(value, (list, dict)):
        raise TintboxError(f"{name}: a {type(value).__name__} in the place of an id")
    return value
