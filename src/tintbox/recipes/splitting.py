"""A validation split for a dataset that has none: new lists of images and a new YAML; the user's files stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.datasets.reading.description import describe_without_validation, lacks_validation
from tintbox.errors import TintboxError, counted, explain_refusal, one_line
from tintbox.folds import files, groups, partition
from tintbox.folds.choice import warn
from tintbox.folds.pictures import gather

HEAD = "# a validation split"  # identifies a file as ours


def split(data: str | Path, share: float, out: str | Path, together: Any = groups.AUTO) -> tuple[Path, list[str]]:
    """Write a dataset with a fraction of the training images for validation; return its YAML and remarks to show.

    Args:
        data: The YAML of a dataset without a validation split; it is not changed.
        share: The fraction, between 0 and 1.
        out: The recipe's file; the YAML and its lists are written next to it.
        together: Which images stay together; see `groups.find`.

    Raises:
        TintboxError: The dataset has a validation split, its images cannot be split like this, or a file is in the way.
    """
    if not lacks_validation(data):
        raise TintboxError(f"split={share:g}: {data} has a validation split; leave split= out")
    found = gather(data)
    together = groups.find(found.files, together, 2, "splits", found.counts)
    part = partition.divide(found.counts, together.names, [1 - share, share])
    if len(set(part.tolist())) < 2:
        several = len(set(together.names))
        grouped = f" in {several} groups" * (several < len(found.files))
        fix = "give another share" + ", or groups=none if images need not stay together" * bool(grouped)
        raise TintboxError(f"split={share:g}: {len(found.files)} images{grouped} cannot be split like that; {fix}")
    file = Path(out).with_name(f"{Path(out).stem}-split.yaml")
    parts = {
        name: [path for path, own in zip(found.files, part) if own == i] for i, name in enumerate(("train", "val"))
    }
    check_free(file)
    described = describe_without_validation(data)
    kept = {**({"test": described["test"]} if described.get("test") else {}), **found.kept}
    about = f"{HEAD.removeprefix('# ')} with {share:g} of the images of {one_line(data)}"
    with explain_refusal(f"{file}: cannot be written", "; give out="):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_dataset(file, parts, kept, about)
    train, val = (len(parts[name]) for name in ("train", "val"))
    counts = f"{counted(train, 'image')} for training, {val} for validation"
    return file, [f"{file}: {counts}", together.said, *warn(found, part, together.names, "split")]


def check_free(file: Path) -> None:
    """Raise TintboxError if a file is in the way that no earlier call wrote."""
    lists = [files.list_of(file, name) for name in ("train", "val")]
    with explain_refusal(f"{file}: cannot be read", "; give another out="):
        ours = file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(HEAD)
        there = [path for path in (file, *lists) if path.exists()]
    if there and not ours:
        raise TintboxError(f"{there[0]} is there and was not written by split=; give another out=")
