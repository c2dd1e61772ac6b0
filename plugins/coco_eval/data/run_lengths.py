"""Masks as run lengths, checked in a result file: pycocotools accepts any text and reads out of bounds for some."""

from __future__ import annotations

from typing import Any

import numpy as np
from pycocotools import mask

from tintbox.limits import MASK_SIDE
from tintbox.plugins.coco_eval.data.rows import Rows

CHUNK = 100  # masks decoded at a time, so that their arrays stay in the processor's cache


def read_masks(rows: Rows, image_id: np.ndarray, images: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the masks of detections as compressed run lengths ``{"size": [height, width], "counts": str}``.

    In the rows, counts may also be a list of integers; ``images`` are the truth's images by id.

    Raises:
        TintboxError: A value is not a mask, or not of its image's size.
    """
    masks = rows.column("segmentation")
    whole = [are_run_lengths(m) for m in masks]
    what = "has segmentation {}, no run lengths {'size': [height, width], 'counts': ...}"
    rows.refuse([not good for good in whole], what, masks)
    sizes = [m["size"] for m in masks]
    pictures = [[images[i].get("height"), images[i].get("width")] for i in image_id.tolist()]
    wrong = [None not in picture and size != picture for size, picture in zip(sizes, pictures)]
    rows.refuse(wrong, "has a mask of size {}, which is not the height and width of its image", sizes)

    areas = np.array([height * width for height, width in sizes], dtype=np.int64)
    rows.refuse(cover(masks) != areas, "has a mask whose counts do not add up to its height times width")

    packed = []
    for m in masks:
        counts = m["counts"]
        if isinstance(counts, list):
            counts = mask.frPyObjects(m, *m["size"])["counts"].decode("ascii")
        packed.append({"size": m["size"], "counts": counts})
    return packed


def are_run_lengths(value: Any) -> bool:
    """Return whether a value has the form of a run-length mask; `cover` checks its counts."""
    return type(value) is dict and type(value.get("counts")) in (str, list) and is_size(value.get("size"))


def cover(masks: list[dict[str, Any]]) -> np.ndarray:
    """Return how many pixels the counts of each mask cover, -1 if they are invalid; ``(N,)`` int64."""
    plain = np.array([isinstance(m["counts"], list) for m in masks], dtype=bool)
    covered = np.array([_sum(m["counts"]) if listed else -1 for m, listed in zip(masks, plain)], dtype=np.int64)
    covered[~plain] = pixels([m["counts"] for m in masks if not isinstance(m["counts"], list)])
    return covered


def pixels(texts: list[str]) -> np.ndarray:
    """Return how many pixels each compressed run-length text covers, -1 if it is invalid; ``(N,)`` int64.

    Source of the format: ``rleFrString`` of pycocotools. A character encodes six bits, offset by 48: five bits of a
    number, low ones first, and a continuation bit. From the fourth run on, a run is stored as the difference from the
    run two before it.
    """
    if len(texts) > CHUNK:
        return np.concatenate([pixels(texts[i : i + CHUNK]) for i in range(0, len(texts), CHUNK)])
    if not texts:
        return np.zeros(0, dtype=np.int64)
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.array([len(text) for text in raw])
    code = np.frombuffer(b"".join(raw), dtype=np.uint8).astype(np.int64) - 48
    owner = np.repeat(np.arange(len(raw)), lengths)  # text index of each character
    bad = lengths == 0
    bad[owner[(code < 0) | (code > 63)]] = True
    ends = np.flatnonzero((code & 32) == 0)
    last = np.cumsum(lengths)[lengths > 0] - 1
    bad[owner[last[(code[last] & 32) != 0]]] = True  # a text ends within a number
    if bad.any():  # leave them out: their numbers would run into the next text's
        covered: np.ndarray = np.full(len(raw), -1)
        if not bad.all():
            covered[~bad] = pixels([text for text, wrong in zip(texts, bad) if not wrong])
        return covered
    starts = np.concatenate([[0], ends[:-1] + 1])
    digit = np.arange(len(code)) - np.repeat(starts, ends - starts + 1)  # index of a character in its number
    long = owner[digit > 6]  # more than 32 bits: more pixels than any image has
    value = np.add.reduceat((code & 31) << 5 * np.minimum(digit, 7), starts)
    value -= np.where(code[ends] & 16, 1 << 5 * np.minimum(digit[ends] + 1, 8), 0)  # two's complement
    text = owner[ends]
    count = np.bincount(text, minlength=len(raw))
    begin = np.repeat(np.cumsum(count) - count, count)  # for every run, the index of its text's first run
    # Differences accumulate along two chains: runs 1, 3, 5, ... and 2, 4, 6, ...; run 0 stands alone.
    odd = (np.arange(len(value)) - begin) % 2 == 1
    first, second = (np.cumsum(np.where(chosen, value, 0)) for chosen in (odd, ~odd))
    runs = np.where(odd, first - first[begin], second - second[begin])
    runs[begin] = value[begin]
    covered = np.bincount(text, weights=runs, minlength=len(raw)).astype(np.int64)
    covered[text[runs < 0]] = -1
    covered[long] = -1
    return covered


def encode(masks: np.ndarray) -> list[dict[str, Any]]:
    """Return the run-length encodings of ``(N, H, W)`` masks of 0 and 1, in the format of COCO's JSON."""
    columns = np.asfortranarray(np.moveaxis(masks.astype(np.uint8), 0, -1))  # (H, W, N): runs go down the columns
    return [{"size": rle["size"], "counts": rle["counts"].decode("ascii")} for rle in mask.encode(columns)]


def boxes_of(masks: list[dict[str, Any]]) -> np.ndarray:
    """Return the bounding boxes of masks, ``(N, 4)`` float64: x, y, width, height."""
    return np.asarray(mask.toBbox(masks), dtype=np.float64).reshape(-1, 4)


def areas_of(masks: list[dict[str, Any]]) -> np.ndarray:
    """Return how many pixels masks cover, ``(N,)`` float64."""
    return np.asarray(mask.area(masks), dtype=np.float64).reshape(-1)


def _sum(counts: list[Any]) -> int:
    """Return the sum of uncompressed run lengths, -1 if they are invalid."""
    total = sum(counts) if all(type(count) is int and count >= 0 for count in counts) else -1
    return total if total < 2**32 else -1


def is_size(size: Any) -> bool:
    """Return whether a value is a list of height and width, each within 1..MASK_SIDE."""
    return type(size) is list and len(size) == 2 and all(type(side) is int and 0 < side <= MASK_SIDE for side in size)
