"""What a caller hands over, dicts, lists or arrays, as a copy that is like the content of COCO's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tintbox.errors import TintboxError, suggest

PLAIN = {int, float, str, bool, type(None)}
TRUTH = ("image_id", "category_id", "bbox")  # columns that arrays of truth have
LISTS = ("images", "categories")
TRUTH_TOO = ("iscrowd", "area", *LISTS)  # and what else they may have
FOUND = ("image_id", "category_id", "bbox", "score")


def read_truth(given: Mapping[str, Any]) -> Any:
    """Return ground truth as COCO's JSON has it: of a mapping that is its content, or that has columns.

    Raises:
        TintboxError: There are things in it that are no data, or its columns do not go together.
    """
    content = as_plain(given, "truth")
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
    """Return detections as COCO's result format has them: of a list of dicts, or of a mapping that has columns.

    Raises:
        TintboxError: There are things in it that are no data, or its columns do not go together.
    """
    content = as_plain(given, "detections")
    if isinstance(content, dict) and "images" not in content:
        return _rows(content, "detections", FOUND)
    return content


def as_plain(value: Any, name: str) -> Any:
    """Return a copy made of dicts, lists, texts and numbers; arrays and tensors become lists, bytes text.

    Raises:
        TintboxError: Something in it is none of these.
    """
    try:
        return _as_plain(value, name)
    except RecursionError as error:
        raise TintboxError(f"{name}: lists are nested too deeply") from error


def _as_plain(value: Any, name: str) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, Mapping):
        keys = (key.tolist() if hasattr(key, "tolist") else key for key in value)  # numpy's numbers as ids
        return dict(zip(keys, (_as_plain(own, name) for own in value.values())))
    if isinstance(value, (list, tuple)):
        return list(value) if set(map(type, value)) <= PLAIN else [_as_plain(own, name) for own in value]
    if isinstance(value, bytes):  # the counts of pycocotools' own run lengths
        return value.decode("ascii", "backslashreplace")
    if hasattr(value, "tolist"):  # numpy, torch, pandas
        content = value.tolist()
        if type(content) in PLAIN or isinstance(content, list):
            return _as_plain(content, name)
    raise TintboxError(f"{name}: something of type {type(value).__name__} in it; give numbers, texts, lists or arrays")


def _rows(
    columns: Mapping[str, Any], name: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return columns as rows."""
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
    """Return the ids that a list holds."""
    if not isinstance(values, list):
        raise TintboxError(f"{name} is no list of ids")
    return [_hashable(value, name) for value in values]


def _hashable(value: Any, name: str) -> Any:
    """Return a value that may be an id; whether it is one is looked at with the rest."""
    if isinstance(value, (list, dict)):
        raise TintboxError(f"{name}: a {type(value).__name__} in the place of an id")
    return value
