"""A detector with new classes beside its old ones: the old layers as they are, and a branch for each extension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss

from tintbox.errors import TintboxError
from tintbox.plugins import trunk
from tintbox.plugins.extend import narrowing
from tintbox.plugins.extend.classes import as_dict
from tintbox.plugins.extend.head import JoinedDetect, renew
from tintbox.plugins.freeze import selection

HEAD_SHARE = 0.19  # of the original's operations: what a head alone may need as a branch; a fifth with its decoding
TRANSIENT = ("criterion", "class_weights")  # what a model has of the training that it comes from


class ExtendedModel(DetectionModel):
    """A `DetectionModel` whose layers are the old trunk, a copy of its last layers per branch, and the joined heads.

    The trunk's layers keep their numbers; a branch's layers read each other, and the trunk where they leave it. In
    training only the newest branch is run, and what it reads of the rest, without gradients.

    Attributes:
        size: How many layers the trunk has.
        forks: Of every branch, the trunk's layer that its first one is a copy of; ``size`` if it is a head alone.
        starts: Of every branch, its first layer; the number of the heads if it has none.
        operations: Multiplications of the original for a pixel of the picture.
        reconcile: Whether a surer box of a newer class takes the place of an older one's, unless one asks otherwise.
        classes_by_name: Validation takes the dataset's classes, by their names; `compare` needs no equal lists then.
        label_indices: Class of the labels -> among the newest head's, -1 for none; None if they are the same.
    """

    model: Any
    forks: list[int]
    starts: list[int]
    operations: float
    reconcile: bool = False
    classes_by_name = True

    def __init__(self, base: DetectionModel) -> None:
        """Take a copy of a detector, with no branch yet.

        Args:
            base: The detector, with weights; it stays as it is.
        """
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
        self.operations = narrowing.count_operations(base, self.yaml.get("channels", 3))

    @property
    def joined(self) -> JoinedDetect:
        """The last layer, the joined heads."""
        return self.model[-1]

    def add_branch(self, fork: int, names: Sequence[str], room: float | None = None) -> None:
        """Add a branch for new classes, begun from the old network's weights; a head alone has narrower branches.

        Args:
            fork: The trunk's layer where it begins; ``size`` for a head alone.
            names: Of the new classes.
            room: The share of the original's operations that it may need, for which it has a narrower head; None if its
                layers are whole copies.
        """
        *layers, joined = self.model
        before = 0.0 if room is None else self.count_operations()
        start = len(layers)
        moved = {old: start + old - fork for old in range(fork, self.size)}
        for old, new in moved.items():
            layer = deepcopy(layers[old])
            place(layer, new, [moved.get(j, j) for j in inputs(layers[old])])
            layers.append(layer)
        levels = inputs(joined)
        own = [moved.get(j, j) for j in levels[: joined.levels[0]]]
        head = renew(joined.heads[0], len(names))
        if fork == self.size:  # all that it adds is the head, which costs as much as the old one otherwise
            head = narrowing.fit(head, HEAD_SHARE * self.operations)
        heads = JoinedDetect([*joined.heads, head])
        place(heads, len(layers), [*levels, *own])
        self.model = nn.Sequential(*layers, heads)
        self.save = sorted({j for layer in self.model for j in trunk.sources(layer.f, layer.i)})
        self.forks, self.starts = [*self.forks, fork], [*self.starts, start]
        self.names = {**self.names, **dict(enumerate(names, len(self.names)))}
        self.nc = len(self.names)
        if room is not None:
            over = self.count_operations() - before - room * self.operations
            most = narrowing.count_head_operations(head) - over
            heads.heads[-1] = narrowing.fit(head, most, narrowing.SLIM)

    def count_operations(self) -> float:
        """Return the multiplications for a pixel of the picture."""
        if not self.starts:
            return self.operations
        return narrowing.count_operations(self, self.yaml.get("channels", 3))

    def train(self, mode: bool = True) -> ExtendedModel:
        """Set the mode of what trains; the rest stays in evaluation mode, so that its statistics stand still."""
        super().train(mode)
        for module in (*self.model[: self.starts[-1]], *self.joined.heads[:-1]):
            module.eval()
        return self

    def predict(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Run the network; in training the newest branch alone."""
        return self.run_newest(x) if self.training else super().predict(x, *args, **kwargs)

    def run_newest(self, x: Tensor) -> Any:
        """Return the newest head's raw predictions, computed without gradients as far as the branch shares layers.

        Args:
            x: Pictures (B, C, H, W).
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
        """Return the newest branch's loss; in validation the labels of other classes are left out of it."""
        if self.training or self.label_indices is None:
            return super().loss(batch, preds)
        indices = torch.tensor(self.label_indices, device=batch["cls"].device)
        classes = indices[batch["cls"].view(-1).long()]
        kept = classes >= 0
        labels = {name: batch[name][kept] for name in ("bboxes", "batch_idx")}
        return super().loss({**batch, **labels, "cls": classes[kept].view(-1, 1).to(batch["cls"])}, preds)

    def init_criterion(self) -> Any:
        """Return Ultralytics' own loss, of the newest head."""
        head = self.joined.heads[-1]
        seen = SimpleNamespace(
            model=[head], args=self.args, parameters=self.parameters, class_weights=getattr(self, "class_weights", None)
        )
        return v8DetectionLoss(seen) if getattr(head, "one2one_cv2", None) is None else E2ELoss(seen)

    def metadata(self) -> dict[str, Any]:
        """Return what exports of the model have besides the usual."""
        return {"branches": list(self.joined.counts), "reconcile": self.reconcile}

    def held(self, names: Iterable[str]) -> frozenset[str]:
        """Return those of the names of parameters or statistics that stay as they are: all but the newest branch's."""
        last, heads = len(self.model) - 1, len(self.joined.heads)
        own = (f"model.{last}.heads.{heads - 1}.", *(f"model.{i}." for i in range(self.starts[-1], last)))
        return frozenset(name for name in names if not name.startswith(own))

    def held_parameters(self) -> frozenset[str]:
        """Return the names of the parameters that never train, for `freeze.selection`."""
        return self.held(name for name, _ in self.named_parameters())

    def hold(self) -> None:
        """Let what is old have no gradients."""
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
    """Return the numbers of the layers that a layer reads; -1 is the picture."""
    sources = [layer.f] if isinstance(layer.f, int) else layer.f
    return [j if j >= 0 else layer.i + j for j in sources]


def place(layer: Any, index: int, sources: Sequence[int]) -> None:
    """Write on a layer its place and where its inputs come from; the layer right before it is -1 to Ultralytics."""
    relative = [-1 if j == index - 1 else j for j in sources]
    trunk.place(layer, index, relative if isinstance(getattr(layer, "f", []), list) else relative[0])


def last_uses(layers: Any, ends: Sequence[int]) -> dict[int, int]:
    """Return the layers that some need, themselves among them, each with the last one that reads it."""
    last = dict.fromkeys(ends, len(layers))
    for i in range(len(layers) - 1, -1, -1):
        if i in last:
            for j in inputs(layers[i]):
                last.setdefault(j, i)
    return last


def check_base(model: Any) -> None:
    """Check that a model can be extended.

    Raises:
        TintboxError: It has another head or make than those of YOLOv8, YOLO11 and YOLO26, or is fused, or exported.
    """
    if isinstance(model, ExtendedModel):
        return
    head = getattr(model, "model", [None])[-1]
    if type(model) is not DetectionModel or type(head) is not Detect:
        raise TintboxError(
            f"extend: {selection.title(model)} has a {type(head).__name__} head; models with the detection heads of "
            "YOLOv8, YOLO11 and YOLO26 can be extended"
        )
    if head.nl != len(model.yaml["head"][-1][0]):
        raise TintboxError(
            f"extend: {selection.title(model)} is extended already and was written by `tintbox export-stock`; give the "
            "checkpoint that it was made from"
        )
    if model.is_fused():
        raise TintboxError(f"extend: {selection.title(model)} is fused for prediction; give the checkpoint as trained")


def extend(model: DetectionModel, fork: int, names: Sequence[str], room: float | None = None) -> ExtendedModel:
    """Return a model with a branch for new classes, in training mode.

    Args:
        model: A trained detector, extended or not, that `check_base` accepts; it stays as it is.
        fork: As in `ExtendedModel.add_branch`.
        names: Of the new classes.
        room: As in `ExtendedModel.add_branch`.
    """
    extended = ExtendedModel(model).float()
    extended.add_branch(fork, names, room)
    return extended.train()


def trunk_groups(model: Any) -> dict[str, range]:
    """Return group -> its layers in the trunk of a model, extended or not; the head comes after the trunk."""
    size = model.size if isinstance(model, ExtendedModel) else len(model.model) - 1
    split = len(model.yaml["backbone"])
    return {"backbone": range(split), "neck": range(split, size), "head": range(size, size + 1)}
