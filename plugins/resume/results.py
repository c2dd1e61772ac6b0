"""``results.csv`` of a resumed run, in which an epoch that is trained again must not appear twice."""

from __future__ import annotations

from pathlib import Path

from tintbox import atomic


def drop_from(file: Path, epoch: int) -> None:
    """Remove the rows from ``epoch`` on, counted from 1, and incomplete rows left by a killed process.

    If an epoch appears twice because of an earlier resume, its last row is kept. The other rows stay byte for byte.
    """
    if not file.is_file():
        return
    header, *rows = file.read_bytes().splitlines(keepends=True) or [b""]
    columns = header.count(b",")
    kept: dict[int, bytes] = {}
    for row in rows:
        first = row.partition(b",")[0].strip()
        if row.endswith(b"\n") and row.count(b",") == columns and first.isdigit() and int(first) < epoch:
            kept[int(first)] = row
    if len(kept) < len(rows):
        atomic.write_bytes(file, header + b"".join(kept[number] for number in sorted(kept)))
