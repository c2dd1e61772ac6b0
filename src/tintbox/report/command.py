"""`tintbox report`: runs in, one file of HTML out."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tintbox.errors import TintboxError, one_line

LIMIT = 10_000_000  # bytes of the page, at most
MARGIN = 50_000  # of it, kept for captions of pictures
SUFFIXES = (".html", ".htm")


def report(
    folders: Sequence[str],
    out: str | Path = "report.html",
    n: int = 4,
    split: str = "val",
    conf: float = 0.25,
    images: str | Sequence[str] | None = None,
    seed: int = 0,
    imgsz: int | Sequence[int] | None = None,
    pictures: bool = True,
) -> Path:
    """Write a page that compares training runs, of tintbox or of a stock Ultralytics.

    Args:
        folders: The runs' folders; one that has runs directly below it stands for these.
        out: The file to write.
        n: Number of pictures of each dataset.
        split: The split that they are of.
        conf: Least confidence of a predicted box.
        images: Names of pictures to show instead, with or without suffix.
        seed: What the choice of the pictures depends on.
        imgsz: Side in pixels that the models see; None for that of each one's training.
        pictures: Whether to show pictures: they need the runs' weights and datasets.

    Returns:
        The path of the file.

    Raises:
        TintboxError: A folder is no run, a value makes no sense, or the file cannot be written; the line says which.
            A file of that name stays as it was.
    """
    from tintbox.report import gather, page, subjects

    check(n, conf, seed, imgsz, pictures)
    names = None if images is None else [str(x) for x in (images if isinstance(images, (list, tuple)) else [images])]
    if names == []:
        raise TintboxError("images=[]: the list is empty; name pictures, or leave it out")
    file = checked(out)
    sections, left_out = gather.gather(folders)
    page.plotly()  # whether it is installed is better known before the work
    with reserved(file) as stream:
        chosen = []
        if pictures:
            known: set[str] = set()
            for section in sections:
                found, notes, there = subjects.subjects(section, split, n, seed, names)
                chosen.append((found, notes))
                known |= there
            subjects.check_names(names, known, split)
        contents = [page.content(section) for section in sections]
        where = {e.name: str(e.run.folder.resolve()) for section in sections for e in section.entries}
        room = LIMIT - MARGIN - len(page.render(contents, left_out, where).encode())
        if room < 0:
            raise TintboxError(f"the page would have more than {LIMIT:,} bytes without any picture; compare fewer runs")
        for place, (content, (found, notes)) in enumerate(zip(contents, chosen)):
            content.notes["pictures"] += notes
            room -= page.add_pictures(content, found, conf, imgsz, room // (len(contents) - place))
        html = page.render(contents, left_out, where).encode()
        if len(html) > LIMIT:
            raise TintboxError(
                f"the page has {len(html):,} bytes, more than {LIMIT:,}; compare fewer runs, or lower n="
            )
        stream.write(html)
    return file


def check(n: Any, conf: Any, seed: Any, imgsz: Any, pictures: Any) -> None:
    """Raise TintboxError for values that make no sense."""
    sides = imgsz if isinstance(imgsz, (list, tuple)) else [640 if imgsz is None else imgsz]
    if not sides or len(sides) > 2:
        raise TintboxError(f"imgsz={imgsz}: give a side in pixels, or [height, width]")
    for name, value, low in (("n", n, 1), ("seed", seed, 0), *(("imgsz", side, 32) for side in sides)):
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise TintboxError(f"{name}={value}: give a whole number of {low} or more")
    if not isinstance(conf, (int, float)) or isinstance(conf, bool) or not 0 <= conf <= 1:
        raise TintboxError(f"conf={conf}: give a number from 0 to 1")
    if not isinstance(pictures, bool):
        raise TintboxError(f"pictures={pictures}: give true or false")


def checked(out: str | Path) -> Path:
    """Return the file to write.

    Raises:
        TintboxError: It is a folder, or named as something else than HTML.
    """
    file = Path(str(out))
    if file.is_dir():
        raise TintboxError(f"out={out} is a folder; give a file, e.g. {file / 'report.html'}")
    if file.suffix.lower() not in SUFFIXES:
        raise TintboxError(f"out={out}: the page is HTML; give a file that ends in {' or '.join(SUFFIXES)}")
    return file


@contextlib.contextmanager
def reserved(file: Path) -> Iterator[IO[bytes]]:
    """Give a stream that becomes the file once all is written; room for it is taken before the work starts.

    Raises:
        TintboxError: There is no room, or no right to write there. A file that was there stays as it was.
    """
    temporary: Path | None = None
    try:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists() and not os.access(file, os.W_OK):
                raise PermissionError(13, "Permission denied")
            number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
            temporary = Path(name)
            with os.fdopen(number, "wb") as stream:
                stream.write(bytes(LIMIT))
                stream.flush()
                os.fsync(stream.fileno())  # some file systems tell only now that they are full
        except OSError as error:
            raise TintboxError(f"out={file}: cannot be written ({error.strerror or one_line(error)})") from error
        # Written over what is reserved, and cut to its length at the end: the room stays taken all the while.
        with temporary.open("r+b") as stream:
            yield stream
            stream.truncate()
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(file)
        temporary = None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
