"""The freeze plan: which parameters and BatchNorm statistics are frozen in which epoch, and the others' learning rates.

A plan is a pure function of the training arguments, the model and the epoch, so a resumed run freezes the same as an
uninterrupted one. `tintbox.plugins.freeze.training` applies it in Ultralytics' trainer; in your own training loop, use
`FreezePlan.from_spec` and `FreezePlan.apply`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, SupportsFloat

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tintbox.checks import as_python, is_whole
from tintbox.errors import TintboxError, value_text
from tintbox.plugins.freeze import selection, selectors
from tintbox.plugins.freeze.selection import select


@dataclass(frozen=True)
class FreezePlan:
    """What is frozen in which epoch.

    Attributes:
        names: The model's parameters, in the model's order.
        start: The parameters frozen at the beginning of the run.
        stages: Pairs of an epoch, or fraction of the run, and the parameters that train from then on; as the user wrote
            them.
        factors: Parameter -> factor of its learning rate, where that is not 1.
        freeze_bn: ``"auto"``, True or False.
        norms: BatchNorm module -> the parameters that determine whether its statistics are frozen under ``auto``.
        model: The plan's network.
    """

    names: tuple[str, ...]
    start: frozenset[str]
    stages: tuple[tuple[float, frozenset[str]], ...]
    factors: Mapping[str, float]
    freeze_bn: bool | str
    norms: Mapping[str, tuple[str, ...]]
    model: nn.Module = field(repr=False, compare=False)

    @classmethod
    def from_spec(
        cls,
        model: nn.Module,
        freeze: Any = None,
        unfreeze: Mapping[int, Any] | Mapping[float, Any] | None = None,
        freeze_bn: bool | str = "auto",
        lr_scale: Mapping[str, float] | float | None = None,
        epochs: int | None = None,
    ) -> FreezePlan:
        """Return the plan for any PyTorch module, with the same values as in `yolo train` (docs/freeze.md).

        For modules other than Ultralytics' the selectors are ``all``, dotted names and patterns: ``backbone`` is the
        child of that name, ``backbone.body.layer1`` a module inside it, ``*.bn*.*`` a pattern.

        Args:
            model: The network, not wrapped.
            freeze: A selector or a list of them; ``-`` excludes, as in ``[all, -head]``.
            unfreeze: Epoch, counted from 0, or fraction of the run -> selectors that train from then on.
            freeze_bn: BatchNorm statistics to freeze: ``"auto"`` for those of frozen layers, True for all, False for
                none.
            lr_scale: Selector -> factor of the learning rate, for `parameter_groups`; a float is the layer-wise decay
                for a network with numbered layers in ``model.model``, like Ultralytics'.
            epochs: Length of the run; required for fractions in ``unfreeze``.

        Raises:
            TintboxError: The model is not a network; a value is invalid, names nothing in it, or leaves too little to
                train.
        """
        if not isinstance(model, nn.Module):
            raise TintboxError(f"the model is of type {type(model).__name__}; give a PyTorch module")
        if any(kind.__module__ == "ultralytics.engine.model" for kind in type(model).__mro__):  # YOLO("yolo11n.pt")
            raise TintboxError(f"a {type(model).__name__} wraps its network; give the network, its .model")
        given = as_python({"freeze": freeze, "unfreeze": unfreeze, "freeze_bn": freeze_bn, "lr_scale": lr_scale})
        epochs = as_python(epochs)
        for name, check in selectors.CHECKS.items():
            if given[name] is not None and (wrong := check(given[name])):
                raise TintboxError(f"{name}={value_text(given[name])}: {wrong}")
        if epochs is not None and not is_whole(epochs, 1):
            raise TintboxError(f"epochs={epochs}: give a whole number of 1 or more")
        shares = [epoch for epoch in given["unfreeze"] or {} if not isinstance(epoch, int)]
        if shares and epochs is None:
            raise TintboxError(f"unfreeze={value_text(unfreeze)}: {shares[0]} is a share of the run; give epochs=")
        plan = cls.of(model, {**given, "epochs": epochs})
        return plan if epochs is None else replace(plan, stages=tuple(plan.schedule(epochs)))

    @classmethod
    def of(cls, model: nn.Module, arguments: Mapping[str, Any]) -> FreezePlan:
        """Return the plan of training arguments for an unwrapped network.

        Raises:
            TintboxError: A selector names nothing in the model, or too little is left to train.
        """
        if wrong := selectors.check_together(arguments):
            raise TintboxError(wrong)
        freeze, unfreeze = arguments.get("freeze"), arguments.get("unfreeze") or {}
        held = selection.held(model)
        names = tuple(n for n, p in model.named_parameters() if p.dtype.is_floating_point and n not in held)
        fixed = {name for name in names if ".dfl" in name}  # constants stored as weights, always frozen upstream
        stages = []
        for epoch, value in unfreeze.items():
            label = f"unfreeze={{{epoch}: {value_text(value)}}}"
            stages.append((epoch, frozenset(select(model, value, label)) - fixed))
        norms, first = {}, selection.first_names(model)
        for name, module in model.named_modules():
            if isinstance(module, _BatchNorm) and f"{name}.weight" not in held:
                owner = name if module.affine else name.rpartition(".")[0]  # without own parameters, the block's decide
                deciding = {first[n] for n in first if n.startswith(f"{owner}.")}
                norms[name] = tuple(n for n in names if n in deciding)
        plan = cls(
            names=names,
            start=frozenset(_frozen_at_start(model, freeze, names) | fixed),
            stages=tuple(stages),
            factors=_factors(model, arguments.get("lr_scale"), names),
            freeze_bn="auto" if arguments.get("freeze_bn") is None else arguments["freeze_bn"],
            norms=norms,
            model=model,
        )
        plan.check_trains(f"freeze={value_text(freeze)}")
        return plan

    def check_trains(self, label: str) -> None:
        """Raise a `TintboxError` if nothing trains at first, or only BatchNorms ever train."""
        awake = (set(self.names) - self.start).union(*(woken for first, woken in self.stages if first == 0))
        later = awake.union(*(woken for _, woken in self.stages))
        of_norms = {f"{norm}.{kind}" for norm in self.norms for kind in ("weight", "bias")}
        if not awake:
            raise TintboxError(f"{label}: nothing is left to train at first; leave something, e.g. freeze=[all, -head]")
        if later <= of_norms:
            raise TintboxError(f"{label}: only BatchNorms are left to train; leave more, e.g. freeze=[all, -head]")

    def apply(self, epoch: int) -> frozenset[str]:
        """Freeze and unfreeze as planned for an epoch; call it at the start of each, after ``model.train()``.

        All parameters that the plan does not freeze train, also those that were frozen before, e.g. by torchvision.

        Args:
            epoch: Counted from 0. Fractions of a run need a plan made with ``epochs``.

        Returns:
            The names of the frozen parameters. They have no gradient, so optimizers skip them.

        Raises:
            TintboxError: The epoch is no number.
        """
        if not isinstance(epoch, Real):  # also NumPy's
            raise TintboxError(f"epoch={epoch}: give its number, counted from 0")
        frozen = self.frozen(epoch, epoch + 1)  # the run has at least this many epochs
        self.set_trainable(frozen)
        self.set_norms(frozen)
        return frozen

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Return optimizer parameter groups with the plan's learning rates.

        Args:
            lr: The learning rate of parameters without a factor.

        Raises:
            TintboxError: It is no number.
        """
        if not isinstance(lr, SupportsFloat):
            raise TintboxError(f"lr={lr}: give a number, e.g. 0.001")
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            groups.setdefault(self.factors.get(name, 1.0), []).append(parameter)
        return [{"params": parameters, "lr": lr * factor} for factor, parameters in groups.items()]

    def set_trainable(self, frozen: frozenset[str]) -> None:
        """Make everything trainable except ``frozen``, whose gradients are dropped."""
        parameters = dict(self.model.named_parameters())
        for name in self.names:
            parameters[name].requires_grad_(name not in frozen)
            if name in frozen:
                parameters[name].grad = None

    def set_norms(self, frozen: frozenset[str]) -> None:
        """Put BatchNorms with frozen statistics in evaluation mode and the others in training mode."""
        still = self.frozen_norms(frozen)
        for name in self.norms:
            self.model.get_submodule(name).train(name not in still)

    def schedule(self, epochs: int) -> list[tuple[int, frozenset[str]]]:
        """Return the stages within the run as (epoch, parameters that train from then on), in order, epochs from 0."""
        # A fraction of a short run is at least one epoch; otherwise nothing would be frozen at first.
        whole = [(e if isinstance(e, int) else max(1, math.floor(e * epochs + 1e-9)), w) for e, w in self.stages]
        return sorted((stage for stage in whole if stage[0] < epochs), key=lambda stage: stage[0])

    def frozen(self, epoch: int, epochs: int) -> frozenset[str]:
        """Return the parameters frozen in an epoch, counted from 0, of a run of ``epochs`` epochs."""
        return self.start.difference(*(woken for first, woken in self.schedule(epochs) if first <= epoch))

    def frozen_norms(self, frozen: frozenset[str]) -> frozenset[str]:
        """Return the BatchNorms whose statistics are frozen along with the parameters ``frozen``."""
        if self.freeze_bn == "auto":
            return frozenset(norm for norm, deciding in self.norms.items() if deciding and frozen.issuperset(deciding))
        return frozenset(self.norms if self.freeze_bn else ())


def _frozen_at_start(model: nn.Module, freeze: Any, names: tuple[str, ...]) -> set[str]:
    """Return the parameters that ``freeze`` names; plain integers are Ultralytics' own: a layer count or indices."""
    if selectors.is_policy(freeze):
        return set(select(model, freeze))
    layers = range(freeze) if isinstance(freeze, int) else set(freeze or ())
    if layers:
        _list_layers(model, f"freeze={value_text(freeze)}")
    return {name for name in names if selection.layer_of(name) in layers}


def _list_layers(model: nn.Module, label: str) -> range:
    """Return the indices of a model's layers, or raise a `TintboxError` if its layers are not numbered."""
    if not (indices := selection.groups(model)["all"]):
        raise TintboxError(f"{label}: {selection.title(model)} has no numbered layers; name its modules")
    return indices


def _factors(model: nn.Module, lr_scale: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Return parameter -> factor of the learning rate, where that is not 1; the last selector that matches counts."""
    factors: dict[str, float] = {}
    if isinstance(lr_scale, Mapping):
        for selector, factor in lr_scale.items():
            label = f"lr_scale={{{selector}: {factor}}}"
            factors.update(dict.fromkeys(select(model, selector, label), float(factor)))
    elif lr_scale is not None:
        last = _list_layers(model, f"lr_scale={lr_scale}")[-1]
        layers = {name: selection.layer_of(name) for name in names}
        factors = {name: float(lr_scale) ** (last - layer) for name, layer in layers.items() if layer is not None}
    return {name: factor for name, factor in factors.items() if factor != 1}
