"""The `tintbox polish` command: try variants of a trained detector on its validation split, and write the best one."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tintbox import checkpoint_file, yaml_file
from tintbox.errors import TintboxError, TintboxFileError, counted
from tintbox.plugins import callbacks
from tintbox.plugins.coco_eval import sources
from tintbox.plugins.coco_eval.data.description import describe
from tintbox.plugins.coco_eval.data.layout import split_pictures
from tintbox.plugins.detector import load_detector
from tintbox.polish import averaging, statistics

SHARES = (1.0, 0.9, 0.8)  # of the fine-tuned weights
OUT = "polished.pt"  # next to the checkpoint
MARK = "tintbox_polish"  # key of a polished checkpoint
AP = "mAP50-95"  # part of the names of the metrics that count: of boxes, and of masks or keypoints
USUAL = 640  # Ultralytics' default of `imgsz`


class Candidate(NamedTuple):
    """One variant of a model.

    Attributes:
        share: Share of the fine-tuned weights in backbone and neck; the rest are those that the training started from.
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


class Polished(NamedTuple):
    """The result.

    Attributes:
        source: The checkpoint.
        candidates: All variants, the model as trained first.
        best: The best of them.
        images: Number of validation images.
        out: The file that was written; None if the model as trained is the best.
        command: The command that evaluates it on the test split, or on another dataset if there is none.
    """

    source: Path
    candidates: list[Candidate]
    best: Candidate
    images: int
    out: Path | None
    command: str


def polish(
    model: str | Path,
    data: str | Path | None = None,
    start: str | Path | None = None,
    imgsz: int | None = None,
    device: Any = None,
    out: str | Path | None = None,
) -> Polished:
    """Write the best variant of a trained detector; `tintbox polish -h` explains the arguments.

    Raises:
        TintboxError: There is no such model, start or dataset, they don't fit, or the file cannot be written.
    """
    from ultralytics.utils import LOGGER
    from ultralytics.utils.torch_utils import select_device

    sources.check_active()
    sources.check_there(str(model))
    source = sources.checkpoint(str(model))
    target = Path(str(out)) if out else source.with_name(OUT)
    network, content = checkpoint_file.load_for_export(source, target, "a trained detector's checkpoint or run folder")
    detector = load_detector(source)
    if callbacks.is_extended(network):
        raise TintboxError(f"{source}: an extended model, whose old part stays as it is; polish is for others")
    arguments = content.get("train_args") or {}
    data = data or arguments.get("data")
    if not data:
        raise TintboxError(f"data= is missing, and {source} does not say what it was trained on; e.g. data=bccd.yaml")
    described = describe(data)
    validated = split_pictures(described, "val")
    first = find_start(source, arguments, start)
    weights = averaging.common_weights(network.float(), load_start(source, first), first) if first else {}
    size = imgsz or arguments.get("imgsz") or USUAL

    @functools.cache
    def images() -> statistics.Kinds:
        return statistics.training_images(detector.task, described, arguments, size)

    def make(share: float, anew: bool) -> Any:
        variant = deepcopy(network)
        averaging.average(variant, weights, share)
        if anew:
            statistics.estimate(variant.to(select_device(device or "", verbose=False)), images())
        return variant.cpu().half().float()  # as it will be read from the file

    candidates: list[Candidate] = []
    shares = SHARES if weights else SHARES[:1]
    LOGGER.info(f"polish: {2 * len(shares)} variants of {source} on {counted(len(validated), 'validation image')}")
    with tempfile.TemporaryDirectory(prefix="tintbox-") as folder:
        settings = {"imgsz": size, "device": device, "plots": False, "verbose": False, "project": folder}
        for anew in (False, True):
            for share in shares:
                with quiet():
                    detector.model = make(share, anew)
                    metrics = sources.validate(detector, source, data, "val", **settings).results_dict
                found = [value for name, value in metrics.items() if AP in name]
                candidates.append(one := Candidate(share, anew, float(sum(found) / len(found))))
                LOGGER.info(f"{share:.0%} fine-tuned, BatchNorm {one.norms}: mAP50-95 {100 * one.ap:.1f}")
    best = max(candidates, key=lambda one: one.ap)  # of equals the first, as trained
    other = [f"data={data}", "split=test"] if described.get("test") else ["data=OTHER.yaml"]
    compared = ["tintbox", "compare", str(source), str(target)]  # of boxes and masks
    words = compared if detector.task in sources.IOU_TYPES else ["yolo", "val", f"model={target}"]
    better = best is not candidates[0]
    if better:
        write(target, make(best.share, best.anew), content, {**best._asdict(), "start": first})
    return Polished(source, candidates, best, len(validated), target if better else None, shlex.join([*words, *other]))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Print none of Ultralytics' messages but warnings."""
    from ultralytics.utils import LOGGER

    level = LOGGER.level
    LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOGGER.setLevel(level)


def find_start(source: Path, arguments: Mapping[str, Any], start: Any = None) -> str | None:
    """Return the checkpoint that a training started from; None if it started from random weights.

    Raises:
        TintboxError: The training was resumed, which leaves no trace of its start.
    """
    if start:
        return str(start)
    pretrained = arguments.get("pretrained")
    found = pretrained if isinstance(pretrained, str) else str(arguments.get("model") or "")
    if Path(found).suffix in ("", *yaml_file.SUFFIXES):
        return None
    if Path(found).resolve().parent == source.resolve().parent:
        raise TintboxError(f"{source}: the training was resumed and doesn't say from where it started; give start=")
    return found


def load_start(source: Path, file: str) -> Any:
    """Return the network that a training started from, float32.

    Raises:
        TintboxError: It isn't here, or is no detector.
    """
    try:
        return load_detector(file).model.float()
    except TintboxFileError as error:
        raise TintboxFileError(f"start={file}: {source} was trained from it, and it isn't here; give start=") from error
    except TintboxError as error:
        raise TintboxError(f"start={str(error).removeprefix('model=')}") from error


def write(target: Path, network: Any, content: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Write a polished model as a checkpoint, in half precision like all of Ultralytics', without training state."""
    kept = {name: content[name] for name in ("train_args", "version", "license", "docs") if name in content}
    date = datetime.now().astimezone().isoformat()
    checkpoint_file.write(target, {"epoch": -1, "model": network.half(), **kept, "date": date, MARK: dict(told)})


def rows(polished: Polished) -> list[list[str]]:
    """Return the rows of the table: share, BatchNorm, mAP50-95 in percent and the gain in points."""
    trained = polished.candidates[0].ap
    return [
        [
            f"{one.share:.0%}" + " (best)" * (one is polished.best),
            one.norms,
            f"{100 * one.ap:.1f}",
            f"{round(100 * (one.ap - trained), 1) + 0.0:+.1f}",
        ]
        for one in polished.candidates
    ]


def explain(polished: Polished) -> str:
    """Return what came out, as lines."""
    if not polished.out:
        return f"{polished.source} is the best as it is; nothing was written"
    gain = 100 * (polished.best.ap - polished.candidates[0].ap)
    seen = f"mAP50-95 {gain:+.1f} on the {counted(polished.images, 'validation image')} that chose it"
    return f"{polished.out}: {seen}\nevaluate it on images that did not choose it:\n{polished.command}"


def as_json(polished: Polished) -> str:
    """Return everything as JSON."""
    content = {
        **polished._asdict(),
        "source": str(polished.source),
        "out": polished.out and str(polished.out),
        "candidates": [one._asdict() for one in polished.candidates],
        "best": polished.best._asdict(),
    }
    return json.dumps(content, indent=2)
