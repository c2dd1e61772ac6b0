"""Patches for arguments: where they apply, and where a user finds them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from tintbox.plugins.host.table import patch, replace

OPTIONS_HELP = """
    tintbox adds arguments of its own: tintbox options
    """


@contextlib.contextmanager
def help_held(cfg: Any) -> Iterator[list[logging.LogRecord]]:
    """Hold back the help that Ultralytics logs before it refuses an argument, until we know whose argument it is.

    Yields:
        The held-back records, logged on exit unless the list is emptied.
    """
    from ultralytics.utils import LOGGER

    held: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.msg is not cfg.CLI_HELP_MSG:
            return True
        held.append(record)
        return False

    LOGGER.addFilter(keep)
    try:
        yield held
    finally:
        LOGGER.removeFilter(keep)
        for record in held:
            LOGGER.handle(record)


def tell_of_options(words: Sequence[str]) -> None:
    """After `yolo cfg`, which prints Ultralytics' own file, say where to find tintbox's arguments."""
    if [word.lstrip("-").lower() for word in words[:1]] == ["cfg"]:
        from ultralytics.utils import LOGGER

        LOGGER.info("# tintbox adds arguments of its own: tintbox options")


@patch("ultralytics.engine.model", "Model.val", "Model.predict", "Model.track", "Model.export", "Model.benchmark")
def right_places(engine: Any) -> None:
    """Refuse tintbox's arguments where they have no effect: Ultralytics ignores what a mode does not read.

    `Model.train` is checked by the patch `preflight`.
    """
    from tintbox.plugins import places
    from tintbox.plugins.host import command

    def check(mode: str) -> None:
        @replace(engine.Model, mode)
        def run(self: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
            places.check(self.task, mode, kwargs, command.find_typed(kwargs))
            return stock(self, *args, **kwargs)

    for mode in ("val", "predict", "track", "export", "benchmark"):
        check(mode)
