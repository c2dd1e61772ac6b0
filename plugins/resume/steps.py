"""When the optimizer steps: every ``accumulate`` batches, counted across a resume."""

from __future__ import annotations

from typing import Any


class Steps:
    """A counter of one trainer's optimizer steps.

    Ultralytics counts the batches since the last step in a local variable of its training loop, across epochs. A
    resumed run restarts that count, so its first step comes too early and all later ones are shifted. After a resume,
    the loop's steps at wrong batches are therefore skipped, and the right steps are made at the end of their batch,
    until the two counts coincide.

    Attributes:
        last: The batch of the last step, counted over the whole run; -1 before the first.
        astray: Whether the loop's own count differs.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer, self._optimizer_step = trainer, trainer.optimizer_step
        self.last, self.astray = -1, False
        self.epoch, self.batch = -1, 0
        trainer.optimizer_step = self.step
        for event in ("on_train_epoch_start", "on_train_batch_start", "on_train_batch_end"):
            trainer.add_callback(event, getattr(self, event))

    def resume(self, last: int) -> None:
        """Continue after a step at batch ``last``."""
        self.last, self.astray = last, True

    @property
    def is_due(self) -> bool:
        """Whether a step is due after this batch."""
        return self.batch - self.last >= self.trainer.accumulate

    def step(self) -> None:
        """Replace the trainer's ``optimizer_step``, which the loop calls when its own count is due."""
        if self.astray and not self.is_due:
            return
        self.astray = False
        self._make_step()

    def _make_step(self) -> None:
        self._optimizer_step()
        self.last = self.batch

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Set the batch count to the start of the epoch."""
        if trainer.epoch == self.epoch:  # restarted after running out of memory or a NaN, which resets the loop's count
            self.last, self.astray = -1, False
        self.epoch, self.batch = trainer.epoch, trainer.epoch * len(trainer.train_loader) - 1

    def on_train_batch_start(self, trainer: Any) -> None:
        """Count a batch."""
        self.batch += 1

    def on_train_batch_end(self, trainer: Any) -> None:
        """Make a step that is due but that the loop has not made."""
        if self.astray and self.is_due:
            self._make_step()
