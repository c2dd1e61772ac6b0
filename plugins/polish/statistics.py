"""BatchNorm statistics estimated anew, with the final weights ("precise BatchNorm", Wu and Johnson 2021).

Running statistics lag behind the weights, and are those of the last epochs' images: Ultralytics trains these without
mosaic, each image shrunk and shifted on a grey background. With few labels there are few steps to forget what was
before. A validation sees neither mosaics nor background, so here half of the estimate comes from each kind of image.
"""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tintbox.checks import is_whole

MOST = 256  # images of each kind, up to 640 pixels
BYTES = 3 * MOST * 640**2  # of the images of one kind: larger ones are fewer
BATCH = 16  # augmented images at once; the others come in the batches of the training
AUGMENTATION = (
    "hsv_h", "hsv_s", "hsv_v", "degrees", "translate", "scale", "shear", "perspective", "flipud", "fliplr", "bgr",
    "mosaic", "mixup", "cutmix", "copy_paste", "copy_paste_mode",
)  # fmt: skip
LABELS = ("single_cls", "classes", "overlap_mask", "mask_ratio")

Kinds = tuple[list[torch.Tensor], ...]  # of images, each in batches (B, C, H, W), uint8


@contextlib.contextmanager
def seeded() -> Iterator[None]:
    """Seed the CPU's random generators; at the end, they go on where they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(0)
        np.random.seed(0)
        torch.default_generator.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@seeded()
def training_images(task: str, data: dict[str, Any], arguments: Mapping[str, Any], imgsz: int) -> Kinds:
    """Return training images, augmented as in training and as a validation sees them; equal in every call.

    ``data`` is the dataset's description as Ultralytics resolves it, ``imgsz`` in pixels.
    """
    from ultralytics.cfg import get_cfg
    from ultralytics.data import build_yolo_dataset

    kept = {name: arguments[name] for name in (*AUGMENTATION, *LABELS, "fraction") if arguments.get(name) is not None}
    settings = get_cfg(overrides={**kept, "task": task, "imgsz": imgsz, "cache": False})
    given = arguments.get("batch")
    batch = int(given) if is_whole(given, 2) else BATCH
    augmented = build_yolo_dataset(settings, data["train"], BATCH, data, mode="train", rect=False)
    most, every = limit(imgsz), range(len(augmented))
    order = [i for _ in range(math.ceil(most / len(every))) for i in random.sample(every, len(every))][:most]
    settings.fraction = 1.0  # of what is left of it
    with tempfile.TemporaryDirectory(prefix="tintbox-") as folder:
        listed = Path(folder) / "train.txt"
        listed.write_text("\n".join(augmented.im_files), encoding="utf-8")
        plain = build_yolo_dataset(settings, str(listed), batch, data, mode="val", rect=True)
    return list(batches(augmented, order, BATCH)), list(batches(plain, spread(len(plain), batch, most), batch))


def limit(imgsz: int) -> int:
    """Return how many images of each kind are used at a size."""
    return max(BATCH, min(MOST, BYTES // (3 * imgsz**2)))


def spread(count: int, batch: int, most: int) -> list[int]:
    """Return the indices of whole batches, spread over a dataset, with at most ``most`` images or one batch."""
    starts = range(0, count, batch)
    step = math.ceil(len(starts) * batch / max(most, batch))
    return [i for start in starts[::step] for i in range(start, min(start + batch, count))]


def batches(dataset: Any, order: list[int], size: int) -> Iterator[torch.Tensor]:
    """Yield a dataset's images in batches; those of a batch have one shape."""
    for first in range(0, len(order), size):
        yield torch.stack([dataset[i]["img"] for i in order[first : first + size]])


@torch.no_grad()
def estimate(network: nn.Module, kinds: Iterable[list[torch.Tensor]], frozen: Collection[str] = ()) -> None:
    """Set the running statistics of BatchNorms to the mean over kinds of images of the mean over their batches.

    Of an extended model, these are the BatchNorms of the newest branch: the others never train.

    Args:
        network: A network, float32; modified, and in evaluation mode afterwards.
        kinds: Kinds of images, each in batches (B, C, H, W), uint8.
        frozen: The BatchNorms that keep theirs.
    """
    device = next(network.parameters()).device
    network.train()
    for name in frozen:
        network.get_submodule(name).eval()
    norms: list[Any] = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d) and norm.training]
    momenta, found = [norm.momentum for norm in norms], []
    for images in kinds:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # PyTorch's sign for the mean over all batches
        for batch in images:
            network(batch.to(device).float() / 255)
        found.append([torch.stack([norm.running_mean, norm.running_var]) for norm in norms])
    for norm, momentum, values in zip(norms, momenta, zip(*found)):
        mean, variance = torch.stack(values).mean(0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.momentum = momentum
    network.eval()
