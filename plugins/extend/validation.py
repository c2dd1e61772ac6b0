"""Validation of an extended model: its classes are the dataset's of the same names, and none crowds another out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from ultralytics.utils import LOGGER, RANK

from tintbox.errors import TintboxError
from tintbox.plugins.extend.classes import Names, as_dict, chosen_classes, listed, match
from tintbox.plugins.extend.reconcile import kept

ONE_CLASS = {0: "item"}  # the name that Ultralytics gives the class of a training with `single_cls=True`
Predictions = list[dict[str, Tensor]]


class ClassView:
    """A model's classes as a dataset has them, as ``validator.tintbox_classes``.

    Attributes:
        indices: Class of the model -> the dataset's, -1 for none.
        unknown: Names of the dataset's classes that the model does not know.
    """

    def __init__(
        self,
        counts: Sequence[int],
        model: Names,
        dataset: Names,
        data: Any,
        reconciles: bool = False,
        chosen: Any = None,
    ) -> None:
        """Match classes by name.

        Args:
            counts: How many classes each head has.
            model: The model's class names.
            dataset: The dataset's.
            data: Its name.
            reconciles: Whether a newer class's box takes an older one's place.
            chosen: Of ``classes=``: an index or indices in the dataset; None for all.

        Raises:
            TintboxError: They have no class in common.
        """
        self.counts, self.names, self.reconciles = list(counts), as_dict(dataset), reconciles
        found = match(model, dataset)
        if not found:
            raise TintboxError(f"data={data}: the model knows none of its classes ({listed(self.names.values())})")
        self.indices = [found.get(i, -1) for i in range(len(as_dict(model)))]
        wanted = chosen_classes(chosen) or self.names
        self.unknown = [name for i, name in self.names.items() if i in wanted and i not in found.values()]

    def tell(self) -> None:
        """Say which classes the model does not know."""
        if self.unknown and RANK in {-1, 0}:
            LOGGER.warning(f"the model does not know {listed(self.unknown)}: their objects count as missed")

    def postprocess(self, predictions: Any, end2end: bool, stock: Callable[[Any], Predictions]) -> Predictions:
        """Return the predictions of every picture, with the dataset's classes; others are left out.

        Every head's go through Ultralytics' own non-maximum suppression alone, as if there were no other head.

        Args:
            predictions: What the model returns.
            end2end: Whether they are boxes without need of suppression, (B, N, 6).
            stock: Ultralytics' method.
        """
        decoded = predictions[0] if isinstance(predictions, (list, tuple)) else predictions
        first, heads = 0, []
        for count in self.counts:
            heads.append(stock(only(decoded, range(first, first + count), end2end)))
            first += count
        return [self.translate(parts) for parts in zip(*heads)]

    def translate(self, parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return a picture's predictions by all heads as one, the surest first."""
        every = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        indices = torch.tensor(self.indices, device=every["cls"].device, dtype=every["cls"].dtype)
        classes = indices[every["cls"].long()]
        order = every["conf"].argsort(descending=True, stable=True)
        if self.reconciles:
            order = order[kept(every["bboxes"], every["conf"], every["cls"], self.counts)[order]]
        order = order[classes[order] >= 0]
        return {name: (classes if name == "cls" else values)[order] for name, values in every.items()}


def only(decoded: Tensor, classes: range, end2end: bool) -> Tensor:
    """Return predictions in which those of other classes have no score.

    Args:
        decoded: (B, 4 + classes, N), or (B, N, 6) end to end.
        classes: Which ones stay.
        end2end: Which of both.
    """
    found = decoded.clone()
    if end2end:
        other = (found[..., 5] < classes.start) | (found[..., 5] >= classes.stop)
        found[..., 4] = found[..., 4].masked_fill(other, 0)
    else:
        found[:, 4 : 4 + classes.start] = 0
        found[:, 4 + classes.stop :] = 0
    return found


class Renamed:
    """A model, but for the names of its classes."""

    def __init__(self, model: Any, names: dict[int, str]) -> None:
        self.model_, self.names = model, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model_, name)


def view(validator: Any, counts: Sequence[int], names: Names, reconciles: bool = False) -> ClassView | None:
    """Return a model's classes as a validation's dataset has them; None if all are one to it and none to the model.

    Args:
        validator: Ultralytics', with its data.
        counts: How many classes each head of the model has.
        names: The model's.
        reconciles: As of the `ClassView`.
    """
    dataset, args = validator.dataloader.dataset.data["names"], validator.args
    if args.single_cls and len(dataset) > 1:
        if not match(ONE_CLASS, names):
            return None
        dataset = ONE_CLASS  # as it was in training, which ends with this view
    return ClassView(counts, names, dataset, args.data, reconciles, args.classes)


def on_val_start(validator: Any) -> None:
    """Let the classes be the dataset's for the callbacks that come after."""
    if validator.names and (found := view(validator, validator.tintbox_counts, validator.names)):
        validator.names = found.names
