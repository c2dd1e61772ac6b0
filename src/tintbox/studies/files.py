"""Checks that the files named by a study's arguments exist, are readable and of the right kind, before training."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tintbox import run_arguments, yaml_file
from tintbox.checks import is_there
from tintbox.datasets.reading import description
from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest, suggest_file
from tintbox.terminal import quiet


@dataclass(frozen=True)
class Model:
    """What is known of a model before it is loaded: its task and its last module's name, None if unknown."""

    task: str | None = None
    head: str | None = None


def check(key: str, value: Any) -> None:
    """Check an argument that names a file: `cfg`, `data`, `model` or `pretrained`; None is the default.

    Raises:
        TintboxError: The file cannot be found, or is of another kind.
    """
    kinds: dict[str, Callable[[str], object]] = {"cfg": recipe, "model": model, "data": dataset}
    if value is None:
        return
    if key in kinds:
        kinds[key](str(value))
    elif isinstance(value, str):  # pretrained=True names no file
        weights(key, value)


def dataset(name: str) -> None:
    """Check a dataset by name; folders, archives and what Ultralytics may download are left to the runs.

    Raises:
        TintboxError: It is nowhere, or its YAML holds no mapping.
    """
    from ultralytics.utils import DATASETS_DIR, ONLINE

    known = description.read(name) is not None or yaml_file.ADDRESS in name or is_there(Path(name), Path.exists)
    if not known and (Path(name).suffix or not (ONLINE or is_there(Path(DATASETS_DIR) / name, Path.is_dir))):
        raise TintboxFileError(f"data={name}: '{name}' does not exist{description.suggest_yaml(name)}")


def read_recipe(value: Any) -> dict[str, Any]:
    """Return what a `cfg=` file says, with the arguments that tintbox keeps in a file beside a run's own.

    Raises:
        TintboxError: It cannot be found, or holds no mapping.
    """
    if Path(str(value)).suffix.lower() not in yaml_file.SUFFIXES:
        raise TintboxError(f"cfg={value}: give a YAML file")
    path, found = yaml_file.read_mapping("cfg", value)
    return {**found, **run_arguments.beside(path)}


@functools.cache
def recipe(value: str) -> Mapping[str, Any]:
    """Return the checked arguments of a `cfg=` file; see `read_recipe`.

    Raises:
        TintboxError: It cannot be found, is not YAML, or has an unknown argument or an invalid value.
    """
    from ultralytics.cfg import TASKS, get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    found = read_recipe(value)
    found.pop("cfg", None)
    try:
        with quiet(logging.CRITICAL):  # for an unknown name Ultralytics logs its whole help
            get_cfg(DEFAULT_CFG_DICT, dict(found))
    except SyntaxError as error:
        name = next((name for name in found if name not in DEFAULT_CFG_DICT), "")
        near = suggest(name, DEFAULT_CFG_DICT)
        raise TintboxError(f"cfg={value}: '{name}' is no argument of `yolo train`{near}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise TintboxError(f"cfg={value}: {one_line(error)}") from error
    if found.get("task") not in (*TASKS, None):
        raise TintboxError(f"cfg={value}: task={found['task']}: no such task ({', '.join(sorted(TASKS))})")
    return found


def contents(cfg: Any) -> Mapping[str, Any] | None:
    """Return what a `cfg=` file says now, as JSON keeps it; None without one, or if it is unreadable."""
    if not cfg:
        return None
    try:
        return json.loads(json.dumps(read_recipe(cfg), default=str))
    except TintboxError:  # the run will say why
        return None


def list_changed(said: Mapping[str, Any] | None, says: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> str:
    """Return which arguments a recipe says otherwise than before, except those that the run itself has.

    Empty for none, or if either is unknown.
    """
    if said is None or says is None:
        return ""
    differing = [key for key in {**said, **says} if said.get(key) != says.get(key)]
    return one_line(", ".join(key for key in differing if key not in arguments))


@functools.cache
def model(name: str) -> Model:
    """Check a model, which is a YAML file, existing weights or weights to download, and return what is known of it.

    Raises:
        TintboxError: It cannot be found, or cannot be trained.
    """
    from ultralytics.nn.tasks import guess_model_task

    if Path(name).suffix.lower() not in yaml_file.SUFFIXES:
        weights("model", name)
        return Model()
    try:
        _, described = yaml_file.read_mapping("model", name)
    except TintboxFileError:
        unscaled = re.sub(r"(\d+)([nslmx])(.+)?$", r"\1\3", name)  # yolo11n.yaml is yolo11.yaml at a scale
        if unscaled == name:
            raise
        _, described = yaml_file.read_mapping("model", unscaled)
    head = described.get("head")
    if not (isinstance(head, list) and head and isinstance(head[-1], list) and len(head[-1]) >= 3):
        if "task" not in described:
            raise TintboxError(f"model={name}: no model, for it has no head that is a list of modules")
        return Model(str(described["task"]))
    last = str(head[-1][-2])
    known = str(described["task"]) if "task" in described else None
    return Model(known or guess_model_task({"head": [[-1, 1, last, []]]}), last)


def weights(key: str, name: str) -> None:
    """Check weights by name: an existing file, or one that Ultralytics can download unless offline.

    Raises:
        TintboxError: They cannot be found, or their name is not that of a checkpoint.
    """
    from ultralytics.utils import ONLINE, SETTINGS
    from ultralytics.utils.checks import check_model_file_from_stem, check_yolov5u_filename
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    if yaml_file.ADDRESS in name:
        return
    file = Path(str(check_yolov5u_filename(str(check_model_file_from_stem(name)), verbose=False)))
    if file.suffix.lower() != ".pt":
        raise TintboxError(f"{key}={name}: give weights that can be trained (.pt){' or a .yaml' * (key == 'model')}")
    if is_there(file) or is_there(Path(str(SETTINGS["weights_dir"])) / file):
        return
    known = file.parent == Path() and file.name in GITHUB_ASSETS_NAMES
    if not known:
        near = suggest_file(file) or (suggest(file.name, GITHUB_ASSETS_NAMES) if file.parent == Path() else "")
        raise TintboxFileError(f"{key}={name}: '{file}' does not exist{near}")
    if not ONLINE:
        raise TintboxFileError(f"{key}={name}: not here, and offline it cannot be downloaded; give the path of a file")
