"""Freezing for fine-tuning: a plan applied in a trainer.

`FreezePlan` defines what trains in which epoch, the factors of the learning rates, and which BatchNorms are frozen;
`FreezeState` applies it. The functions at the end are the trainer callbacks, named after their events, of a run that
requests any of this.

Three design decisions:

- The optimizer keeps its stock groups. Every optimizer skips a parameter without a gradient, weight decay included, so
  freezing needs no group. For `lr_scale` the groups are split by factor only during `optimizer.step`. This multiplies
  the rate exactly, whatever the optimizer, warm-up and scheduler do, and checkpoints hold the optimizer in stock
  Ultralytics' form, so stock Ultralytics and tintbox can resume each other's runs.
- Ultralytics' own BatchNorm freezing matches substrings of names and knows no policy. Its result is replaced at the
  first batch of every epoch, after the host has put the model into training mode.
- The moving average is not patched. An average of equal values is exact where the host uses `torch.lerp`; elsewhere it
  rounds, so frozen values are copied into it at the end of every epoch, before it is validated and saved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from ultralytics.utils import LOGGER, RANK

from tintbox.errors import TintboxError, value_text
from tintbox.plugins.freeze import report
from tintbox.plugins.freeze.plan import FreezePlan
from tintbox.plugins.wrappers import models_of, unwrap

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class StepFactors:
    """Learning-rate factors by parameter, applied during every ``step`` of an optimizer.

    Attributes:
        factors: Parameter -> factor in the next step, where that is not 1.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.factors: dict[nn.Parameter, float] = {}
        self.groups: list[dict[str, Any]] | None = None  # the optimizer's own, during a step
        optimizer.register_step_pre_hook(self.split)
        optimizer.register_step_post_hook(self.join)

    def split(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Before a step, split the groups by factor; the optimizer's state is by parameter and is not affected."""
        if not self.factors:
            return
        self.groups, groups = optimizer.param_groups, []
        for group in self.groups:
            parts: dict[float, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                parts.setdefault(self.factors.get(parameter, 1.0), []).append(parameter)
            groups += [{**group, "params": part, "lr": group["lr"] * factor} for factor, part in parts.items()]
        optimizer.param_groups = groups

    def join(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """After a step, restore the optimizer's own groups."""
        if self.groups is not None:
            optimizer.param_groups, self.groups = self.groups, None


class FreezeState:
    """The state of a plan in one training process, kept as ``trainer.tintbox_freeze``.

    Attributes:
        frozen: The currently frozen parameters.
        woken: Parameter -> the epoch in which it was unfrozen.
        batch: Number of batches begun in this epoch.
        warming: Whether an unfrozen parameter has not reached its full learning rate yet.
        rates: The learning-rate factors, or None if all are 1 for the whole run.
    """

    def __init__(self, trainer: Any, plan: FreezePlan) -> None:
        self.plan = plan
        self.parameters = dict(plan.model.named_parameters())
        self.frozen = plan.frozen(trainer.start_epoch, trainer.epochs)
        self.woken: dict[str, int] = {}
        for epoch, woken in reversed(plan.schedule(trainer.epochs)):  # of two stages, the earlier one counts
            if 0 < epoch <= trainer.start_epoch:
                self.woken.update(dict.fromkeys(woken & plan.start, epoch))
        self.batch = 0
        self.warming = False
        self.rates = StepFactors(trainer.optimizer) if plan.factors or plan.stages else None

    def start_epoch(self, trainer: Any) -> frozenset[str]:
        """Apply the plan for the epoch and return the newly unfrozen parameters."""
        # Unfrozen parameters stay so, even if `time=` extends the run and moves a fraction of it to a later epoch.
        frozen = self.frozen & self.plan.frozen(trainer.epoch, trainer.epochs)
        woken, self.frozen, self.batch = self.frozen - frozen, frozen, 0
        self.woken.update(dict.fromkeys(woken, trainer.epoch))
        self.plan.set_trainable(frozen)
        return woken

    def start_batch(self, trainer: Any) -> None:
        """Set the BatchNorm modes, once per epoch, and the learning-rate factors."""
        if self.batch == 0:
            self.plan.set_norms(self.frozen)
        if self.rates and (self.batch == 0 or self.warming):
            self.rates.factors = self.factors(trainer)
        self.batch += 1

    def factors(self, trainer: Any) -> dict[nn.Parameter, float]:
        """Return the factors of the next step: `lr_scale`, times a warm-up ramp for unfrozen parameters."""
        batches = len(trainer.train_loader)
        ramps = {e: self.ramp(trainer, e, (trainer.epoch - e) * batches + self.batch) for e in set(self.woken.values())}
        self.warming = any(ramp < 1 for ramp in ramps.values())
        factors = dict(self.plan.factors)
        for name, epoch in self.woken.items():
            factors[name] = factors.get(name, 1.0) * ramps[epoch]
        return {self.parameters[name]: factor for name, factor in factors.items() if factor != 1}

    @staticmethod
    def ramp(trainer: Any, first: int, batch: int) -> float:
        """Return the warm-up factor ``batch`` batches after parameters were unfrozen in epoch ``first``.

        It rises linearly over ``warmup_epochs``, shortened to end before the last epoch, but over at least one epoch.
        It starts above 0, unlike the host's warm-up, so that no step is wasted.
        """
        if trainer.args.warmup_epochs <= 0:
            return 1.0
        epochs = max(1.0, min(trainer.args.warmup_epochs, trainer.epochs - 1 - first))
        return min(1.0, (batch + 1) / (round(epochs * len(trainer.train_loader)) + 1))

    @torch.no_grad()
    def hold_average(self, trainer: Any) -> None:
        """Copy frozen parameters and statistics into the moving average."""
        if not (trainer.ema and trainer.ema.enabled):
            return
        live, average = (model.state_dict() for model in models_of(trainer))
        still = self.plan.frozen_norms(self.frozen)
        for name in [*self.frozen, *(f"{norm}.{statistic}" for norm in still for statistic in STATISTICS)]:
            if name in live:
                average[name].copy_(live[name])


# The trainer callbacks ------------------------------------------------------------------------------------------------


def on_pretrain_routine_start(trainer: Any) -> None:
    """Warn about arguments that have no effect together; this event fires in the main process only."""
    arguments = vars(trainer.args)
    if arguments.get("unfreeze") and trainer.epochs == 1 and not trainer.args.time:
        LOGGER.warning(f"unfreeze={value_text(arguments['unfreeze'])}: no effect, since the run has only one epoch")
    if arguments.get("lr_scale") is not None and str(trainer.args.optimizer).lower() == "auto":
        LOGGER.warning(
            f"lr_scale={value_text(arguments['lr_scale'])} scales the rate that optimizer=auto chooses, which "
            f"ignores lr0={trainer.args.lr0}; to choose the rate, set an optimizer, e.g. optimizer=AdamW"
        )


def on_pretrain_routine_end(trainer: Any) -> None:
    """Create the plan for the model to be trained, and report it."""
    model = unwrap(trainer.model)
    plan = FreezePlan.of(model, vars(trainer.args))
    waking = plan.start - plan.frozen(trainer.epochs, trainer.epochs)
    if trainer.world_size > 1 and not all(p.requires_grad for n, p in model.named_parameters() if n in waking):
        raise TintboxError(
            f"freeze={value_text(trainer.args.freeze)}: with unfreeze on several GPUs write layers as selectors, "
            "e.g. freeze=all[:10] or freeze=model.10"
        )  # DDP never synchronizes gradients of parameters that Ultralytics froze itself
    trainer.tintbox_freeze = FreezeState(trainer, plan)
    if RANK in {-1, 0}:
        report.report(trainer, plan)


def on_train_epoch_start(trainer: Any) -> None:
    """Apply the plan for this epoch, and log what was unfrozen."""
    woken = trainer.tintbox_freeze.start_epoch(trainer)
    if woken and RANK in {-1, 0}:
        report.tell_woken(trainer, trainer.tintbox_freeze.plan, woken)


def on_train_batch_start(trainer: Any) -> None:
    """Set BatchNorm modes and learning-rate factors."""
    trainer.tintbox_freeze.start_batch(trainer)


def on_train_epoch_end(trainer: Any) -> None:
    """Keep frozen values exact in the moving average, before it is validated and saved."""
    trainer.tintbox_freeze.hold_average(trainer)
