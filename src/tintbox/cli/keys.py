"""The ``key=value`` arguments of a command: one table reads them, checks them, and explains them in `--help`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
import typer.core

from tintbox import yaml_file
from tintbox.checks import is_number, is_there, is_whole
from tintbox.cli.words import table
from tintbox.errors import TintboxError, suggest

Check = Callable[[Any], bool]


@dataclass(frozen=True)
class Key:
    """One ``key=value`` argument of a command."""

    name: str
    values: str  # accepted values, in words
    default: Any
    help: str
    check: Check | None = None  # None: the command checks it
    example: str = ""  # a value for the error message; makes the key required


def number(low: float, high: float) -> Check:
    """Return the check of a number from ``low`` to ``high``."""
    return lambda x: is_number(x, low, high)


def whole(low: int) -> Check:
    """Return the check of a whole number of ``low`` or more."""
    return lambda x: is_whole(x, low)


def part(value: Any) -> bool:
    """Return whether a value is a number between 0 and 1."""
    return is_number(value, 0, 1) and 0 < value < 1


def size(value: Any) -> bool:
    """Return whether a value is a side in pixels, or a height and a width."""
    sides = value if isinstance(value, list) else [value]
    return len(sides) in (1, 2) and all(map(whole(1), sides))


def text(value: Any) -> bool:
    """Return whether a value can be a name or a path, without zero bytes; in a list, YAML turns some into numbers."""
    scalar = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return scalar and str(value) != "" and "\0" not in str(value)


def path(key: str, word: str) -> str:
    """Return a path that is an argument without a key; with one, as other commands want it, it is the same path."""
    return word if is_there(Path(word), Path.exists) else word.removeprefix(f"{key}=")


def texts(value: Any) -> bool:
    """Return whether a value is a name, or a list of names."""
    return text(value) or (isinstance(value, list) and all(map(text, value)))


def flag(value: Any) -> bool:
    """Return whether a value is true or false."""
    return isinstance(value, bool)


def read(words: Sequence[str] | None, keys: Sequence[Key]) -> dict[str, Any]:
    """Return the values of a command's keys: texts as given, others read as YAML, else the defaults.

    Raises:
        TintboxError: An argument is not ``key=value``, its key is unknown, its value is invalid, or a key is missing.
    """
    checks = {key.name: key.check for key in keys}
    values = {key.name: key.default for key in keys}
    for word in words or ():
        name, equals, given = word.partition("=")
        if not equals:
            raise TintboxError(f"'{word}' is no argument; write key=value, with keys {', '.join(values)}")
        if name not in values:
            raise TintboxError(f"'{name}' is no argument here ({', '.join(values)}){suggest(name, values)}")
        if given and not _is_yaml(given, checks[name]):
            values[name] = given
            continue
        try:
            values[name] = yaml_file.parse(given, name)
        except TintboxError:
            values[name] = given  # e.g. a path with a bracket
    for key in keys:
        value = values[key.name]
        if value is None and key.example:
            raise TintboxError(f"{key.name}= is missing, e.g. {key.name}={key.example}")
        if value != key.default and key.check and not key.check(value):
            raise TintboxError(f"{key.name}={'' if value is None else value}: give {key.values}")
    return values


def _is_yaml(word: str, check: Check | None) -> bool:
    """Return whether a word is read as YAML, which would change some paths and names: ``a #1``, ``0123``, ``12:30``."""
    if check not in (text, texts):
        return True
    ends = word[0] + word[-1]
    return len(word) > 1 and (ends in ("''", '""') or (ends == "[]" and check is texts))


def words_argument(metavar: str, help: str = "key=value arguments") -> Any:
    """Return the Typer argument that takes a command's ``key=value`` arguments, as `--help` shows it."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


def explain_keys(own: Sequence[Key]) -> type[typer.core.TyperCommand]:
    """Return a command class whose `--help` ends with a table of the keys, if there are any."""

    class ExplainedCommand(typer.core.TyperCommand):
        """A command that knows and explains its keys."""

        keys = own

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Parse the words; explain a key that is written as an option."""
            own = {option for parameter in self.params for option in parameter.opts}
            for word in args:
                name = "out" if word == "-o" else word.lstrip("-").partition("=")[0].replace("-", "_")
                if word.startswith("-") and word not in own and name in {key.name for key in self.keys}:
                    raise TintboxError(f"'{word}' is no option; write {name}=, without dashes")
            return super().parse_args(ctx, args)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            """Print the help, then the table."""
            super().format_help(ctx, formatter)
            rows = [[f"{k.name}=", k.values, "" if k.default is None else str(k.default), k.help] for k in self.keys]
            if rows:
                table("keys", dict.fromkeys(("key", "value", "default", "meaning"), "left"), rows)

    return ExplainedCommand
