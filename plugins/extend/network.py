"""A detector with new classes beside its old ones: the old layers unchanged, and one branch per extension."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss

from tintbox.plugins import trunk
from tintbox.plugins.extend import budget, narrowing
from tintbox.plugins.extend.classes import as_dict
from tintbox.plugins.extend.head import ALL_LEVELS, JoinedDetect, list_strides, renew

HEAD_SHARE = 0.19  # share of the original's operations allowed for a head-only branch; a fifth with its decoding
TRANSIENT = ("criterion", "class_weights")  # attributes left over from a model's training


class ExtendedModel(DetectionModel):
    """A `DetectionModel` whose layers are the old trunk, a copy of its last layers per branch, and the joined heads.

    The trunk's layers keep their indices; a branch's layers read each other, and the trunk where they fork from it.
    Training runs only the newest branch and, without gradients, the shared layers that it reads.

    Attributes:
        size: Number of layers in the trunk.
        forks: For each branch, the trunk layer that its first layer is a copy of; ``size`` for a head only.
        starts: For each branch, the index of its first layer; that of the joined heads if it has none.
        operations: Multiplications of the original per image pixel.
        reconcile: Whether a more confident box of a newer class replaces an older one's, unless overridden.
        classes_by_name: Validation matches the dataset's classes by name, so `compare` needs no equal class lists.
        label_indices: Class of the labels -> class of the newest head, -1 for none; None if they are the same.
    """

    model: Any
    forks: list[int]
    starts: list[int]
    operations: float
    reconcile: bool = False
    classes_by_name = True

    def __init__(self, base: DetectionModel) -> None:
        """Copy a detector with weights, with no branch added yet; it is not modified."""
        nn.Module.__init__(self)  # not DetectionModel's, which builds a network from a YAML
        self.__dict__.update({name: deepcopy(value) for name, value in vars(base).items() if name not in TRANSIENT})
        self.names = as_dict(base.names)
        self.label_indices: list[int] | None = None
        if isinstance(base, ExtendedModel):
            return
        *layers, head = self.model
        joined = JoinedDetect([head])
        place(joined, len(layers), inputs(head))
        self.model = nn.Sequential(*layers, joined)
        self.size, self.forks, self.starts = len(layers), [], []
        self.operations = sum(narrowing.count_operations(base, self.channels))

    @property
    def joined(self) -> JoinedDetect:
        """The joined heads, the last layer."""
        return self.model[-1]

    def add_branch(
        self, fork: int, names: Sequence[str], room: float | None = None, levels: slice = ALL_LEVELS
    ) -> None:
        """Add a branch for new classes, initialised from the old network's weights; a head-only branch is narrower.

        Args:
            fork: The trunk layer where it starts; ``size`` for a head only.
            names: Names of the new classes.
            room: The share of the original's operations that it may use: it starts earlier if it leaves some of them,
                and has a narrower head if it needs more. None for full copies of the layers from ``fork`` on.
            levels: The levels that its head reads, finest first. What only others need is not copied.
        """
        *layers, joined = self.model
        read, needed = inputs(joined)[: joined.levels[0]][levels], self.list_needed(levels)
        head = renew(joined.heads[0], len(names), levels)
        if room is not None:
            costs = narrowing.count_operations(self, self.channels)
            fork, head = budget.fit(layers, needed, costs, head, fork, room * self.operations)
        start, copied = len(layers), [layer for layer in needed if layer >= fork]
        moved = {old: start + i for i, old in enumerate(copied)}
        for old, new in moved.items():
            layer = deepcopy(layers[old])
            place(layer, new, [moved.get(j, j) for j in inputs(layers[old])])
            layers.append(layer)
        if not copied:  # only a head is added, which at full width would cost as much as the old one
            head = narrowing.fit(head, HEAD_SHARE * self.operations)
        heads = JoinedDetect([*joined.heads, head])
        place(heads, len(layers), [*inputs(joined), *(moved.get(j, j) for j in read)])
        self.model = nn.Sequential(*layers, heads)
        self.save = sorted({j for layer in self.model for j in trunk.sources(layer.f, layer.i)})
        self.forks, self.starts = [*self.forks, fork], [*self.starts, start]
        self.names = {**self.names, **dict(enumerate(names, len(self.names)))}
        self.nc = len(self.names)

    def list_needed(self, levels: slice) -> list[int]:
        """Return the trunk's layers that a head of some levels depends on, without what only finer levels need."""
        ends = inputs(self.joined)[: self.joined.levels[0]]
        return sorted(last_uses(self.model, ends[levels], ends[: levels.start]).keys() - {-1})

    def initial_weights(self) -> dict[str, Tensor]:
        """Return the values that the newest branch's backbone and neck began from: those of the trunk's layers."""
        last = len(self.model) - 1
        copied = [layer for layer in self.list_needed(self.newest_levels) if layer >= self.forks[-1]]
        return {
            f"model.{new}.{name}": value
            for new, old in zip(range(self.starts[-1], last), copied, strict=True)
            for name, value in self.model[old].state_dict().items()
        }

    @property
    def newest_levels(self) -> slice:
        """The levels of the original that the newest head reads."""
        old, new = list_strides(self.joined.heads[0]), list_strides(self.joined.heads[-1])
        return slice(old.index(new[0]), old.index(new[-1]) + 1)

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.yaml.get("channels", 3)

    def train(self, mode: bool = True) -> ExtendedModel:
        """Set the mode of the part that trains; the rest stays in evaluation mode, so its statistics do not move."""
        super().train(mode)
        old = self.starts[-1] if self.starts else 0
        for module in (*self.model[:old], *self.joined.heads[:-1]):
            module.eval()
        return self

    def predict(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Run the network; in training only the newest branch."""
        return self.run_newest(x) if self.training else super().predict(x, *args, **kwargs)

    def run_newest(self, x: Tensor) -> Any:
        """Return the newest head's raw predictions; shared layers are computed without gradients.

        Args:
            x: Images (B, C, H, W).
        """
        head = self.joined
        own = inputs(head)[-head.levels[-1] :]
        last = last_uses(self.model, own)
        outputs: dict[int, Tensor] = {-1: x}
        for i in sorted(last.keys() - {-1}):
            layer: Any = self.model[i]
            sources = inputs(layer)
            read = [outputs[j] for j in sources]
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= self.starts[-1]):
                outputs[i] = layer(read if isinstance(layer.f, list) else read[0])
            for j in {j for j in sources if last[j] == i}:
                del outputs[j]
        return head.heads[-1]([outputs[j] for j in own])

    def loss(self, batch: dict[str, Any], preds: Any = None) -> Any:
        """Return the newest branch's loss; in validation, labels of other classes are ignored."""
        if self.training or self.label_indices is None:
            return super().loss(batch, preds)
        indices = torch.tensor(self.label_indices, device=batch["cls"].device)
        classes = indices[batch["cls"].view(-1).long()]
        kept = classes >= 0
        labels = {name: batch[name][kept] for name in ("bboxes", "batch_idx")}
        return super().loss({**batch, **labels, "cls": classes[kept].view(-1, 1).to(batch["cls"])}, preds)

    def init_criterion(self) -> Any:
        """Return Ultralytics' own loss for the newest head."""
        head = self.joined.heads[-1]
        seen = SimpleNamespace(
            model=[head], args=self.args, parameters=self.parameters, class_weights=getattr(self, "class_weights", None)
        )
        return v8DetectionLoss(seen) if getattr(head, "one2one_cv2", None) is None else E2ELoss(seen)

    def metadata(self) -> dict[str, Any]:
        """Return the extra metadata for exports of the model."""
        return {"branches": list(self.joined.counts), "reconcile": self.reconcile}

    def held(self, names: Iterable[str]) -> frozenset[str]:
        """Return the names of the parameters or statistics that stay fixed: all but the newest branch's."""
        last, heads = len(self.model) - 1, len(self.joined.heads)
        own = (f"model.{last}.heads.{heads - 1}.", *(f"model.{i}." for i in range(self.starts[-1], last)))
        return frozenset(name for name in names if not name.startswith(own))

    def held_parameters(self) -> frozenset[str]:
        """Return the names of the parameters that never train, for `freeze.selection`."""
        return self.held(name for name, _ in self.named_parameters())

    def hold(self) -> None:
        """Freeze the old part: no gradients."""
        parameters = dict(self.named_parameters())
        for name in self.held(parameters):
            parameters[name].requires_grad_(False)
            parameters[name].grad = None

    def selector_groups(self) -> dict[str, range]:
        """Return group -> its layers in the newest branch, for `freeze.selection`."""
        start, last, fork = self.starts[-1], len(self.model) - 1, self.forks[-1]
        neck = start + max(0, len(self.yaml["backbone"]) - fork)
        found = {"backbone": range(start, neck), "neck": range(neck, last), "head": range(last, last + 1)}
        return {name: layers for name, layers in {**found, "all": range(start, last + 1)}.items() if layers}


def inputs(layer: Any) -> list[int]:
    """Return the indices of the layers that a layer reads; -1 is the image."""
    sources = [layer.f] if isinstance(layer.f, int) else layer.f
    return [j if j >= 0 else layer.i + j for j in sources]


def place(layer: Any, index: int, sources: Sequence[int]) -> None:
    """Set a layer's index and inputs; Ultralytics expects -1 for the layer right before it."""
    relative = [-1 if j == index - 1 else j for j in sources]
    trunk.place(layer, index, relative if isinstance(getattr(layer, "f", []), list) else relative[0])


def last_uses(layers: Any, ends: Sequence[int], without: Collection[int] = ()) -> dict[int, int]:
    """Return every layer that ``ends`` depend on, themselves included -> the last layer that reads it.

    Layers in ``without``, and what only they depend on, are left out.
    """
    last = dict.fromkeys(ends, len(layers))
    for i in range(len(layers) - 1, -1, -1):
        if i in last:
            for j in inputs(layers[i]):
                if j not in without:
                    last.setdefault(j, i)
    return last


def extend(
    model: DetectionModel, fork: int, names: Sequence[str], room: float | None = None, levels: slice = ALL_LEVELS
) -> ExtendedModel:
    """Return a model with a branch for new classes, in training mode.

    ``model``, which is not modified, is a trained detector, extended or not, that `base.check` accepts; the others are
    as in `ExtendedModel.add_branch`.
    """
    extended = ExtendedModel(model).float()
    extended.add_branch(fork, names, room, levels)
    return extended.train()


def trunk_groups(model: Any) -> dict[str, range]:
    """Return group -> its layers in the trunk of a model, extended or not; "head" is the layer after the trunk."""
    size = model.size if isinstance(model, ExtendedModel) else len(model.model) - 1
    split = len(model.yaml["backbone"])
    return {"backbone": range(split), "neck": range(split, size), "head": range(size, size + 1)}
