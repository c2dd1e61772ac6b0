"""What the commands of `tintbox` share: paths among their arguments, and tables."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from tintbox.checks import is_there
from tintbox.terminal import console


def paths_of(words: list[str] | None) -> tuple[list[str], list[str]]:
    """Return the words that are paths, and the ``key=value`` words; an existing path may contain a ``=``."""
    paths = [word for word in words or [] if "=" not in word or is_there(Path(word), Path.exists)]
    return paths, [word for word in words or [] if word not in paths]


def table(title: str, columns: dict[str, str], rows: list[list[str]]) -> None:
    """Print a table; ``columns`` maps each header to its alignment."""
    shown = Table(title=title, title_justify="left")
    for header, justify in columns.items():
        shown.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        shown.add_row(*map(Text, row))
    console().print(shown)
