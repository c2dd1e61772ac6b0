"""Import of a classic detector from its file to a checkpoint for current Ultralytics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tintbox import checkpoint_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, lack, suggest_file
from tintbox.plugins.anchor import conversion, darknet


def import_legacy(
    source: str | Path, target: str | Path, cfg: str | Path | None = None, names: str | Path | None = None
) -> Path:
    """Convert a classic checkpoint to a current one, write it and return its path.

    Args:
        source: A YOLOv3 or YOLOv5 `.pt`, or a Darknet `.weights` file.
        target: The `.pt` to write.
        cfg: Darknet's `.cfg`; by default the one next to the `.weights` file.
        names: A file of Darknet's class names, one per line; by default COCO's for 80 classes, else numbers.

    Raises:
        TintboxError: A file is missing or invalid.
    """
    source, target = Path(str(source)), Path(str(target))
    if not is_there(source):
        raise TintboxFileError(f"{source}: {lack(source)}{suggest_file(source)}")
    if target.suffix != ".pt":
        raise TintboxError(f"{target}: a checkpoint's name ends in .pt")
    if is_there(target) and target.samefile(source):
        raise TintboxError(f"{target}: would overwrite the file itself; give another name")
    if source.suffix == ".weights":
        lines = _lines(Path(str(names))) if names else None
        model = darknet.load(source, Path(str(cfg)) if cfg else source.with_suffix(".cfg"), lines)
    elif source.suffix != ".pt":
        raise TintboxError(f"{source}: give a classic .pt, or the .weights of Darknet")
    elif cfg or names:
        raise TintboxError(f"{source} has its layers and class names within; cfg= and names= are for .weights")
    else:
        model = conversion.checkpoint(source)["model"]
    checkpoint_file.write(target, {"model": _compact(model), "train_args": {}}, make_folder=True)
    return target


def _lines(path: Path) -> list[str]:
    """Return the non-empty lines of a file."""
    if not is_there(path):
        raise TintboxFileError(f"names={path}: {lack(path)}{suggest_file(path)}")
    lines = darknet.read_text(path).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _compact(model: Any) -> Any:
    """Return a model as Ultralytics saves its own: no gradients, and half precision unless that changes a weight."""
    model.requires_grad_(False)
    weights = [t for t in model.state_dict().values() if t.is_floating_point()]
    return model.half() if all(torch.equal(t.half().float(), t) for t in weights) else model
