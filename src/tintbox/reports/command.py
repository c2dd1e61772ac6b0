"""`tintbox report`: runs in, one file of HTML out."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tintbox import atomic
from tintbox.checks import as_path, as_python, is_path, is_there, is_word
from tintbox.datasets.reading.layout import SPLITS
from tintbox.errors import TintboxError, counted, explain_refusal, suggest
from tintbox.plugins import autoload
from tintbox.reports import curves, entries, page, prediction, scripts, subjects
from tintbox.reports.boxes import picture_names
from tintbox.reports.figures import Figure

LIMIT = 10_000_000  # maximum size of the page in bytes
MARGIN = 50_000  # bytes reserved for captions of images
LEAST = 1_000  # bytes that a run takes outside the figures; usually 1,500
SUFFIXES = (".html", ".htm")
Chosen = tuple[Sequence[subjects.Subject], list[str]]  # a section's images, and notes on missing ones


def report(
    folders: str | Path | Sequence[str | Path],
    out: str | Path = "report.html",
    *,
    pictures: bool = True,
    n: int = 4,
    split: str = "val",
    conf: float = 0.25,
    images: str | Sequence[str] | None = None,
    seed: int = 0,
    imgsz: int | Sequence[int] | None = None,
) -> Path:
    """Write a page that compares training runs of tintbox or a stock Ultralytics: one file that needs no network.

    Args:
        folders: The runs' folders; a folder with runs up to three levels below it, such as a study's, stands for those.
        out: The file to write.
        pictures: Whether to show images of the dataset with each run's predictions, for which the weights are needed.
        n: Number of images of each dataset.
        split: The split to take them from.
        conf: Minimum confidence of the boxes shown.
        images: Names of images to show instead, with or without suffix.
        seed: Seed for the choice of images.
        imgsz: Input size in pixels, or ``[height, width]``; None for the size that each model was trained at.

    Returns:
        The path of the file.

    Raises:
        TintboxError: A folder is not a run, a value is invalid, or the file cannot be written; an existing file is
            left unchanged.

    Example:
        ```python
        tintbox.report(["runs/detect/train", "runs/detect/train-2"], "report.html")
        ```
    """
    autoload.install()
    n, conf, seed, imgsz = as_python((n, conf, seed, imgsz))
    several = [folders] if is_path(folders) else folders
    if not isinstance(several, Iterable):
        raise TintboxError(f"folders={folders}: give the folder of a run, or a list of them")
    if imgsz is not None:
        prediction.check_size(imgsz)
    prediction.check_choice(n, seed, conf)
    if not isinstance(pictures, bool):
        raise TintboxError(f"pictures={pictures}: give true or false")
    if not is_word(split, SPLITS):
        raise TintboxError(f"split={split}: no such split ({', '.join(SPLITS)}){suggest(split, SPLITS)}")
    names = picture_names(images)
    file = check_out(out)
    sections, left_out = entries.gather([str(as_path(str(folder))) for folder in several])
    check_room(file)
    drawn = [curves.curves(section) for section in sections]
    figures = len(scripts.encode([(figure.data, figure.layout) for own in drawn for figure in own]))
    check_count(sections, figures + LEAST * sum(len(section.entries) for section in sections))
    chosen: list[Chosen] = [([], [])] * len(sections)
    if pictures:
        found = [subjects.subjects(section, split, n, seed, names) for section in sections]
        subjects.check_names(names, {name for _, _, known in found for name in known}, split)
        chosen = [(there, notes) for there, notes, _ in found]
    html = _compose(sections, drawn, left_out, chosen, conf, imgsz)
    with explain_refusal(f"out={file}: cannot be written"):
        atomic.write_bytes(file, html)
    return file


def _compose(
    sections: Sequence[entries.Section],
    drawn: Sequence[Sequence[Figure]],
    left_out: Sequence[str],
    chosen: Sequence[Chosen],
    conf: float,
    imgsz: Any,
) -> bytes:
    contents = [page.content(section, place, own) for place, (section, own) in enumerate(zip(sections, drawn))]
    where = {e.name: str(e.run.folder.resolve()) for section in sections for e in section.entries}
    for content, (_, notes) in zip(contents, chosen):
        content.notes["pictures"] += notes
    # Lone surrogates, which file names and JSON escapes can contain, become "?".
    html = page.render(contents, left_out, where).encode(errors="replace")
    check_count(sections, len(html) - len(scripts.plotly()))
    room = LIMIT - MARGIN - len(html)
    if not any(there for there, _ in chosen):
        return html
    for place, (content, (there, _)) in enumerate(zip(contents, chosen)):
        room -= page.add_pictures(content, there, conf, imgsz, room // (len(contents) - place))
    html = page.render(contents, left_out, where).encode(errors="replace")
    if len(html) > LIMIT:
        raise TintboxError(f"the page has {len(html):,} bytes, more than {LIMIT:,}; compare fewer runs, or lower n=")
    return html


def check_count(sections: Sequence[entries.Section], size: int) -> None:
    """Raise TintboxError if there are too many runs for a page; ``size`` are the bytes that are known of their part."""
    room = LIMIT - MARGIN - len(scripts.plotly())
    if size > room:
        count = sum(len(section.entries) for section in sections)
        fitting = max(count * room // size, 0)
        raise TintboxError(
            f"{counted(count, 'run')} would make a page of more than {LIMIT:,} bytes without any image; "
            f"compare fewer runs{f', about {fitting} fit' * bool(fitting)}"
        )


def check_out(out: str | Path) -> Path:
    """Return the file to write.

    Raises:
        TintboxError: It is a folder, or its suffix is not that of HTML.
    """
    file = as_path(str(out))
    if is_there(file, Path.is_dir):
        raise TintboxError(f"out={out} is a folder; give a file, e.g. {file / 'report.html'}")
    if file.suffix.lower() not in SUFFIXES:
        raise TintboxError(f"out={out}: the page is HTML; give a file that ends in {' or '.join(SUFFIXES)}")
    return file


def check_room(file: Path) -> None:
    """Create the folder of a file, and check before the work begins that the page can be written there.

    Raises:
        TintboxError: There is no space, or no permission to write there.
    """
    with explain_refusal(f"out={file}: cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and not os.access(file, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with tempfile.TemporaryFile(dir=file.parent) as probe:
            if hasattr(os, "posix_fallocate"):  # reserves space without writing; released at once
                os.posix_fallocate(probe.fileno(), 0, LIMIT)
