"""Checks of a run with ``extend=`` that are possible before its folder is created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tintbox.errors import TintboxError
from tintbox.plugins.extend import forks, network, training
from tintbox.plugins.extend.classes import Names, NewClasses
from tintbox.plugins.extend.network import ExtendedModel
from tintbox.plugins.freeze import selection, selectors

WITHOUT = ("distill_model", "quantize", "compile")  # Ultralytics' training options that replace the network


def refuse_plain(model: Any) -> None:
    """Refuse to train an extended model like any other: Ultralytics would rebuild it without its branches.

    Raises:
        TintboxError: Always.
    """
    raise TintboxError(
        f"model={model} is an extended model, which stays as it is; train new classes beside it with extend=true"
    )


def check_resume(model: Any, arguments: Mapping[str, Any], names: Names | None) -> None:
    """Check that a run is resumed with its own classes.

    Raises:
        TintboxError: The classes differ.
    """
    if isinstance(model, ExtendedModel) and names and not model.args.get("single_cls"):
        training.classes_of_run(model, names, model.args.get("classes"), arguments.get("data"))


def check_run(
    model: Any, task: str, arguments: Mapping[str, Any], names: Names | None
) -> tuple[ExtendedModel, list[str] | None]:
    """Return the model that a run would train, and its new classes if they are known.

    Args:
        model: The loaded or built network; not modified.
        task: Its task.
        arguments: The run's arguments, each already checked on its own.
        names: The dataset's classes; None if not known yet.

    Raises:
        TintboxError: The model cannot be extended this way, or another argument conflicts with ``extend``.
    """
    value = arguments["extend"]
    if task != "detect":
        title = selection.title(model)
        raise TintboxError(f"extend={value}: {title} is a {task} model; only detect models can be extended")
    if getattr(model, "pt_path", None) is None:
        raise TintboxError(
            f"extend={value}: {selection.title(model)} has no trained weights; give a checkpoint, e.g. model=yolo11n.pt"
        )
    if arguments.get("pretrained", True) is not True:
        raise TintboxError(
            f"extend={value}: pretrained={arguments['pretrained']} would replace the weights of the model that is "
            "extended; leave it out"
        )
    if isinstance(arguments.get("data"), (list, tuple)):
        raise TintboxError(f"extend={value}: give one dataset; extend the model again for the next one")
    if set_ := [name for name in WITHOUT if arguments.get(name)]:
        raise TintboxError(f"{set_[0]}={arguments[set_[0]]} does not go with extend={value}; leave it out")
    network.check_base(model)
    fork = forks.find(value, network.trunk_groups(model), selection.title(model))
    names = {0: "item"} if arguments.get("single_cls") else names
    data = arguments.get("data")
    new = list(NewClasses.of(model.names, names, arguments.get("classes"), data).names) if names else None
    extended = network.extend(model, fork, new or ["new"], forks.room(value))
    freeze = arguments.get("freeze")
    if selectors.freezes(freeze) and not selectors.is_policy(freeze):
        raise TintboxError(
            f"freeze={freeze}: numbers of layers are the old model's, which extend= leaves as it is; name parts of the "
            f"new branch ({', '.join(extended.selector_groups())})"
        )
    return extended, new
