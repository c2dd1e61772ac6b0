"""When the optimizer steps: every ``accumulate`` batches, counted across the place where a run was resumed."""

from __future__ import annotations

from typing import Any


class Steps:
    """Keep count of the optimizer's steps in one trainer.

    Ultralytics counts the batches since the last step in a local variable of its training loop, over the ends of
    epochs. A resumed run begins that count anew: its first step comes too early, and all the later ones are out of
    time. After resuming, the loop's wrong steps are therefore passed over, and the right ones are made at the end of
    their batch, until the loop happens to be right.

    Attributes:
        last: The batch of the last step, counted over the whole run; -1 before the first.
        astray: Whether the loop's own count is another one.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer, self._optimizer_step = trainer, trainer.optimizer_step
        self.last, self.astray = -1, False
        self.epoch, self.batch = -1, 0
        trainer.optimizer_step = self.step
        for event in ("on_train_epoch_start", "on_train_batch_start", "on_train_batch_end"):
            trainer.add_callback(event, getattr(self, event))

    def resume(self, last: int) -> None:
        """Go on after a step at the batch ``last``."""
        self.last, self.astray = last, True

    @property
    def is_due(self) -> bool:
        """Whether this batch completes a step."""
        return self.batch - self.last >= self.trainer.accumulate

    def step(self) -> None:
        """Stand for the trainer's ``optimizer_step``, which the loop calls when it counts a step."""
        if self.astray and not self.is_due:
            return
        self.astray = False
        self._make_step()

    def _make_step(self) -> None:
        self._optimizer_step()
        self.last = self.batch

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Find the number of the epoch's first batch."""
        if trainer.epoch == self.epoch:  # begun again for lack of memory or after a NaN; the loop starts to count anew
            self.last, self.astray = -1, False
        self.epoch, self.batch = trainer.epoch, trainer.epoch * len(trainer.train_loader) - 1

    def on_train_batch_start(self, trainer: Any) -> None:
        """Count a batch."""
        self.batch += 1

    def on_train_batch_end(self, trainer: Any) -> None:
        """Make the step that the loop has not counted."""
        if self.astray and self.is_due:
            self._make_step()
