"""Patches that refuse requests for what is off, wherever a run may begin: any one of them may fail to apply.

They import no more of tintbox than `capabilities` does, so they are in place whatever else is missing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tintbox.plugins.autoload import TASK, is_switched_on
from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace

OWN = "tintbox.yaml"  # copy of `tintbox.run_arguments.OWN`, a module that may itself be broken
BEGINNINGS = (
    "on_pretrain_routine_start",
    "on_pretrain_routine_end",
    "on_val_start",
    "on_predict_start",
    "on_export_start",
)


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Report a user's mistake in one line with exit status 1; ``TINTBOX_TRACEBACK`` keeps the traceback."""
    try:
        yield
    except Exception as error:
        if not capabilities.is_mistake(error) or is_switched_on("TINTBOX_TRACEBACK"):
            raise
        errors = sys.modules.get("tintbox.errors")
        line = getattr(errors, "one_line", lambda text: " ".join(str(text).split()))(error)
        print(f"yolo: {line}", file=sys.stderr)
        raise SystemExit(1) from None


@patch("ultralytics.utils.callbacks.base", "default_callbacks")
def last_refusals(base: Any) -> None:
    """Refuse a run that requests what is off when it begins: the last chance, which needs no other patch."""
    for event in BEGINNINGS:
        base.default_callbacks[event].append(capabilities.check_run)


@patch("ultralytics.cfg", "get_cfg")
def refusals(cfg: Any) -> None:
    """Refuse requests for what is off, whichever other patch fails: every run's arguments pass through here."""

    @replace(cfg, "get_cfg")
    def checked_cfg(*args: Any, stock: Any, **kwargs: Any) -> Any:
        made = stock(*args, **kwargs)
        capabilities.check(vars(made))
        return made


@patch("ultralytics.utils", "YAML.load")
def refusals_of_files(utils: Any) -> None:
    """Refuse a run's args.yaml as `cfg=` if tintbox's arguments, in a file beside it, would not be read."""

    @replace(utils.YAML, "load")
    def load_all(cls: Any, file: Any = "data.yaml", *args: Any, stock: Any, **kwargs: Any) -> Any:
        path = Path(file)
        if path.name == "args.yaml" and path.with_name(OWN).is_file():
            capabilities.require("arguments in a file of their own", f"{OWN} beside {file}")
        return stock(cls, file, *args, **kwargs)


@patch("ultralytics.cfg", "check_dict_alignment")
def refusals_of_names(cfg: Any) -> None:
    """Refuse arguments whose names are unknown only because tintbox's own are off."""

    @replace(cfg, "check_dict_alignment")
    def check_names(base: dict[str, Any], custom: dict[str, Any], *args: Any, stock: Any, **kwargs: Any) -> None:
        capabilities.check({name: value for name, value in custom.items() if name not in base or name == "task"})
        if TASK in custom.keys() - base.keys():
            capabilities.require("colourising", TASK)
        stock(base, custom, *args, **kwargs)


@patch("ultralytics.cfg", "entrypoint")
def refusals_in_a_line(cfg: Any) -> None:
    """Report refusals in one line: the stock entry point shows every error as a traceback."""

    @replace(cfg, "entrypoint")
    def run(*args: Any, stock: Any, **kwargs: Any) -> None:
        with in_one_line():
            stock(*args, **kwargs)
