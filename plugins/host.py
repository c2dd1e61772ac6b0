"""The only place that patches Ultralytics: one small function per patch, in a table.

Every patch names the Ultralytics module that it changes, the attributes that it relies on, and why there is no other
way. It runs right after that module's own code, so names that other modules copy out of it are the patched ones.
`tests/plugins/test_host_contract.py` asserts every name, so an Ultralytics upgrade fails there and nowhere else. A
patch that cannot be applied says so in one line and leaves the rest as it is.

Verified against Ultralytics 8.4.190.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent  # tintbox.plugins

TASK = "colorize"
DEFAULT_MODEL = "colorize-unet.yaml"
DEFAULT_DATA = "fruitbowl.yaml"


@dataclass(frozen=True)
class Patch:
    """One change to one Ultralytics module."""

    module: str
    names: tuple[str, ...]  # attributes of the module, dotted, that the patch relies on
    why: str  # the first line of the function's docstring
    function: Callable[[Any], None]


PATCHES: list[Patch] = []
_applied: dict[str, str] = {}  # patch function's name -> "ok" or what went wrong


def patch(module: str, *names: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register a function as the patch of ``module``, which relies on its attributes ``names``."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        why = (function.__doc__ or "").strip().splitlines()[0]
        PATCHES.append(Patch(module, names, why, function))
        return function

    return register


def modules() -> list[str]:
    """Return the names of the patched modules, in the order of the table, each once."""
    return list(dict.fromkeys(p.module for p in PATCHES))


def resolve(module: object, dotted: str) -> object:
    """Return the attribute ``dotted`` of ``module``.

    Raises:
        AttributeError: If Ultralytics has no such name any more.
    """
    for part in dotted.split("."):
        module = getattr(module, part)
    return module


def apply(module: ModuleType) -> None:
    """Run the patches of ``module`` that have not run yet; one that fails is told in one line and skipped."""
    for p in PATCHES:
        key = p.function.__name__
        if p.module != module.__name__ or _applied.get(key) == "ok":
            continue
        try:
            for name in p.names:
                resolve(module, name)
            p.function(module)
            _applied[key] = "ok"
        except Exception as error:  # noqa: BLE001  whatever breaks a patch, stock Ultralytics must go on working
            _applied[key] = f"{type(error).__name__}: {error}"
            print(
                f"tintbox: patch '{key}' of {p.module} does not fit this Ultralytics ({_applied[key]}); "
                "see `tintbox doctor`",
                file=sys.stderr,
            )


def state(p: Patch) -> str:
    """Return ``"ok"`` if the patch is in place in this process, else what is missing."""
    return _applied.get(p.function.__name__, "not applied")


def find_spec(name: str) -> ModuleSpec | None:
    """Return the spec for a module of Ultralytics that is patched on import, or None to leave it to the others."""
    if name in REDIRECTS:
        return importlib.util.spec_from_loader(name, RedirectLoader(REDIRECTS[name]))
    if name not in modules():
        return None
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return None
    exec_module = spec.loader.exec_module

    def exec_and_patch(module: ModuleType) -> None:
        exec_module(module)
        apply(module)

    spec.loader.exec_module = exec_and_patch  # type: ignore[method-assign]
    return spec


# `python -m ultralytics.cfg.__init__`, which Ultralytics runs as a subprocess, executes a second, unpatched copy of the
# module under the name __main__; the stock package has no `ultralytics.cfg.__main__` at all.
RUN_ENTRYPOINT = "from ultralytics.cfg import entrypoint\nentrypoint()\n"
REDIRECTS = {"ultralytics.cfg.__init__": RUN_ENTRYPOINT, "ultralytics.cfg.__main__": RUN_ENTRYPOINT}


class RedirectLoader(importlib.abc.InspectLoader):
    """The loader of a module whose source is a few lines of ours."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """Return the source text that stands for the module ``fullname``."""
        return self.source

    def is_package(self, fullname: str) -> bool:
        """Return False: the module has no submodules."""
        return False


# Configuration and files ----------------------------------------------------------------------------------------------


@patch("ultralytics.utils", "DEFAULT_CFG_DICT", "DEFAULT_CFG")
def training_arguments(utils: Any) -> None:
    """Add tintbox's arguments to the known ones: every entry point rejects a key that is not among the defaults."""
    from tintbox.plugins import options

    for option in options.OPTIONS:
        utils.DEFAULT_CFG_DICT[option.name] = option.default
        setattr(utils.DEFAULT_CFG, option.name, option.default)


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


# Callbacks ------------------------------------------------------------------------------------------------------------


@patch("ultralytics.utils.callbacks.base", "default_callbacks")
def default_callbacks(base: Any) -> None:
    """Register tintbox's callbacks among the defaults: every run in every process gets a copy of these lists."""
    from tintbox.plugins import callbacks

    for function in callbacks.CALLBACKS:
        base.default_callbacks[function.__name__].append(function)


# Models and checkpoints -----------------------------------------------------------------------------------------------


@patch("ultralytics.nn.tasks", "guess_model_task")
def guess_task(tasks: Any) -> None:
    """Recognise a colouriser: the stock guess knows the heads of the built-in tasks only."""
    guess_model_task = tasks.guess_model_task

    @functools.wraps(guess_model_task)
    def guess(model: Any) -> str:
        if isinstance(model, dict) and model.get("task") == TASK:
            return TASK
        return guess_model_task(model)

    tasks.guess_model_task = guess


@patch("ultralytics.nn.tasks", "_SafeLoad._build")
def safe_classes(tasks: Any) -> None:
    """Let restricted loading (ULTRALYTICS_SAFE_LOAD=1) build a colouriser: its allow-list names stock classes only."""
    build = tasks._SafeLoad._build.__func__

    @classmethod  # type: ignore[misc]
    def build_with_tintbox(cls: Any) -> dict[str, Any]:
        from tintbox.colorization import model, networks

        ours: list[type] = [model.ColorizeModel, *networks.NETWORKS.values()]
        return {**build(cls), **{f"{c.__module__}.{c.__qualname__}": c for c in ours}}

    tasks._SafeLoad._build = build_with_tintbox


@patch("ultralytics.engine.trainer", "BaseTrainer.save_model")
def stock_checkpoints(trainer: Any) -> None:
    """Keep tintbox's arguments out of a checkpoint's `train_args`: a stock Ultralytics refuses to resume with them.

    Those that were set go along as a plain dict on the saved network, where `load_checkpoint` finds them again.
    """
    from tintbox.plugins import options

    save_model = trainer.BaseTrainer.save_model

    @functools.wraps(save_model)
    def save(self: Any) -> Any:
        arguments, network = self.args, self.ema.ema
        self.args = type(arguments)(**options.stock(vars(arguments)))
        if ours := options.chosen(vars(arguments)):
            network.tintbox_args = ours
        try:
            return save_model(self)
        finally:
            self.args = arguments

    trainer.BaseTrainer.save_model = save


@patch("ultralytics.nn.tasks", "load_checkpoint")
def checkpoint_arguments(tasks: Any) -> None:
    """Put tintbox's arguments back among those of a loaded checkpoint: resuming reads them from there."""
    load_checkpoint = tasks.load_checkpoint

    @functools.wraps(load_checkpoint)
    def load(*args: Any, **kwargs: Any) -> Any:
        model, checkpoint = load_checkpoint(*args, **kwargs)
        model.args.update(getattr(model, "tintbox_args", {}))
        return model, checkpoint

    tasks.load_checkpoint = load


@patch("ultralytics.engine.model", "Model._new", "Model._load", "guess_model_task", "yaml_model_load")
def right_task(engine: Any) -> None:
    """Refuse a model of another task: the stock command goes on with the model's own task after a warning."""
    from tintbox.errors import TintboxError

    def refuse(model: object, has: str, wants: str | None) -> None:
        if wants and has != wants and TASK in (has, wants):
            hint = f"use `yolo {has} ...`, or give a {wants} model"
            example = f", e.g. model={DEFAULT_MODEL}" if wants == TASK else ""
            raise TintboxError(f"model={model} is a {has} model, not a {wants} model; {hint}{example}")

    new, load = engine.Model._new, engine.Model._load

    @functools.wraps(new)
    def new_of_task(self: Any, cfg: Any, task: str | None = None, *args: Any, **kwargs: Any) -> None:
        if task:
            refuse(cfg, engine.guess_model_task(engine.yaml_model_load(cfg)), task)
        new(self, cfg, task, *args, **kwargs)

    @functools.wraps(load)
    def load_of_task(self: Any, weights: Any, task: str | None = None, *args: Any, **kwargs: Any) -> None:
        load(self, weights, task, *args, **kwargs)
        refuse(weights, self.task, task)

    engine.Model._new, engine.Model._load = new_of_task, load_of_task


@patch("ultralytics.engine.model", "Model.train", "YAML", "checks")
def preflight(engine: Any) -> None:
    """Check a run's arguments against its model before the trainer makes a folder: no callback comes before that."""
    train = engine.Model.train

    @functools.wraps(train)
    def checked_train(self: Any, trainer: Any = None, **kwargs: Any) -> Any:
        from tintbox.plugins.preflight import check_run

        cfg = kwargs.get("cfg")
        check_run(self.model, self.task, {**(engine.YAML.load(engine.checks.check_yaml(cfg)) if cfg else {}), **kwargs})
        return train(self, trainer, **kwargs)

    engine.Model.train = checked_train


@patch("ultralytics.models.yolo.model", "YOLO.task_map")
def task_map(yolo: Any) -> None:
    """Give `YOLO` the classes of the task: the stock property returns a literal dict."""
    stock = yolo.YOLO.task_map

    def with_colorize(self: Any) -> dict[str, dict[str, Any]]:
        from tintbox.colorization import model, predictor, trainer, validator

        return {
            **stock.fget(self),
            TASK: {
                "model": model.ColorizeModel,
                "trainer": trainer.ColorizeTrainer,
                "validator": validator.ColorizeValidator,
                "predictor": predictor.ColorizePredictor,
            },
        }

    yolo.YOLO.task_map = property(with_colorize, doc=stock.__doc__)


# Export ---------------------------------------------------------------------------------------------------------------


@patch("ultralytics.engine.exporter", "file_size", "try_export")
def small_exports(exporter: Any) -> None:
    """Accept exports under 0.1 MB: the stock check takes them for corrupt, but 16 filters make 74 kB."""
    file_size = exporter.file_size

    @functools.wraps(file_size)
    def at_least(path: Any) -> float:
        size = file_size(path)
        return max(size, 0.1001) if Path(path).suffix in {".onnx", ".torchscript"} and size > 0 else size

    exporter.file_size = at_least
