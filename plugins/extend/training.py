"""A training run with ``extend=``: its model, its labels, and what stays frozen.

`host.extension` calls `begin`; the functions at the end are trainer callbacks, named after their events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ultralytics.utils import LOGGER, RANK, colorstr

from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError
from tintbox.plugins.extend import base, forks, labels, network
from tintbox.plugins.extend.classes import NewClasses, listed
from tintbox.plugins.extend.head import ALL_LEVELS, list_strides
from tintbox.plugins.extend.network import ExtendedModel
from tintbox.plugins.freeze import selection
from tintbox.plugins.wrappers import models_of, unwrap

PREFIX = colorstr("extend: ")


class Extension:
    """What a run adds, stored as ``trainer.tintbox_extend``.

    Attributes:
        added: The new classes.
        names: All classes of the model.
        data: Ultralytics' description of the dataset, with all its classes; the trainer's own has only the new ones.
    """

    def __init__(self, added: NewClasses, names: dict[int, str], data: dict[str, Any]) -> None:
        self.added, self.names, self.data = added, names, data

    def relabel(self, dataset: Any) -> None:
        """Drop other classes' boxes from a training set, and renumber the new classes to match the head.

        Raises:
            TintboxError: No box is left.
        """
        indices, left, away = np.asarray(self.added.indices), 0, 0
        for label in dataset.labels:
            classes = indices[label["cls"].reshape(-1).astype(int)]
            kept = classes >= 0
            label["cls"] = classes[kept].reshape(-1, 1).astype(label["cls"].dtype)
            label["bboxes"] = label["bboxes"][kept]
            if label.get("segments"):
                label["segments"] = [segment for segment, keep in zip(label["segments"], kept) if keep]
            left, away = left + int(kept.sum()), away + int((~kept).sum())
        if not left:
            raise labels.no_box(self.added, self.data.get("yaml_file") or self.data.get("path"))
        if self.added.known and RANK in {-1, 0}:
            LOGGER.info(
                f"{PREFIX}the model already knows {listed(self.added.known)}: their {away} of {left + away} training "
                "boxes are left out"
            )


def begin(trainer: Any, weights: Any) -> ExtendedModel:
    """Return the model that a run trains, and restrict the trainer's dataset to the new classes.

    ``weights`` is the network to extend; in a resumed run, the extended network itself.

    Raises:
        TintboxError: It cannot be extended, or the dataset adds no class, or not the classes of the resumed run.
    """
    data, args = trainer.data, trainer.args
    if weights is None:
        raise TintboxError(f"extend={args.extend}: {args.model} has no trained weights; give a checkpoint")
    base.check(weights)
    base.check_channels(weights, data["channels"], args.data)
    if trainer.resume:
        if not isinstance(weights, ExtendedModel) or not weights.starts:
            raise TintboxError(f"model={args.model} is no run with extend=; leave out `resume`")
        model = ExtendedModel(weights).float().train()
        added = classes_of_run(model, data["names"], chosen(args), args.data)
    else:
        added = NewClasses.of(weights.names, data["names"], chosen(args), args.data)
        by_size, share = args.extend in forks.BY_SIZE, dataset_files.training_share(args.fraction)
        pictures = dataset_files.picture_files(data["train"], share) if by_size else []
        model = build(weights, vars(args), added, pictures)
        tell(model, added)
    if args.reconcile is not None:
        model.reconcile = args.reconcile
    model.label_indices = list(added.indices)
    model.requires_grad_(True)  # as in a newly built model: Ultralytics warns of frozen ones; `hold` freezes them later
    restrict(trainer, added, model)
    return model


def build(weights: Any, arguments: Mapping[str, Any], new: NewClasses, pictures: Sequence[str]) -> ExtendedModel:
    """Return the extended model that a run trains.

    ``weights`` is not modified. The training images count if the value leaves the choice of the levels to them.
    """
    value, groups = arguments["extend"], network.trunk_groups(weights)
    fork, room, levels = forks.find(value, groups, selection.title(weights)), forks.room(value), ALL_LEVELS
    if value in forks.BY_SIZE:
        small, large = labels.box_sides(pictures, new.in_labels(arguments))
        levels = labels.find_levels(small, large, arguments.get("imgsz"), weights.stride.tolist())
    return network.extend(weights, fork, new.names, room, levels)


def join(trainer: Any, model: ExtendedModel) -> None:
    """Restrict the dataset of a distributed run's process to the new classes; another process has built the model."""
    restrict(trainer, classes_of_run(model, trainer.data["names"], chosen(trainer.args), trainer.args.data), model)


def restrict(trainer: Any, added: NewClasses, model: ExtendedModel) -> None:
    """Restrict a trainer's dataset to the classes that it adds to the model."""
    data = trainer.data
    trainer.tintbox_extend = Extension(added, model.names, data)
    trainer.data = {**data, "names": dict(enumerate(added.names)), "nc": len(added.names)}


def chosen(args: Any) -> Any:
    """Return the value of ``classes=`` if it tells new classes apart; with ``single_cls``, they are one by then."""
    return None if args.single_cls else args.classes


def classes_of_run(model: ExtendedModel, names: Any, chosen: Any, data: Any) -> NewClasses:
    """Return what the dataset of a run under way adds to the model as it was before the run.

    Raises:
        TintboxError: The classes differ from the run's.
    """
    count = model.joined.counts[-1]
    every = list(model.names.values())
    added = NewClasses.of(every[:-count], names, chosen, data)
    if list(added.names) != every[-count:]:
        raise TintboxError(
            f"data={data} has other new classes ({listed(added.names)}) than the run ({listed(every[-count:])}); "
            "resume with its dataset, or extend the finished model by this one"
        )
    return added


def tell(model: ExtendedModel, added: NewClasses) -> None:
    """Log what is added, where it starts, and what trains."""
    if RANK not in {-1, 0}:
        return
    held = model.held_parameters()
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    still = sum(sizes[name] for name in held)
    where = f"layer {model.forks[-1]}" if model.forks[-1] < model.size else "the head"
    count = len(added.names)
    every, own = list_strides(model.joined.heads[0]), list_strides(model.joined.heads[-1])
    for stride in (stride for stride in every if stride not in own):
        boxes = "large" if stride < own[0] else "small"
        where += f", without the level of stride {int(stride)} (the boxes are {boxes})"
    LOGGER.info(
        f"{PREFIX}{count} new class{'es' * (count > 1)} ({listed(added.names)}) added to {len(model.names) - count}, "
        f"in a branch from {where}: {sum(sizes.values()) - still:,} parameters train, {still:,} stay unchanged"
    )


def on_pretrain_routine_end(trainer: Any) -> None:
    """Freeze the old part, and restore the models' class names: Ultralytics has set the dataset's.

    Raises:
        TintboxError: Another network trains: a custom trainer has built it.
    """
    if not (hasattr(trainer, "tintbox_extend") and isinstance(unwrap(trainer.model), ExtendedModel)):
        raise TintboxError(
            f"extend={trainer.args.extend}: {type(trainer).__name__} has built another model; let its get_model return "
            "super().get_model(cfg, weights, verbose), or train without trainer="
        )
    for model in models_of(trainer):
        model.names, model.nc = dict(trainer.tintbox_extend.names), len(trainer.tintbox_extend.names)
        model.hold()


@torch.no_grad()
def on_train_epoch_end(trainer: Any) -> None:
    """Copy the old part into the moving average, where averaging equal values has rounded them."""
    live, *averages = models_of(trainer)
    for average in averages:
        there, here = average.state_dict(), live.state_dict()
        for name in live.held(here):
            there[name].copy_(here[name])
