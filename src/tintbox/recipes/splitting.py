"""A validation split for a dataset that has none: lists of pictures and a YAML of our own, nothing of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.errors import TintboxError, one_line
from tintbox.folds import files, groups, partition
from tintbox.folds.pictures import gather
from tintbox.plugins.coco_eval.data.description import describe_without_validation, lacks_validation

HEAD = "# a validation split"  # by which a file is known as ours


def split(data: str | Path, share: float, out: str | Path, together: Any = groups.AUTO) -> tuple[Path, list[str]]:
    """Write a dataset with a share of the training pictures for validation, and return its YAML and what is to be told.

    Args:
        data: A dataset's YAML without a validation split; it stays as it is.
        share: Of the pictures, between 0 and 1.
        out: The recipe's file, beside which the YAML and its lists are written.
        together: What stays in one split; see `groups.find`.

    Raises:
        TintboxError: The dataset has a validation split, its pictures cannot be split so, or a file is in the way.
    """
    if not lacks_validation(data):
        raise TintboxError(f"split={share:g}: {data} has a validation split; leave split= out")
    found = gather(data)
    together = groups.find(found.files, together, 2, "splits")
    part = partition.divide(found.counts, together.names, [1 - share, share])
    if len(set(part.tolist())) < 2:
        raise TintboxError(f"split={share:g}: {len(found.files)} pictures cannot be split so; give another share")
    file = Path(out).with_name(f"{Path(out).stem}-split.yaml")
    parts = {
        name: [path for path, own in zip(found.files, part) if own == i] for i, name in enumerate(("train", "val"))
    }
    check_free(file)
    described = describe_without_validation(data)
    kept = {**({"test": described["test"]} if described.get("test") else {}), **found.kept}
    about = f"{HEAD.removeprefix('# ')} of {share:g} of the pictures of {one_line(data)}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_dataset(file, parts, kept, about)
    except OSError as error:
        raise TintboxError(f"{file}: cannot be written ({error.strerror or one_line(error)}); give out=") from error
    counts = f"{len(parts['train'])} pictures to learn from, {len(parts['val'])} for validation"
    return file, [f"{file}: {counts}", together.said]


def check_free(file: Path) -> None:
    """Raise TintboxError if there is a file in the way that no earlier call has written."""
    lists = [files.list_of(file, name) for name in ("train", "val")]
    try:
        ours = file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(HEAD)
        there = [path for path in (file, *lists) if path.exists()]
    except OSError as error:
        raise TintboxError(f"{file}: cannot be read ({error.strerror}); give another out=") from error
    if there and not ours:
        raise TintboxError(f"{there[0]} is there and was not written by split=; give another out=")
