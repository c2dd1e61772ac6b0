"""A recipe as a YAML file that `yolo train ... cfg=` takes, a reason in every line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import tintbox
from tintbox import atomic
from tintbox.errors import TintboxError, one_line
from tintbox.recipes.rules import Recipe


def write(
    file: str | Path, recipe: Recipe, model: str, data: str, minutes: float, measured: Sequence[str] = ()
) -> Path:
    """Write a recipe.

    Args:
        file: The file.
        recipe: The recipe.
        model: The model that it is for.
        data: The dataset.
        minutes: The time that it is for.
        measured: What was measured for it, in lines.

    Raises:
        TintboxError: The file cannot be written.
    """
    lines = [
        f"# {Path(model).name} on {Path(data).name} in {minutes:g} minutes, by tintbox {tintbox.__version__}.",
        f"# Use: yolo train model={model} data={data} cfg={file}",
        *(f"# {line}" for line in (*recipe.advice, *measured)),
    ]
    for setting in recipe.settings:
        if setting.value is None:
            lines.append(f"# {setting.name}: {setting.reason}")
        else:
            lines.append(f"{setting.name}: {as_yaml(setting.value)} # {setting.reason}")
    path = Path(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise TintboxError(f"out={file}: cannot be written ({one_line(error)})") from error
    return path


def as_yaml(value: Any) -> str:
    """Return a value as YAML in a line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")
