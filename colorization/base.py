"""The detector whose backbone and neck a colouriser is built on, described by its YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from ultralytics.nn import tasks
from ultralytics.nn.modules.head import Detect

from tintbox.errors import TintboxError, one_line


def load_base(base: str | Path | dict[str, Any], scale: str = "") -> dict[str, Any]:
    """Return the description of a detector from its YAML, at a scale.

    Args:
        base: The YAML's name, such as ``yolo11.yaml``, or its contents.
        scale: n, s, m, l or x; used if the YAML defines scales and its name does not select one.

    Raises:
        TintboxError: If there is no such YAML, it lacks the scale, or it does not describe a detector.
    """
    if isinstance(base, dict):
        return base
    name = Path(str(base))
    try:
        spec = tasks.yaml_model_load(name)
    except FileNotFoundError as error:
        raise TintboxError(f"base={base}: {one_line(error)}") from error
    scales = spec.get("scales") or {}
    if scales and not spec["scale"] and scale:
        if scale not in scales:
            raise TintboxError(f"base={base}: no scale '{scale}' ({', '.join(scales)})")
        spec["scale"] = scale
        spec["yaml_file"] = str(name.with_name(f"{name.stem}{scale}{name.suffix}"))
    try:
        last = spec["head"][-1][2]
    except (KeyError, IndexError, TypeError):
        raise TintboxError(f"base={base}: its YAML has no 'head' list; give a detector's, e.g. yolo11.yaml") from None
    if not issubclass(getattr(tasks, str(last), nn.Module), Detect):
        raise TintboxError(f"base={base}: its last layer is {last}, not a detection head; give a detector's YAML")
    return spec
