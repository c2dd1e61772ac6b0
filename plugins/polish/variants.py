"""The variants of a trained detector, and which of them is the best on the validation split."""

from __future__ import annotations

import functools
import itertools
import math
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.datasets.reading.description import describe
from tintbox.datasets.reading.layout import split_pictures
from tintbox.errors import TintboxError, TintboxFileError, counted
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.detector import load_detector
from tintbox.plugins.freeze import selection
from tintbox.plugins.freeze.plan import FreezePlan
from tintbox.plugins.polish import averaging, statistics
from tintbox.plugins.polish.averaging import Weights
from tintbox.terminal import quiet

SHARES = (1.0, 0.9, 0.8)  # of the fine-tuned weights
VALIDATIONS = 2 * len(SHARES)
SHOWN = 0.0005  # the least gain, which is shown as a tenth of a point
LEAST = 20  # validation images: with fewer, chance would choose
AP = "mAP50-95"  # part of the names of the metrics that count: of boxes, and of masks or keypoints
MARK = "tintbox_polish"  # key of a polished checkpoint
START = "tintbox_start"  # attribute of a network whose run has `polish=true`: what the training started from
SETTINGS = ("conf", "iou", "max_det", "single_cls", "nms", "agnostic_nms", "classes", "workers")  # of a validation


class Candidate(NamedTuple):
    """One variant of a model.

    Attributes:
        share: Share of the fine-tuned weights in backbone and neck, of an extended model in those of its newest branch;
            the rest are those that the training started from.
        anew: Whether BatchNorm statistics are estimated anew.
        ap: mAP50-95 on the validation split, from 0 to 1; the mean over boxes and masks or keypoints.
    """

    share: float
    anew: bool
    ap: float

    @property
    def norms(self) -> str:
        """Where the BatchNorm statistics come from, in words."""
        return "estimated anew" if self.anew else "as trained"


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        candidates: All variants, the model as trained first.
        best: The best of them; of equals the first.
        network: Its network, float32.
        images: Number of validation images.
        mark: What its checkpoint says about it.
    """

    candidates: list[Candidate]
    best: Candidate
    network: Any
    images: int
    mark: dict[str, Any]

    @property
    def is_better(self) -> bool:
        """Whether the best variant is not the model as trained."""
        return self.best is not self.candidates[0]

    @property
    def gain(self) -> float:
        """The lead of the best variant over the model as trained, in points."""
        return 100 * (self.best.ap - self.candidates[0].ap)


def search(
    source: Path,
    network: Any,
    arguments: Mapping[str, Any],
    content: Mapping[str, Any],
    data: Any,
    start: Any = None,
    imgsz: Any = None,
    device: Any = None,
) -> Found:
    """Evaluate all variants of a trained detector on the validation split.

    Args:
        source: Its checkpoint.
        network: Its network; not modified.
        arguments: Those of its training.
        content: The checkpoint's.
        data: The dataset.
        start: The checkpoint that the training started from; None: as the arguments say. An extended model holds it.
        imgsz: Image size in pixels; None: as in training.
        device: As in `yolo val`, or a `torch.device`.

    Raises:
        TintboxError: There is no such dataset or start, or they don't fit the detector.
    """
    from ultralytics.utils import LOGGER
    from ultralytics.utils.torch_utils import select_device

    frozen = frozen_norms(network, arguments, content)
    detector = load_detector(source)
    described = describe(data)
    split_pictures(described, "train")  # raises an error if there are none
    images = split_pictures(described, "val")
    trained = deepcopy(network).float()
    first, weights = find_weights(source, trained, arguments, start)
    own, by_name = sources.class_names(detector, source)
    if not (arguments.get("single_cls") or by_name):
        check_classes(source, own, list(described["names"].values()), data)
    size = imgsz or arguments["imgsz"]

    @functools.cache
    def training_images() -> statistics.Kinds:
        return statistics.training_images(detector.task, described, arguments, size)

    def make(share: float, anew: bool) -> Any:
        variant = deepcopy(trained)
        averaging.average(variant, weights, share)
        if anew:
            statistics.estimate(variant.to(select_device(device or "", verbose=False)), training_images(), frozen)
        return variant.cpu().half().float()  # as it will be read from the file

    candidates: list[Candidate] = []
    shares = SHARES if weights else SHARES[:1]
    LOGGER.info(f"polish: {2 * len(shares)} variants of {source} on {counted(len(images), 'validation image')}")
    with tempfile.TemporaryDirectory(prefix="tintbox-") as folder:
        given = {"device": device, **{name: arguments.get(name) for name in SETTINGS}}
        settings = {name: value for name, value in given.items() if value is not None}
        settings |= {"imgsz": size, "plots": False, "verbose": False, "project": folder}

        for anew, share in itertools.product((False, True), shares):
            with quiet():
                variant = make(share, anew)
                detector.model = deepcopy(variant)  # a validation fuses its layers
                metrics = sources.validate(detector, source, data, "val", **settings).results_dict
            found = [value for name, value in metrics.items() if AP in name]
            candidates.append(one := Candidate(share, anew, float(sum(found) / len(found))))
            LOGGER.info(f"{share:.0%} fine-tuned, BatchNorm {one.norms}: mAP50-95 {100 * one.ap:.1f}")
            # A gain that is not shown is none.
            gains = (each for each in candidates if each.ap - candidates[0].ap >= SHOWN)
            best = max(gains, key=lambda each: each.ap, default=candidates[0])
            if best is one:
                polished = variant  # the others are not kept
    return Found(candidates, best, polished, len(images), {**best._asdict(), "start": first})


def frozen_norms(network: Any, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> frozenset[str]:
    """Return the BatchNorms whose statistics were frozen when a checkpoint was saved."""
    plan, epochs = FreezePlan.of(network, arguments), arguments.get("epochs") or 1
    epoch = epoch_of(content, epochs)
    return plan.frozen_norms(plan.frozen(epoch, max(epochs, epoch + 1)))


def epoch_of(content: Mapping[str, Any], epochs: int) -> int:
    """Return the epoch, counted from 0, after which a checkpoint was saved; the last one if it does not say.

    A finished run's best.pt has no epoch, and the results of all epochs: its own is the one with its metrics.

    Args:
        content: The checkpoint's.
        epochs: The number of epochs of the training, where there are no results.
    """
    if (epoch := content.get("epoch", -1)) >= 0:
        return epoch
    results, own = content.get("train_results") or {}, content.get("train_metrics") or {}
    done = len(results.get("epoch") or range(epochs))
    columns = [(results[name], value) for name, value in own.items() if name in results]
    # The results have six significant digits.
    alike = [i for i in range(done) if all(math.isclose(column[i], value, rel_tol=1e-5) for column, value in columns)]
    return alike[-1] if columns and alike else done - 1


def check_classes(source: Path, own: list[str], names: list[str], data: Any) -> None:
    """Raise TintboxError if a dataset's classes are not the detector's, number by number."""
    if own != names:
        one, other = next((a, b) for a, b in itertools.zip_longest(own, names) if a != b)
        raise TintboxError(
            f"data={data}: other classes than {source} ({other} instead of {one}); give the run's dataset"
        )


def find_weights(source: Path, network: Any, arguments: Mapping[str, Any], start: Any) -> tuple[str | None, Weights]:
    """Return the checkpoint that a training started from, and its weights; none if there is nothing to average with.

    Raises:
        TintboxError: ``start`` was given, and is no start of this training.
    """
    from ultralytics.utils import LOGGER

    if selection.held(network):  # an extended model: its newest branch was copied from its old part
        if start:
            raise TintboxError(f"start={start}: {source} is an extended model, which holds its start; leave it out")
        return None, averaging.floats(network.initial_weights())
    try:
        first = find_start(source, network, arguments, start)
        return first, averaging.common_weights(network, load_start(source, first, bool(start)), first) if first else {}
    except TintboxError as error:
        if start:
            raise
        LOGGER.warning(f"polish: {error}; no averages are tried")
        return None, {}


def find_start(source: Path, network: Any, arguments: Mapping[str, Any], start: Any = None) -> str | None:
    """Return the checkpoint that a training started from; None if it started from random weights.

    The network says so if the run had `polish=true`.

    Raises:
        TintboxError: The training was resumed, and does not say.
    """
    if start:
        return str(start)
    if hasattr(network, START):
        return getattr(network, START)
    pretrained = arguments.get("pretrained")
    found = pretrained if isinstance(pretrained, str) else str(arguments.get("model") or "")
    if pretrained is False or not found or yaml_file.is_yaml(found):
        return None
    if arguments.get("resume"):
        raise TintboxError(f"{source}: the training was resumed and doesn't say from where it started; give start=")
    return found if Path(found).suffix else f"{found}.pt"


def load_start(source: Path, file: str, given: bool = False) -> Any:
    """Return the network that a training started from, float32; ``given`` says that the user named its file.

    Raises:
        TintboxError: It isn't here, or is no detector.
    """
    from ultralytics.utils import SETTINGS as USER

    lost = f"{source} was trained from {file}, which isn't here; give start="
    if given:
        lost = f"start={file}: no such file"
    if not any(is_there(folder / file) for folder in (Path(), Path(USER["weights_dir"]))):
        raise TintboxFileError(lost)  # Ultralytics would download a file of that name, which may be another
    try:
        return load_detector(file).model.float()
    except TintboxError as error:
        raise TintboxError(f"start={str(error).removeprefix('model=')}") from error
