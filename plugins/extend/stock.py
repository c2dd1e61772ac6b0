"""Export of an extended model as a plain detector, for an Ultralytics without tintbox.

The heads become one stock `Detect` with the levels of all of them: it concatenates anchors level by level, so they
stay grouped by head. Each class branch outputs all classes, with a constant zero score for those of other heads.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import DetectionModel

from tintbox import checkpoint_file
from tintbox.errors import TintboxError
from tintbox.plugins import trunk
from tintbox.plugins.extend.head import BRANCHES, CLASSES, JoinedDetect
from tintbox.plugins.extend.network import ExtendedModel, inputs, place
from tintbox.plugins.freeze import selection

NEVER = -100.0  # logit of a class that a head does not have: sigmoid 0 in float32, representable in half precision
# Training arguments that Ultralytics reads from a finished model; without `single_cls`, which merges all its classes.
ARGUMENTS = ("task", "data", "imgsz")
KEPT = ("yaml", "names", "nc", "inplace", "task")  # model attributes that Ultralytics' own models have


def export_stock(source: str | Path, target: str | Path) -> str:
    """Write an extended model as a checkpoint of stock layers, in half precision like all of Ultralytics'.

    Returns a line that says what was written. An existing target is replaced.

    Raises:
        TintboxError: The source is not such a checkpoint, or the target cannot be written.
    """
    import ultralytics

    source, target = Path(str(source)), Path(str(target))
    what = "the checkpoint of a run with extend="
    model, checkpoint = checkpoint_file.load_for_export(source, target, what)
    made, arguments = join(checked(model, source)).half(), checkpoint.get("train_args") or {}
    content = {
        "epoch": -1,
        "model": made,
        "train_args": {name: value for name, value in arguments.items() if name in ARGUMENTS},
        "version": ultralytics.__version__,
    }
    checkpoint_file.write(target, content)
    counts = " + ".join(map(str, model.joined.counts))
    return f"{target}: {selection.title(model)} with {counts} classes, in stock layers only"


def checked(model: Any, source: Path) -> ExtendedModel:
    """Return a checkpoint's model if it is an extended one.

    Raises:
        TintboxError: It is another model.
    """
    if isinstance(model, ExtendedModel) and model.starts:
        return model
    head = getattr(model, "model", [None])[-1]
    if type(model).__module__.partition(".")[0] == "ultralytics" and not type(head).__module__.startswith("tintbox"):
        raise TintboxError(f"{source}: {selection.title(model)} is a stock model already; there is nothing to do")
    raise TintboxError(f"{source}: {selection.title(model)} is no detector that was trained with extend=")


@torch.no_grad()
def join(model: ExtendedModel) -> DetectionModel:
    """Return an extended model's network as a plain `DetectionModel`, in evaluation mode; it is not modified.

    Its predictions equal the extended model's up to rounding. End to end, each head of the extended model returns
    ``max_det`` boxes; the joined one returns the ``max_det`` most confident of all.
    """
    *layers, joined = deepcopy(model.model)
    head, sources = join_heads(joined), inputs(joined)
    if joined.i == model.size:  # only the head is extended
        # Stock training would find the old head's weights here under the same names, with classes at `NEVER` to which
        # no object is ever assigned. Under another index it starts a new head, as with any other fork.
        layers.append(nn.Identity())
        trunk.place(layers[-1], joined.i, -1)
    place(head, len(layers), sources)
    made = DetectionModel.__new__(DetectionModel)  # its own __init__ builds a network from a YAML
    nn.Module.__init__(made)
    vars(made).update({name: deepcopy(getattr(model, name)) for name in KEPT if hasattr(model, name)})
    made.yaml["nc"] = joined.nc
    made.model, made.stride = nn.Sequential(*layers, head), head.stride
    made.save = sorted({j for layer in made.model for j in trunk.sources(layer.f, layer.i)})
    return made.requires_grad_(False).eval()


def join_heads(joined: JoinedDetect) -> Detect:
    """Merge several heads into one `Detect`: the oldest, with the branches of all."""
    heads: list[Any] = list(joined.heads)
    head = heads[0]
    for name in BRANCHES:
        if getattr(head, name, None) is None:
            continue
        branches, first = [], 0
        for one, count in zip(heads, joined.counts):
            for branch in getattr(one, name):
                if name in CLASSES:
                    branch[-1] = widen(branch[-1], first, joined.nc)
                branches.append(branch)
            first += count
        setattr(head, name, nn.ModuleList(branches))
    head.stride = torch.cat([one.stride for one in heads])
    head.nc, head.no, head.nl = joined.nc, joined.no, joined.nl
    head.shape, head.anchors, head.strides = None, torch.empty(0), torch.empty(0)
    return head


def widen(last: nn.Conv2d, first: int, count: int) -> nn.Conv2d:
    """Widen the last convolution of a class branch to all classes, those of other heads at `NEVER`.

    Args:
        last: The 1x1 convolution, with its own classes only.
        first: Index of its first class among all.
        count: Number of classes in all.
    """
    wide = nn.Conv2d(last.in_channels, count, 1).to(last.weight)
    own = slice(first, first + last.out_channels)
    nn.init.zeros_(wide.weight)
    nn.init.constant_(wide.bias, NEVER)  # type: ignore[arg-type]
    wide.weight[own], wide.bias[own] = last.weight, last.bias  # type: ignore[index, assignment]
    return wide
