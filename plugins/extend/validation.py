"""Validation of an extended model: classes are matched by name, and no head's boxes suppress another's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from ultralytics.utils import LOGGER, RANK

from tintbox.errors import TintboxError
from tintbox.plugins.extend.classes import ONE_CLASS, Names, as_dict, chosen_classes, listed, match
from tintbox.plugins.extend.reconcile import keep

Predictions = list[dict[str, Tensor]]


class ClassView:
    """A model's classes mapped to a dataset's, stored as ``validator.tintbox_classes``.

    Attributes:
        indices: Class of the model -> class of the dataset, -1 for none.
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

        ``counts`` are the classes per head; ``reconciles`` says whether a newer class's box replaces an older one's;
        ``chosen`` is the value of ``classes=``, an index or indices in the dataset, None for all.

        Raises:
            TintboxError: Model and dataset have no class in common.
        """
        self.counts, self.names, self.reconciles = list(counts), as_dict(dataset), reconciles
        found = match(model, dataset)
        if not found:
            raise TintboxError(f"data={data}: the model knows none of its classes ({listed(self.names.values())})")
        self.indices = [found.get(i, -1) for i in range(len(as_dict(model)))]
        wanted = chosen_classes(chosen) or self.names
        self.unknown = [name for i, name in self.names.items() if i in wanted and i not in found.values()]

    def tell(self) -> None:
        """Log which classes the model does not know."""
        if self.unknown and RANK in {-1, 0}:
            LOGGER.warning(f"the model does not know {listed(self.unknown)}: objects of these classes count as missed")

    def postprocess(self, predictions: Any, end2end: bool, stock: Callable[[Any], Predictions]) -> Predictions:
        """Return each image's predictions in the dataset's classes; others are dropped.

        Each head's predictions go through Ultralytics' own non-maximum suppression separately, as if it were the only
        head.

        Args:
            predictions: The model's output.
            end2end: Whether it is boxes that need no suppression, (B, N, 6).
            stock: Ultralytics' method.
        """
        decoded = predictions[0] if isinstance(predictions, (list, tuple)) else predictions
        first, heads = 0, []
        for count in self.counts:
            heads.append(stock(select_classes(decoded, range(first, first + count), end2end)))
            first += count
        return [self.translate(parts) for parts in zip(*heads)]

    def translate(self, parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Merge an image's predictions by all heads, most confident first."""
        every = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        indices = torch.tensor(self.indices, device=every["cls"].device, dtype=every["cls"].dtype)
        classes = indices[every["cls"].long()]
        order = every["conf"].argsort(descending=True, stable=True)
        if self.reconciles:
            order = order[keep(every["bboxes"], every["conf"], every["cls"], self.counts)[order]]
        order = order[classes[order] >= 0]
        return {name: (classes if name == "cls" else values)[order] for name, values in every.items()}


def select_classes(decoded: Tensor, classes: range, end2end: bool) -> Tensor:
    """Return the predictions with the scores of all other classes set to zero.

    Args:
        decoded: (B, 4 + classes, N), or (B, N, 6) end to end.
        classes: The classes to keep.
        end2end: Which of the two shapes.
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
    """A model with other class names."""

    def __init__(self, model: Any, names: dict[int, str]) -> None:
        self.model_, self.names = model, names

    def __getattr__(self, name: str) -> Any:
        if name == "model_":  # not there yet, in a copy that is being made
            raise AttributeError(name)
        return getattr(self.model_, name)


def view(validator: Any, counts: Sequence[int], names: Names, reconciles: bool = False) -> ClassView | None:
    """Return how a model's classes map to the validation dataset's; None if it has no "item" for ``single_cls``."""
    dataset, args = validator.dataloader.dataset.data["names"], validator.args
    if args.single_cls and len(dataset) > 1:
        if not match(ONE_CLASS, names):
            return None
        dataset = ONE_CLASS  # as in training, which ends with this view
    return ClassView(counts, names, dataset, args.data, reconciles, args.classes)
