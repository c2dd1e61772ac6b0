"""Darknet's detectors: the weights of a `.weights` file, loaded into the model that its `.cfg` describes.

(The format is that of https://github.com/AlexeyAB/darknet: `src/parser.c`, `load_weights_upto`.)
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tintbox import file_bytes, yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, explain_refusal, lack, name_file
from tintbox.limits import CFG_BYTES
from tintbox.plugins.anchor import building
from tintbox.plugins.anchor.darknet_cfg import parse
from tintbox.plugins.anchor.darknet_network import Network, Output

HEADER = 20  # bytes of the longer of the two headers


def load(weights: Path, cfg: Path, names: list[str] | None = None) -> nn.Module:
    """Return the model of a Darknet description with its weights, in evaluation mode.

    ``names`` are the classes' by index; by default those of `default_names`.

    Raises:
        TintboxError: The files are missing or corrupt, do not fit together, or describe a layer that has no module.
    """
    for path in (weights, cfg):
        if not is_there(path):
            raise TintboxFileError(f"{path}: {lack(path)}; a Darknet model is a .weights and a .cfg")
    text = read_text(cfg)
    with name_file(cfg):
        network = Network(parse(text))
        description = network.description()
        sizes = building.shapes(description, network.channels)
    if names and len(names) != network.nc:
        raise TintboxError(f"{len(names)} class names, but {cfg} has {network.nc} classes")
    needed = sum(prod(size) for name, size in sizes.items() if not name.endswith("num_batches_tracked"))
    length = check_length(weights, needed)
    with name_file(cfg):
        model: Any = building.build(description, network.channels)
    content = read(weights, length)
    fill(model, network, content)
    model.names = dict(enumerate(names or default_names(network.nc, cfg)))
    return model.eval()


def read(path: Path, limit: int) -> bytes:
    """Return the first bytes of a file, or raise a TintboxError if it cannot be read."""
    with explain_refusal(f"{path}: cannot be read"), path.open("rb") as file:
        return file.read(limit)


def read_text(path: Path) -> str:
    """Return a `.cfg` or list of names, or raise a TintboxError if it cannot be read or is larger than any of them."""
    with explain_refusal(f"{path}: cannot be read"):
        return file_bytes.read(path, CFG_BYTES).decode("utf-8-sig", errors="replace")


def default_names(classes: int, cfg: Path) -> list[str]:
    """Return COCO's names for 80 classes, else class numbers with a warning."""
    from ultralytics.utils import LOGGER, ROOT

    if classes == 80:
        return list(yaml_file.read(ROOT / "cfg" / "datasets" / "coco.yaml")["names"].values())
    LOGGER.warning(f"{cfg}: its {classes} classes have no names here and get numbers; give names=FILE, a name per line")
    return [str(i) for i in range(classes)]


def header_of(content: bytes) -> int:
    """Return the length of a header: three version numbers and an image count, which had 32 bits in old versions."""
    major, minor = np.frombuffer(content, "<i4", count=2).tolist()
    return HEADER if major * 10 + minor >= 2 else HEADER - 4


def check_length(weights: Path, needed: int) -> int:
    """Return the length in bytes of a `.weights` file with ``needed`` numbers.

    Raises:
        TintboxError: It has more or fewer.
    """
    header, length = read(weights, HEADER), weights.stat().st_size
    if len(header) < HEADER:
        raise TintboxError(f"{weights}: truncated, its header is not complete")
    wanted = header_of(header) + 4 * needed
    if length != wanted:
        problem = "truncated, or of another .cfg" if length < wanted else "does not fit its .cfg"
        raise TintboxError(f"{weights}: {problem}, {length} bytes where the .cfg needs {wanted}")
    return length


def fill(model: Any, network: Network, content: bytes) -> None:
    """Copy the numbers of a `.weights` file into a model: biases, BatchNorm and weights of every convolution."""
    tensors: list[torch.Tensor] = []
    head = model.model[-1]
    for where in network.convolutions:
        if isinstance(where, Output):
            convolution = head.m[network.outputs.index(where)]
            tensors += [convolution.bias, convolution.weight]
        else:
            layer = model.model[where]
            norm = layer.bn
            tensors += [norm.bias, norm.weight, norm.running_mean, norm.running_var, layer.conv.weight]
    numbers = torch.from_numpy(np.frombuffer(content, "<f4", offset=header_of(content)).copy())
    with torch.no_grad():
        for tensor, part in zip(tensors, numbers.split([tensor.numel() for tensor in tensors])):
            tensor.copy_(part.view_as(tensor))
