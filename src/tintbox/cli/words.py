"""What the commands of `tintbox` share: ``key=value`` arguments and tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, suggest


def arguments(words: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """Return ``known`` updated with the values of ``key=value`` words, read as YAML.

    Raises:
        TintboxError: A word is not ``key=value``, or its key is unknown.
    """
    values = dict(known)
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise TintboxError(f"'{word}' is no argument; write key=value, with keys {', '.join(known)}")
        if key not in known:
            raise TintboxError(f"'{key}' is no argument here ({', '.join(known)}){suggest(key, known)}")
        try:
            values[key] = yaml_file.parse(text, key)
        except TintboxError:
            values[key] = text  # e.g. a path with a bracket
    return values


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
        shown.add_row(*map(escape, row))
    # In a file or pipe, nothing is folded or cut.
    Console(width=None if sys.stdout.isatty() else 200).print(shown)
