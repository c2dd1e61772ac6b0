"""Conversion of a classic YOLOv3 or YOLOv5 checkpoint to one with Ultralytics' modules and the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tintbox import checkpoint_file
from tintbox.errors import TintboxError, name_file
from tintbox.plugins.anchor import building, unpickler
from tintbox.plugins.anchor.description import check_number, describe, names_of
from tintbox.plugins.anchor.records import Record, show, tensors, walk


def checkpoint(path: Path) -> dict[str, Any]:
    """Return a classic checkpoint in the current format, with its model built from Ultralytics' modules.

    Raises:
        TintboxError: It is not a classic checkpoint, or its architecture cannot be built.
    """
    raw = checkpoint_file.head(path)
    if not checkpoint_file.CLASSIC.search(raw):
        raise TintboxError(
            f"{path}: no classic YOLOv3 or YOLOv5 checkpoint (its pickle names neither models.yolo nor models.common); "
            "a current one needs no import"
        )
    content = unpickler.read(path)
    classic = content
    if isinstance(content, dict):
        classic = content.get("model") if content.get("ema") is None else content["ema"]
    if not isinstance(classic, Record) or classic.path not in ("models.yolo.Model", "models.yolo.DetectionModel"):
        what = getattr(classic, "path", type(classic).__name__)
        raise TintboxError(f"{path} holds a {what}; give the checkpoint of a detection model")
    return {"model": convert(classic, path), "train_args": {}, "epoch": -1}


def convert(classic: Record, path: Path) -> nn.Module:
    """Convert a classic model to Ultralytics' modules with the same weights, in float32 and evaluation mode.

    Raises:
        TintboxError: It has a layer without a module in Ultralytics, an invalid value, or weights that do not fit its
            description.
    """
    with name_file(path):
        modules = dict(walk(classic))
        places = {int(name[6:]): name for name in modules if name.startswith("model.") and name[6:].isdecimal()}
        if not places:
            raise TintboxError("there are no layers in it")
        last = places[max(places)]
        description = describe(classic, modules[last], modules)
        given = {key: t for key, t in tensors(modules).items() if not key.startswith(f"{last}.anchor")}
        channels = description.get("ch", 3)
        compare(given, building.shapes(description, channels))
        model: Any = building.build(description, channels)
        model.load_state_dict(given)
        for name, module in model.named_modules():
            if type(module) is nn.BatchNorm2d:
                module.eps, module.momentum = norm_of(modules.get(name), name)
        model.names = names_of(classic, description["nc"])
        return model.eval()


def compare(given: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> None:
    """Compare a file's weights with those of the model.

    Raises:
        TintboxError: There are more or fewer, their shapes or types differ, or they share memory.
    """
    for key in [*given, *wanted]:
        have, want = given.get(key), wanted.get(key)
        if have is None or want is None or have.shape != want:
            shape = "none" if have is None else tuple(have.shape)
            need = "none" if want is None else tuple(want)
            raise TintboxError(f"weights {show(key)} are {shape} in the file, {need} in Ultralytics' module")
        if have.is_floating_point() == key.endswith("num_batches_tracked"):
            raise TintboxError(f"weights {show(key)} are {str(have.dtype).removeprefix('torch.')} numbers")
    storages = {(s := tensor.untyped_storage()).data_ptr(): s.nbytes() for tensor in given.values()}
    if sum(storages.values()) < sum(tensor.nbytes for tensor in given.values()):
        raise TintboxError("several of its weights are the same numbers of the file")


def norm_of(record: Record | None, name: str) -> tuple[float, float]:
    """Return the epsilon and momentum of a BatchNorm."""
    state = record.state if record else {}
    eps = check_number(state.get("eps"), f"the eps of {name}", 0, 1)
    return eps, check_number(state.get("momentum"), f"the momentum of {name}", 0, 1)
