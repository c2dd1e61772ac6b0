"""How fast a model trains on this machine, from timing a few ordinary training steps and a save."""

from __future__ import annotations

import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tintbox.errors import TintboxError, message_of
from tintbox.plugins.polish import statistics as norms
from tintbox.plugins.polish import variants
from tintbox.terminal import quiet

STEPS, SKIPPED = 6, 2  # timed steps, and untimed ones before them, unless they take too long
REST = 1.05  # an epoch's time relative to its steps and validation; the rest is bookkeeping
VALIDATION = 0.4  # time per image in validation relative to training


class Finished(Exception):  # noqa: N818 - it ends a run, it is not an error
    """All steps have been timed."""


@dataclass(frozen=True)
class Pace:
    """The training seconds per image of size ``imgsz`` on a device, and the seconds for saving an epoch."""

    seconds: float
    imgsz: int
    device: str
    saving: float = 0.0

    def at(self, imgsz: int) -> float:
        """Return the seconds per image at another size: they are proportional to its area."""
        return self.seconds * (imgsz / self.imgsz) ** 2

    def polish(self, training: float, validation: float, imgsz: int) -> float:
        """Return the seconds of `polish=true` with these numbers of training and validation images."""
        most = norms.limit(imgsz)
        looked = len(variants.SHARES) * (most + min(training, most))
        return self.at(imgsz) * VALIDATION * (variants.VALIDATIONS * validation + looked)

    def epoch(self, training: float, validation: float, imgsz: int) -> float:
        """Return the seconds of an epoch with these numbers of training and validation images."""
        return self.at(imgsz) * (training + VALIDATION * validation) * REST + self.saving


def are_enough(ends: Sequence[float], limit: float) -> bool:
    """Return whether steps that ended at these times suffice: all that are wanted, or two if they exceed the limit."""
    return len(ends) > SKIPPED + STEPS or (len(ends) > 1 and ends[-1] - ends[0] > limit)


def per_picture(marks: Sequence[tuple[float, int]]) -> float:
    """Return the median seconds per image of the steps after the skipped ones, of the last one if there are fewer.

    ``marks`` are the time at which each step ended and its number of images.
    """
    timed = marks[min(SKIPPED, len(marks) - 2) :]
    return statistics.median((b[0] - a[0]) / b[1] for a, b in pairwise(timed))


def measure(model: str, data: str, settings: Mapping[str, Any], limit: float) -> Pace:
    """Train for a few steps with these settings, which include imgsz and batch; return the pace and leave no files.

    After ``limit`` seconds, it ends with the step at hand, though not before the second.

    Raises:
        TintboxError: The model does not exist, or it cannot be trained on the dataset.
    """
    from ultralytics import YOLO

    marks: list[tuple[float, int]] = []
    saves: list[float] = []
    devices: list[str] = []

    def note(trainer: Any) -> None:
        if trainer.device.type == "cuda":
            import torch

            torch.cuda.synchronize(trainer.device)
        marks.append((time.perf_counter(), trainer.batch_size))
        devices.append(str(trainer.device))
        if are_enough([end for end, _ in marks], limit):
            for _ in range(2):  # the first save of a run includes imports
                begin = time.perf_counter()
                trainer.save_model()
                saves.append(time.perf_counter() - begin)
            raise Finished

    try:
        with quiet(logging.ERROR), tempfile.TemporaryDirectory(prefix="tintbox-pace-") as project:
            yolo = YOLO(model)
            yolo.add_callback("on_train_batch_end", note)
            fixed = {"val": False, "plots": False, "save": False, "verbose": False, "project": project}
            with contextlib.suppress(Finished):
                yolo.train(data=data, epochs=SKIPPED + STEPS + 2, **settings, **fixed)
    except TintboxError:
        raise
    except Exception as error:  # a strange model or dataset may raise anything
        raise TintboxError(f"{model} cannot be trained on {data}: {message_of(error)}") from error
    return Pace(per_picture(marks), int(settings["imgsz"]), devices[-1], saves[-1])
