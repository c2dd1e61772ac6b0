"""The networks of a trainer, without what Ultralytics wraps them in: several devices, compilation, distillation."""

from __future__ import annotations

from typing import Any

from ultralytics.utils.torch_utils import unwrap_model


def unwrap(model: Any) -> Any:
    """Return the network inside a model's wrappers; one without any is returned as it is."""
    model = unwrap_model(model)
    return getattr(model, "student_model", model)


def models_of(trainer: Any) -> list[Any]:
    """Return the network that a trainer trains and, if there is one, its moving average."""
    return [unwrap(model) for model in (trainer.model, *([trainer.ema.ema] if trainer.ema else []))]
