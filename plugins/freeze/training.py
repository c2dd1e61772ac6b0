"""Freezing for fine-tuning: a plan at work in a trainer.

`FreezePlan` says what trains in which epoch, at what share of the rate, and which BatchNorms stand still; `FreezeState`
applies it. The functions at the end are the trainer callbacks, named as the events that they serve, of a run that asks
for any of this.

Three things that one could expect to find here and does not:

- The optimizer keeps its stock groups. A parameter without a gradient is passed over by every optimizer, weight decay
  included, so freezing needs no group. For `lr_scale` the groups are split by factor for the length of one
  `optimizer.step` only: that multiplies the rate exactly, whatever the optimizer, the warm-up and the scheduler do, and
  checkpoints hold the optimizer as stock Ultralytics knows it, so either resumes what the other has saved.
- Ultralytics' own BatchNorm freezing matches substrings of names and knows no policy. Its result is replaced at the
  first batch of every epoch, after the host has put the model into training mode.
- The moving average is not patched. An average of equal values is exact where the host uses `torch.lerp`; elsewhere it
  rounds, so at the end of every epoch what is frozen is copied over, before it is validated and saved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from ultralytics.utils import LOGGER, RANK

from tintbox.errors import TintboxError
from tintbox.plugins.freeze import report
from tintbox.plugins.freeze.plan import FreezePlan
from tintbox.plugins.freeze.selectors import value_text
from tintbox.plugins.wrappers import models_of, unwrap

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class StepFactors:
    """Factors of the learning rate by parameter, at work inside every ``step`` of an optimizer.

    Attributes:
        factors: Parameter -> factor in the next step, where that is not 1.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.factors: dict[nn.Parameter, float] = {}
        self.groups: list[dict[str, Any]] | None = None  # the optimizer's own, during a step
        optimizer.register_step_pre_hook(self.split)
        optimizer.register_step_post_hook(self.join)

    def split(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Before a step: split the groups by factor. The optimizer keeps its state by parameter, so that stays."""
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
        """After a step: put the optimizer's own groups back."""
        if self.groups is not None:
            optimizer.param_groups, self.groups = self.groups, None


class FreezeState:
    """A plan at work in one training process, as ``trainer.tintbox_freeze``.

    Attributes:
        frozen: The parameters that are frozen at the moment.
        woken: Parameter -> the epoch in which it was woken.
        batch: How many batches of the epoch have begun.
        warming: Whether something woken is not at its full rate yet.
        rates: The factors of the learning rates, or None where all are 1 for the whole run.
    """

    def __init__(self, trainer: Any, plan: FreezePlan) -> None:
        self.plan = plan
        self.parameters = dict(plan.model.named_parameters())
        self.frozen = plan.frozen(trainer.start_epoch, trainer.epochs)
        self.woken: dict[str, int] = {}
        for epoch, woken in reversed(plan.schedule(trainer.epochs)):  # the earlier of two stages woke it
            if 0 < epoch <= trainer.start_epoch:
                self.woken.update(dict.fromkeys(woken & plan.start, epoch))
        self.batch = 0
        self.warming = False
        self.rates = StepFactors(trainer.optimizer) if plan.factors or plan.stages else None

    def start_epoch(self, trainer: Any) -> frozenset[str]:
        """Freeze what the plan says for the epoch; return what was woken by that."""
        # What is awake stays so, also when `time=` makes the run longer and moves a share of it to a later epoch.
        frozen = self.frozen & self.plan.frozen(trainer.epoch, trainer.epochs)
        woken, self.frozen, self.batch = self.frozen - frozen, frozen, 0
        self.woken.update(dict.fromkeys(woken, trainer.epoch))
        self.plan.set_trainable(frozen)
        return woken

    def start_batch(self, trainer: Any) -> None:
        """Set the BatchNorms, once per epoch, and the factors of the learning rates."""
        if self.batch == 0:
            self.plan.set_norms(self.frozen)
        if self.rates and (self.batch == 0 or self.warming):
            self.rates.factors = self.factors(trainer)
        self.batch += 1

    def factors(self, trainer: Any) -> dict[nn.Parameter, float]:
        """Return the factors of the next step: `lr_scale` times a ramp up to 1 for what was woken."""
        batches = len(trainer.train_loader)
        ramps = {e: self.ramp(trainer, e, (trainer.epoch - e) * batches + self.batch) for e in set(self.woken.values())}
        self.warming = any(ramp < 1 for ramp in ramps.values())
        factors = dict(self.plan.factors)
        for name, epoch in self.woken.items():
            factors[name] = factors.get(name, 1.0) * ramps[epoch]
        return {self.parameters[name]: factor for name, factor in factors.items() if factor != 1}

    @staticmethod
    def ramp(trainer: Any, first: int, batch: int) -> float:
        """Return the warm-up's factor for what was woken in epoch ``first``, so many batches after that.

        It rises linearly over ``warmup_epochs``, over one epoch at least, and leaves the last epoch to the full rate
        if there is one. It starts above 0, unlike the host's warm-up, so that no step is lost.
        """
        if trainer.args.warmup_epochs <= 0:
            return 1.0
        epochs = max(1.0, min(trainer.args.warmup_epochs, trainer.epochs - 1 - first))
        return min(1.0, (batch + 1) / (round(epochs * len(trainer.train_loader)) + 1))

    @torch.no_grad()
    def hold_average(self, trainer: Any) -> None:
        """Copy what is frozen into the moving average."""
        if not (trainer.ema and trainer.ema.enabled):
            return
        live, average = (model.state_dict() for model in models_of(trainer))
        still = self.plan.frozen_norms(self.frozen)
        for name in [*self.frozen, *(f"{norm}.{statistic}" for norm in still for statistic in STATISTICS)]:
            if name in live:
                average[name].copy_(live[name])


# The trainer callbacks ------------------------------------------------------------------------------------------------


def on_pretrain_routine_start(trainer: Any) -> None:
    """Warn of arguments that have no effect together; this event is the main process's alone."""
    arguments = vars(trainer.args)
    if arguments.get("unfreeze") and trainer.epochs == 1 and not trainer.args.time:
        LOGGER.warning(f"unfreeze={value_text(arguments['unfreeze'])}: nothing wakes up, since the run has one epoch")
    if arguments.get("lr_scale") is not None and str(trainer.args.optimizer).lower() == "auto":
        LOGGER.warning(
            f"lr_scale={value_text(arguments['lr_scale'])} scales the rate that optimizer=auto picks: it ignores "
            f"lr0={trainer.args.lr0}; name an optimizer, e.g. optimizer=AdamW, to choose the rate"
        )


def on_pretrain_routine_end(trainer: Any) -> None:
    """Make the plan for the model that is about to train, and report it."""
    model = unwrap(trainer.model)
    plan = FreezePlan.of(model, vars(trainer.args))
    waking = plan.start - plan.frozen(trainer.epochs, trainer.epochs)
    if trainer.world_size > 1 and not all(p.requires_grad for n, p in model.named_parameters() if n in waking):
        raise TintboxError(
            f"freeze={value_text(trainer.args.freeze)}: with unfreeze on several GPUs write layers as selectors, "
            "e.g. freeze=all[:10] or freeze=model.10"
        )  # what Ultralytics freezes itself is left out of the exchange of gradients for good
    trainer.tintbox_freeze = FreezeState(trainer, plan)
    if RANK in {-1, 0}:
        report.report(trainer, plan)


def on_train_epoch_start(trainer: Any) -> None:
    """Freeze and wake what the plan says for this epoch, and tell what woke up."""
    woken = trainer.tintbox_freeze.start_epoch(trainer)
    if woken and RANK in {-1, 0}:
        report.tell_woken(trainer, trainer.tintbox_freeze.plan, woken)


def on_train_batch_start(trainer: Any) -> None:
    """Set BatchNorms and learning-rate factors."""
    trainer.tintbox_freeze.start_batch(trainer)


def on_train_epoch_end(trainer: Any) -> None:
    """Keep what is frozen exact in the moving average, before it is validated and saved."""
    trainer.tintbox_freeze.hold_average(trainer)
