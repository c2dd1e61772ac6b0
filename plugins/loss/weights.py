"""The values of `cls_pos_weight`, `cls_smoothing` and `cls_focal`: their checks, and class weights from labels.

Plain Python without torch, because the arguments are checked before anything is loaded. A check returns a message that
says what is wrong with a value, or None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tintbox.checks import is_number
from tintbox.errors import suggest

OPTIONS = ("cls_pos_weight", "cls_smoothing", "cls_focal")
BALANCED = "balanced"
LEAST, MOST = 1e-6, 1e6  # range of a weight; far beyond, float32 would make it 0 or infinite
LOWEST, HIGHEST = 0.1, 10.0  # range of a balanced weight
# Tasks of Ultralytics and tintbox whose loss has no classification BCE -> their loss.
OTHER_LOSSES = {
    "classify": "a softmax cross-entropy over images",
    "semantic": "a softmax cross-entropy over pixels",
    "depth": "a regression loss",
    "colorize": "a softmax cross-entropy over pixels",
}


def _is_weight(value: Any) -> bool:
    return is_number(value, LEAST, MOST)


def check_pos_weight(value: Any) -> str | None:
    """Check positive weights: a number, a list, a mapping from class names, or ``balanced``."""
    if _is_weight(value) or value == BALANCED:
        return None
    if isinstance(value, str):
        return (
            f"give a number, a list with one per class, {BALANCED}, or a mapping from class names, e.g. "
            f"{{watermelon: 5}}{suggest(value, [BALANCED])}"
        )
    if isinstance(value, Mapping):
        if not value:
            return "the mapping is empty; e.g. {watermelon: 5}"
        bad = [f"the weight of {name!r} is {weight!r}" for name, weight in value.items() if not _is_weight(weight)]
    elif isinstance(value, (list, tuple)):
        if not value:
            return "the list is empty; give one weight per class"
        bad = [f"weight {i} is {weight!r}" for i, weight in enumerate(value) if not _is_weight(weight)]
    else:
        bad = ["give a weight"]
    return f"{bad[0]}; a weight is a number from 1e-6 to 1e6" if bad else None


def check_smoothing(value: Any) -> str | None:
    """Check label smoothing: a number from 0 to 1."""
    return None if is_number(value, 0, 1) else "give a number from 0 to 1, e.g. 0.05"


def is_balance(alpha: Any) -> bool:
    """Return whether a value is focal modulation's alpha, or None; at 0 or 1, half of the loss would be gone."""
    return alpha is None or (is_number(alpha) and 0 < alpha < 1)


def check_focal(value: Any) -> str | None:
    """Check focal modulation: gamma, or a mapping with gamma and alpha."""
    example = "e.g. 1.5, or {gamma: 1.5, alpha: 0.25}"
    if isinstance(value, Mapping):
        for key in value:
            if key not in ("gamma", "alpha"):
                return f"{key!r} is neither gamma nor alpha{suggest(key, ('gamma', 'alpha'))}"
        if "gamma" not in value:
            return f"gamma is missing; {example}"
        if not is_balance(alpha := value.get("alpha")):
            return f"alpha is {alpha!r}, but lies between 0 and 1; {example}"
        value = value["gamma"]
    elif not is_number(value):
        return f"give gamma, a number of 0 or more, or a mapping; {example}"
    return None if is_number(value, 0) else f"gamma is {value!r}, but is a number of 0 or more; {example}"


def pick_set(arguments: Any) -> dict[str, Any]:
    """Return the options that are set in ``arguments``, a mapping or a namespace."""
    values = arguments if isinstance(arguments, Mapping) else vars(arguments)
    return {name: values[name] for name in OPTIONS if values.get(name) is not None}


def check_task(task: str, options: Mapping[str, Any]) -> str | None:
    """Check that a task has a classification BCE if ``options``, the return value of `pick_set`, are set."""
    if not options or task not in OTHER_LOSSES:
        return None
    name, value = next(iter(options.items()))
    return f"{name}={value}: task {task} has no classification BCE: its loss is {OTHER_LOSSES[task]}"


def _order(names: Mapping[int, str] | Sequence[str]) -> list[str]:
    """Return class names by class index."""
    return [str(names[i]) for i in sorted(names)] if isinstance(names, Mapping) else [str(name) for name in names]


def check_names(value: Any, names: Mapping[int, str] | Sequence[str]) -> str | None:
    """Check positive weights that have passed `check_pos_weight` against a dataset's class names."""
    known = _order(names)
    listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    if isinstance(value, (list, tuple)) and len(value) != len(known):
        return f"{len(value)} weights, expected nc={len(known)} names: {listed}"
    if isinstance(value, Mapping):
        for name in value:
            if str(name) not in known:
                return f"no class {str(name)!r}{suggest(name, known) or f'; there are: {listed}'}"
    return None


def balance(counts: Sequence[int]) -> list[float]:
    """Return the weight of every class, based on the ratio of negative to positive instances.

    ``w_c = (N - n_c) / (n_c (C - 1))`` for n_c instances of class c, N instances in total and C classes with instances.
    This is (N - n_c) / n_c divided by its instance-weighted mean, so that ``sum_c n_c w_c = N``; it is then clipped to
    0.1..10. A class without instances, or the only one with any, has weight 1.

    Args:
        counts: Number of instances by class index, ``(nc,)``.
    """
    total, present = sum(counts), sum(n > 0 for n in counts)
    if present < 2:
        return [1.0] * len(counts)
    return [min(max((total - n) / (n * (present - 1)), LOWEST), HIGHEST) if n else 1.0 for n in counts]


def resolve(value: Any, names: Mapping[int, str] | Sequence[str], counts: Sequence[int]) -> list[float] | None:
    """Return the weight of every class for a checked value of `cls_pos_weight`, or None for None.

    ``counts`` are the instances in the training labels by class index, for ``balanced``.
    """
    known = _order(names)
    if value is None:
        return None
    if value == BALANCED:
        return balance(counts)
    if isinstance(value, Mapping):
        by_name = {str(name): float(weight) for name, weight in value.items()}
        return [by_name.get(name, 1.0) for name in known]
    if isinstance(value, (list, tuple)):
        return [float(weight) for weight in value]
    return [float(value)] * len(known)


def focal(value: Any) -> tuple[float, float | None]:
    """Return gamma and alpha for a checked value of `cls_focal`."""
    if isinstance(value, Mapping):
        return value["gamma"], value.get("alpha")
    return value or 0.0, None
