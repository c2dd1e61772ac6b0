"""From the records of a classic checkpoint to a model of Ultralytics' modules with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tintbox.errors import TintboxError, one_line
from tintbox.plugins.anchor.boxes import check_anchors, listed

# Layers that are the same in Ultralytics; the others have changed, or there is no such module any more.
SAME = (
    *("Conv", "DWConv", "Focus", "Concat", "SPP", "SPPF", "C3", "C3x", "C3TR", "C3Ghost", "GhostConv"),
    *("GhostBottleneck", "nn.Upsample", "nn.MaxPool2d", "nn.ZeroPad2d", "nn.Identity", "nn.Conv2d", "nn.BatchNorm2d"),
)
ACTIVATIONS = {  # class name -> in a model's YAML; None is Ultralytics' default
    "SiLU": None,
    "LeakyReLU": "nn.LeakyReLU({negative_slope})",
    "ReLU": "nn.ReLU()",
    "Hardswish": "nn.Hardswish()",
    "Mish": "nn.Mish()",
    "MemoryEfficientMish": "nn.Mish()",
}


def convert(classic: Any, path: Path) -> nn.Module:
    """Return the model of a classic one, in float32 and evaluation mode; its weights are the same tensors.

    Args:
        classic: The record of a `models.yolo.Model`.
        path: Its file, for messages.

    Raises:
        TintboxError: It has a layer that Ultralytics has no module for, or weights that do not fit its description.
    """
    from ultralytics.nn.tasks import DetectionModel

    try:
        modules = dict(walk(classic))
        last = max((name for name in modules if name.count(".") == 1), key=lambda name: int(name.split(".")[1]))
        head = modules[last]
        description = describe(classic, head, modules)
    except TintboxError as error:
        raise TintboxError(f"{path}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        raise TintboxError(f"{path}: its description of the model is not that of a YOLOv3 or YOLOv5 ({what})") from None
    given = {f"{name}.{key}": value for name, record in modules.items() for key, value in tensors(record)}
    given = {key: value for key, value in given.items() if not key.startswith((f"{last}.anchor",))}
    try:
        model = DetectionModel(description, ch=int(description.get("ch", 3)), verbose=False)
    except TintboxError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError) as error:
        raise TintboxError(f"{path}: its layers do not fit each other ({one_line(error)[:200]})") from None
    state = model.state_dict()
    for key in [*given, *state]:
        if key not in state or key not in given or state[key].shape != given[key].shape:
            have = tuple(given[key].shape) if key in given else "none"
            want = tuple(state[key].shape) if key in state else "none"
            raise TintboxError(f"{path}: weights {key} are {have} in the file, {want} in Ultralytics' module")
    model.load_state_dict(given)
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = modules[name].eps, modules[name].momentum
    names = getattr(classic, "names", None)
    if names:
        pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
        model.names = {int(i): str(name) for i, name in pairs}
    return model.eval()


def walk(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and record of every module below one, as `named_modules` would."""
    for name, child in (vars(record).get("_modules") or {}).items():
        if child is not None:
            path = f"{prefix}{name}"
            yield path, child
            yield from walk(child, f"{path}.")


def tensors(record: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters and buffers of a record, floating-point ones in float32."""
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (vars(record).get(kind) or {}).items():
            if isinstance(tensor, Tensor):
                tensor = tensor.detach()
                yield name, tensor.float() if tensor.is_floating_point() else tensor


def describe(classic: Any, head: Any, modules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the YAML of a model in Ultralytics' terms.

    Raises:
        TintboxError: It has a layer that cannot be built.
    """
    spec = deepcopy(dict(classic.yaml))
    if type(head).__name__ != "Detect":
        raise TintboxError(f"its head is {type(head).__name__}; only detection models can be imported")
    buffer, stride = head._buffers["anchors"].float(), torch.as_tensor(head.stride).float()
    pixels = buffer * stride.view(-1, 1, 1)  # the file has them in cells
    anchors = check_anchors(pixels.flatten(1).tolist(), int(head.nl))
    rows = {part: [_row(row) for row in spec[part]] for part in ("backbone", "head")}
    rows["head"][-1][2:] = ["AnchorDetect", ["nc", "anchors"]]
    described = {
        "nc": int(head.nc),
        "depth_multiple": float(spec.get("depth_multiple", 1.0)),
        "width_multiple": float(spec.get("width_multiple", 1.0)),
        "anchors": listed(anchors),
        **rows,
    }
    if activation := _activation(modules):
        described["activation"] = activation
    if "ch" in spec:
        described["ch"] = int(spec["ch"])
    return described


def _row(row: Any) -> list[Any]:
    """Return a row of a YAML with the same layer in Ultralytics' terms."""
    source, number, name, arguments = row
    arguments = list(arguments)
    if name == "Bottleneck":  # of 1x1 and 3x3 there, by default of two 3x3 here
        c2, shortcut, groups, *expansion = arguments + [True, 1][max(len(arguments) - 1, 0) :]
        arguments = [c2, shortcut, groups, [1, 3], *expansion]
    elif name not in SAME and name != "Detect":
        raise TintboxError(f"Ultralytics has no module that does what its layer {name} does")
    return [source, int(number), name, arguments]


def _activation(modules: Mapping[str, Any]) -> str | None:
    """Return what goes under `activation` in the YAML."""
    kinds = {}
    for record in modules.values():
        act = (vars(record).get("_modules") or {}).get("act")
        if type(record).__name__ in ("Conv", "DWConv", "GhostConv") and act is not None:
            kinds[type(act).__name__] = act
    kinds.pop("Identity", None)
    unknown = [name for name in kinds if name not in ACTIVATIONS]
    if unknown or len(kinds) > 1:
        raise TintboxError(f"its activations are {', '.join(kinds)}; one of {', '.join(ACTIVATIONS)} is needed")
    for name, act in kinds.items():
        spelled = ACTIVATIONS[name]
        return spelled and spelled.format(negative_slope=vars(act).get("negative_slope"))
    return None
