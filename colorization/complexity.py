"""Size of a network: its weights, outputs and connections, by layer and in total.

The counts for a layer with input ``(1, C, H, W)`` and output ``(1, C', H', W')`` are:

=====================  =====================  ===========  =====================
layer                  weights                outputs      connections
=====================  =====================  ===========  =====================
convolution            k*k*C*C' + C'          C'*H'*W'     k*k*C*C'*H'*W'
transposed convolution k*k*C*C' + C'          C'*H'*W'     k*k*C*C'*H*W
max-pool               0                      C*H'*W'      C*H*W
batch norm             2C                     C*H*W        C*H*W
upsample               0                      C*H'*W'      C*H'*W'
=====================  =====================  ===========  =====================

Other modules without parameters (ReLU, Identity, padding) are not counted; others with parameters raise an error.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tintbox.checks import is_whole
from tintbox.errors import TintboxError, one_line

# Layer type -> its connections, from the module, its input and its output for one image.
CONNECTIONS: dict[type[nn.Module], Callable[[Any, torch.Tensor, torch.Tensor], int]] = {
    nn.Conv2d: lambda m, x, y: m.weight.numel() * y.shape[2] * y.shape[3],
    nn.ConvTranspose2d: lambda m, x, y: m.weight.numel() * x.shape[2] * x.shape[3],
    nn.MaxPool2d: lambda m, x, y: x.numel(),
    nn.BatchNorm2d: lambda m, x, y: y.numel(),
    nn.Upsample: lambda m, x, y: y.numel(),
}


def complexity(model: nn.Module, imgsz: tuple[int, int] | int, channels: int) -> dict[str, Any]:
    """Count weights, outputs and connections of ``model`` by running one blank image through it.

    The model runs in evaluation mode without gradients; its state is restored afterwards. A layer that runs twice has
    its outputs and connections counted twice and its weights once; a layer that never runs counts its weights only.

    Args:
        model: Network that takes ``(1, channels, H, W)``.
        imgsz: Size of the image in pixels: ``(H, W)``, or one number for a square.
        channels: Channels of the image.

    Returns:
        ``{"layers": [{"name", "type", "weights", "outputs", "connections"}, ...], "total": {...}}``: the parameters,
        activations produced and connections of each counted layer, in order of registration, and their sums.

    Raises:
        TintboxError: If a size is not a positive whole number, the model does not take such an image, or a layer with
            parameters has a type that is not in this module's table.
    """
    shape = tuple(imgsz) if isinstance(imgsz, (tuple, list)) else (imgsz, imgsz)
    if len(shape) != 2 or not all(is_whole(n, 1) for n in (*shape, channels)):
        raise TintboxError(f"imgsz={imgsz!r}, channels={channels!r}: give positive whole numbers, imgsz=(H, W) or one")
    rules = {name: rule for name, module in model.named_modules() if (rule := _rule(name, module))}
    modules = {name: model.get_submodule(name) for name in rules}
    outputs, connections = dict.fromkeys(rules, 0), dict.fromkeys(rules, 0)

    def count(name: str, module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        outputs[name] += output.numel()
        connections[name] += rules[name](module, args[0], output)

    modes = {module: module.training for module in model.modules()}
    like = next(model.parameters(), torch.zeros(()))
    hooks = [module.register_forward_hook(partial(count, name)) for name, module in modules.items()]
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, channels, *shape, dtype=like.dtype, device=like.device))
    except (RuntimeError, ValueError) as error:
        what = f"{type(model).__name__} does not take an image of {channels} x {shape[0]} x {shape[1]}"
        raise TintboxError(f"{what}: {one_line(error)}; give the imgsz and channels it is made for") from error
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    weights = {name: sum(p.numel() for p in module.parameters(recurse=False)) for name, module in modules.items()}
    sizes = {"weights": weights, "outputs": outputs, "connections": connections}
    layers = [
        {"name": name, "type": type(module).__name__, **{size: counts[name] for size, counts in sizes.items()}}
        for name, module in modules.items()
    ]
    return {"layers": layers, "total": {size: sum(counts.values()) for size, counts in sizes.items()}}


def _rule(name: str, module: nn.Module) -> Callable[[Any, torch.Tensor, torch.Tensor], int] | None:
    """Return the function that counts the connections of ``module``, or None if it is not counted."""
    for kind, rule in CONNECTIONS.items():
        if isinstance(module, kind):
            return rule
    if next(module.parameters(recurse=False), None) is not None:
        known = ", ".join(kind.__name__ for kind in CONNECTIONS)
        raise TintboxError(
            f"layer '{name}' is a {type(module).__name__}, which complexity cannot count ({known}); "
            f"replace it or add it to tintbox.colorization.complexity.CONNECTIONS"
        )
    return None


def load_network(model: str) -> tuple[Any, int]:
    """Return the network of a colouriser's YAML or checkpoint, and its number of input channels.

    Raises:
        TintboxError: If the file does not exist or is not a colouriser.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # for Ultralytics' messages: --json must print JSON only
            from ultralytics import YOLO

            colouriser = YOLO(model, task="colorize").model
    except TintboxError:
        raise
    except (OSError, TypeError, ValueError, AssertionError) as error:
        raise TintboxError(f"model={model}: {one_line(error)}") from error
    if not hasattr(colouriser, "yaml"):
        raise TintboxError(f"model={Path(model).name} is an exported model; give a YAML or a .pt checkpoint")
    network = colouriser if colouriser.on_detector else colouriser.model[0]
    return network, colouriser.yaml["channels"]
