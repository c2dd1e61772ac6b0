"""``results.csv`` of a resumed run: an epoch that is trained again is not written twice."""

from __future__ import annotations

from pathlib import Path

from tintbox import atomic


def drop_from(file: Path, epoch: int) -> int:
    """Remove the rows of ``epoch``, counted from 1, and later ones, with what a killed process has left half written.

    Of an epoch that is there twice, from earlier resuming, the last row is kept. The other rows stay byte for byte.

    Returns:
        How many rows are removed.
    """
    if not file.is_file():
        return 0
    header, *rows = file.read_bytes().splitlines(keepends=True) or [b""]
    columns = header.count(b",")
    kept: dict[int, bytes] = {}
    for row in rows:
        first = row.partition(b",")[0].strip()
        if row.endswith(b"\n") and row.count(b",") == columns and first.isdigit() and int(first) < epoch:
            kept[int(first)] = row
    if len(kept) < len(rows):
        atomic.write_bytes(file, header + b"".join(kept[number] for number in sorted(kept)))
    return len(rows) - len(kept)
