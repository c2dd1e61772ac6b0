"""Patches for the configuration: training arguments, files, tasks and the command line."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tintbox.plugins.autoload import TASK
from tintbox.plugins.host import capabilities, refusals
from tintbox.plugins.host.table import DEFAULT_DATA, DEFAULT_MODEL, patch, replace

OPTIONS_HELP = """
    tintbox adds arguments of its own: tintbox options
    """


@patch("ultralytics.utils", "DEFAULT_CFG_DICT", "DEFAULT_CFG")
def training_arguments(utils: Any) -> None:
    """Add tintbox's arguments to the defaults: every entry point rejects a key that is not among them."""
    from tintbox.plugins import options

    for option in options.OPTIONS:
        utils.DEFAULT_CFG_DICT[option.name] = option.default
        setattr(utils.DEFAULT_CFG, option.name, option.default)


@patch("ultralytics.utils", "NUM_THREADS")
def threads(utils: Any) -> None:
    """Keep to TINTBOX_THREADS: a run on the CPU sets its number of threads itself, whatever OMP_NUM_THREADS says."""
    from tintbox.threads import most_threads

    utils.NUM_THREADS = min(utils.NUM_THREADS, most_threads() or utils.NUM_THREADS)


@patch("ultralytics.utils.checks", "check_file")
def bare_names(checks: Any) -> None:
    """Find tintbox's YAMLs by bare name from any folder: `check_file` only searches Ultralytics' own cfg folder.

    They are also found under the weights folder: Ultralytics addresses each task's model as
    ``WEIGHTS_DIR / TASK2MODEL[task]`` and downloads its own when they are missing.
    """
    from tintbox.checks import is_there
    from tintbox.plugins import files

    def in_weights_folder(file: Any) -> Path | None:
        from ultralytics.utils import WEIGHTS_DIR  # does not exist yet when this module is imported

        path = Path(str(file).strip())
        return files.find(path.name) if path.parent == WEIGHTS_DIR and not is_there(path, Path.exists) else None

    @replace(checks, "check_file")
    def search(file: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        if found := files.find(file) or in_weights_folder(file):
            return str(found)
        try:
            return stock(file, *args, **kwargs)
        except FileNotFoundError as error:
            raise files.explain_missing(file) or error from None


@patch("ultralytics.cfg", "TASKS", "TASK2DATA", "TASK2CALIBRATIONDATA", "TASK2MODEL", "TASK2METRIC", "CLI_HELP_MSG")
def task_tables(cfg: Any) -> None:
    """Make `colorize` a task: the CLI and its subprocesses read these tables."""
    cfg.CLI_HELP_MSG = cfg.CLI_HELP_MSG.replace(str(list(cfg.TASKS)), str([*cfg.TASKS, TASK])) + OPTIONS_HELP
    cfg.TASKS = (*cfg.TASKS, TASK)
    cfg.TASK2DATA[TASK] = cfg.TASK2CALIBRATIONDATA[TASK] = DEFAULT_DATA
    cfg.TASK2MODEL[TASK] = DEFAULT_MODEL
    cfg.TASK2METRIC[TASK] = "metrics/accuracy"


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


@patch("ultralytics.cfg", "check_cfg", "check_dict_alignment", "CLI_HELP_MSG")
def argument_checks(cfg: Any) -> None:
    """Check tintbox's arguments where Ultralytics checks its own, before it downloads or creates anything."""
    from tintbox.errors import TintboxError
    from tintbox.plugins import options
    from tintbox.plugins.host import command

    @replace(cfg, "check_cfg")
    def check_values(values: dict[str, Any], *args: Any, stock: Any, **kwargs: Any) -> None:
        stock(values, *args, **kwargs)
        options.check(values)
        capabilities.check(values)

    @replace(cfg, "check_dict_alignment")
    def check_names(
        base: dict[str, Any], custom: dict[str, Any], e: Exception | None = None, *args: Any, stock: Any, **kwargs: Any
    ) -> None:
        if isinstance(e, TintboxError):
            raise e  # e.g. a missing cfg= file: no name is wrong
        with help_held(cfg) as help_:
            try:
                stock(base, custom, e, *args, **kwargs)
            except SyntaxError:
                if wrong := command.explain_misnamed(
                    custom.keys() - base.keys() - {"augmentations", "save_dir"}, base.keys(), e
                ):
                    help_.clear()
                    raise wrong from None
                raise
        options.check(custom)  # the command line gets here before it loads or downloads the model
        capabilities.check(custom)


@patch("ultralytics.cfg", "entrypoint", "ARGV", "merge_equals_args", "DEFAULT_CFG_DICT", "TASKS", "MODES")
def command_line(cfg: Any) -> None:
    """Remember the command's words while it runs, and report mistakes in them before Ultralytics shows a traceback."""
    from tintbox.plugins.host import command

    @replace(cfg, "entrypoint")
    def run(debug: str = "", *, stock: Any) -> None:
        words = (debug.split(" ") if debug else cfg.ARGV)[1:]
        with refusals.in_one_line(), command.remember_words(words):
            command.check_words(cfg.merge_equals_args(words), cfg.DEFAULT_CFG_DICT, cfg.TASKS, cfg.MODES)
            stock(debug)
            tell_of_options(words)
