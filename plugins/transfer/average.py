"""The average of a fine-tuned network and the one that it began from, which often does better than either.

After Wortsman et al., Robust fine-tuning of zero-shot models, 2022 (WiSE-FT): weights on the straight line between the
two, without any further training.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tintbox import atomic, checkpoint_file
from tintbox.checks import is_share
from tintbox.errors import TintboxError, one_line
from tintbox.plugins.freeze import selection

SHARE = 0.75  # of the fine-tuned weights; docs/few-labels.md has what it is from


def average(tuned: str | Path, start: str | Path, target: str | Path, share: float = SHARE) -> str:
    """Write a checkpoint whose weights are those of two networks, averaged; the head is the fine-tuned one's.

    BatchNorm statistics are averaged like weights. Neither file is changed, and nothing is trained.

    Args:
        tuned: The fine-tuned checkpoint, ``best.pt``.
        start: The checkpoint that it began from.
        target: The ``.pt`` to write, in half precision as all of Ultralytics' are; one that is there is replaced.
        share: Of the fine-tuned weights, from 0 to 1.

    Returns:
        A line that says what was written.

    Raises:
        TintboxError: A file is no checkpoint, their networks differ before the head, or the target cannot be written.
    """
    import ultralytics

    tuned, start, target = Path(str(tuned)), Path(str(start)), Path(str(target))
    if not is_share(share):
        raise TintboxError(f"share={share}: give a number from 0 to 1, the share of {tuned.name}")
    checkpoint_file.check_new(target, [tuned, start], "give a checkpoint, e.g. best.pt")
    (model, checkpoint), (first, _) = load(tuned), load(start)
    count = blend(model, first, share, f"{tuned} and {start}")
    content = {
        "epoch": -1,
        "model": model.half(),
        "train_args": checkpoint.get("train_args") or {},
        "date": datetime.now(timezone.utc).isoformat(),
        "version": ultralytics.__version__,
    }
    try:
        with atomic.replacing(target) as part, part.open("wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:
        raise TintboxError(f"{target}: cannot be written ({one_line(error)})") from error
    return f"{target}: {share:g} of {tuned} and {1 - share:g} of {start} in {count} tensors; the head is {tuned.name}'s"


def load(file: Path) -> tuple[Any, dict[str, Any]]:
    """Return a checkpoint's network, in float32, and its content.

    Raises:
        TintboxError: It is no checkpoint of a network of layers that ends in a head.
    """
    from ultralytics.nn import tasks

    try:
        model, checkpoint = tasks.load_checkpoint(file)
    except (OSError, TypeError, RuntimeError) as error:
        raise TintboxError(f"{file}: {one_line(error)}") from error
    layers = getattr(model, "model", None)
    if not isinstance(layers, nn.Sequential) or len(layers) < 2:
        raise TintboxError(f"{file}: {selection.title(model)} has no layers before a head, which could be averaged")
    return model, checkpoint


@torch.no_grad()
def blend(model: Any, start: Any, share: float, what: str) -> int:
    """Average a network with another in place, but for the last layer; return how many tensors were.

    Args:
        model: The network that is changed.
        start: The other; it stays as it is.
        share: Of the first one's values.
        what: Both, for the error.

    Raises:
        TintboxError: They differ in a layer before the last.
    """
    ours, theirs = (
        {name: value for name, value in one.state_dict().items() if not name.startswith(f"model.{len(one.model) - 1}.")}
        for one in (model, start)
    )
    differing = sorted(
        name for name in ours.keys() | theirs.keys() if name not in ours or name not in theirs
        or ours[name].shape != theirs[name].shape
    )  # fmt: skip
    if differing:
        raise TintboxError(
            f"{what}: {len(differing)} of {len(ours)} tensors before the head differ, e.g. {differing[0]}; give the "
            "checkpoint that the training began from"
        )
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    for name in floats:
        ours[name].copy_(share * ours[name] + (1 - share) * theirs[name])
    return len(floats)
