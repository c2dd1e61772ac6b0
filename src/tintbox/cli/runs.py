"""The commands of `tintbox` that train runs or read run folders: study, report, assignment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tintbox.checks import is_there
from tintbox.cli import tables
from tintbox.cli.keys import read, words_argument
from tintbox.cli.words import paths_of

RAY = "--ray"


def with_ray_address(words: Sequence[str]) -> list[str]:
    """Return command-line words with `--ray`'s address filled in if omitted: click has no optional values."""
    found = list(words)
    if RAY in found:
        after = found.index(RAY) + 1
        word = found[after] if after < len(found) else "-"
        if word.startswith("-") or "=" in word or is_there(Path(word), Path.exists):
            found.insert(after, "auto")
    return found


def study(
    words: Annotated[
        list[str] | None,
        words_argument(
            "[FOLDER | FILE.yaml] [model=a.yaml,b.yaml] [data=my.yaml] [batch=8,16] [seed=0,1] [...]",
            "arguments of `yolo train`, with comma-separated lists of values; or a study's folder, to continue it",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="number of parallel runs; they share the cores")] = 1,
    ray: Annotated[
        str | None,
        typer.Option(RAY, metavar="[ADDRESS]", help="run on a Ray cluster: host:port, or nothing for a local one"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="allow more than 200 runs")] = False,
) -> None:
    """Train a grid of runs, baseline first, and compare them; the same command continues a stopped study."""
    from tintbox.studies.command import study as run

    print(run(words or [], workers=workers, ray=ray, yes=yes))


def assignment(
    words: Annotated[list[str] | None, words_argument("[KEY=VALUE]...")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="use the embedded dataset; takes a few minutes")] = False,
    workers: Annotated[int, typer.Option("--workers", help="number of parallel runs; they share the cores")] = 1,
) -> None:
    """Reproduce the course assignment, parts A to D, and write its report."""
    from tintbox.assignment.command import assignment as run

    print(run(quick=quick, workers=workers, **read(words, tables.ASSIGNMENT)))


def report(
    words: Annotated[
        list[str] | None,
        words_argument("RUN... [KEY=VALUE]...", "folders of training runs or of a study; key=value arguments"),
    ] = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="the HTML file to write")] = None,
) -> None:
    """Write one HTML file that compares training runs: arguments, metrics, curves, images."""
    from tintbox.reports.command import report as write

    folders, rest = paths_of(words)
    values = read(rest, tables.REPORT)
    print(write(folders, **{**values, **({"out": out} if out else {})}))
