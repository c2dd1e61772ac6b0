"""Patches of the configuration: training arguments, files, tasks and the command line."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from tintbox.plugins.host.table import DEFAULT_DATA, DEFAULT_MODEL, TASK, patch


@patch("ultralytics.utils", "DEFAULT_CFG_DICT", "DEFAULT_CFG")
def training_arguments(utils: Any) -> None:
    """Add tintbox's arguments to the known ones: every entry point rejects a key that is not among the defaults."""
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
    """Find tintbox's YAMLs by bare name from any folder: `check_file` searches Ultralytics' own cfg folder only."""
    from tintbox.plugins import files

    check_file = checks.check_file

    @functools.wraps(check_file)
    def search(file: Any, *args: Any, **kwargs: Any) -> Any:
        if found := files.packaged(file):
            return str(found)
        try:
            return check_file(file, *args, **kwargs)
        except FileNotFoundError as error:
            raise files.not_found(file) or error from None

    checks.check_file = search


@patch("ultralytics.cfg", "TASKS", "TASK2DATA", "TASK2CALIBRATIONDATA", "TASK2MODEL", "TASK2METRIC", "CLI_HELP_MSG")
def task_tables(cfg: Any) -> None:
    """Make `colorize` a task: the CLI and its subprocesses read these tables."""
    cfg.CLI_HELP_MSG = cfg.CLI_HELP_MSG.replace(str(list(cfg.TASKS)), str([*cfg.TASKS, TASK]))
    cfg.TASKS = (*cfg.TASKS, TASK)
    cfg.TASK2DATA[TASK] = cfg.TASK2CALIBRATIONDATA[TASK] = DEFAULT_DATA
    cfg.TASK2MODEL[TASK] = DEFAULT_MODEL
    cfg.TASK2METRIC[TASK] = "metrics/accuracy"


@patch("ultralytics.cfg", "check_cfg", "check_dict_alignment")
def argument_checks(cfg: Any) -> None:
    """Check tintbox's arguments where Ultralytics checks its own, before anything is downloaded or created."""
    from tintbox.plugins import options

    check_cfg, check_dict_alignment = cfg.check_cfg, cfg.check_dict_alignment

    @functools.wraps(check_cfg)
    def check_values(arguments: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        check_cfg(arguments, *args, **kwargs)
        options.check(arguments)

    @functools.wraps(check_dict_alignment)
    def check_names(base: dict[str, Any], custom: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        check_dict_alignment(base, custom, *args, **kwargs)
        options.check(custom)  # the command line comes by here before it loads, or downloads, the model

    cfg.check_cfg, cfg.check_dict_alignment = check_values, check_names


# Where Ultralytics itself finds fault with what the user typed: an error raised here is a mistake, not a bug.
CHECKING_MODULES = {"ultralytics.cfg", "ultralytics.utils.checks", "ultralytics.data.build", "ultralytics.data.loaders"}


@patch("ultralytics.cfg", "entrypoint", "ARGV")
def command_line(cfg: Any) -> None:
    """Tell a user's mistake in one line with exit status 1: the stock entry point shows every error as a traceback."""
    from tintbox.errors import TintboxError, one_line

    entrypoint = cfg.entrypoint

    def is_mistake(error: Exception, words: list[str]) -> bool:
        if isinstance(error, TintboxError):
            return True
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = frame.tb_frame.f_globals.get("__name__") if frame else None
        # The messages of other tasks stay as they are.
        return place in CHECKING_MODULES and any(TASK in str(word) for word in words[1:])

    @functools.wraps(entrypoint)
    def run(debug: str = "") -> None:
        try:
            entrypoint(debug)
        except Exception as error:
            asked = os.environ.get("TINTBOX_TRACEBACK", "0") not in ("", "0")
            if asked or not is_mistake(error, debug.split() if debug else cfg.ARGV):
                raise
            print(f"yolo: {one_line(error)}", file=sys.stderr)
            raise SystemExit(1) from None

    cfg.entrypoint = run
