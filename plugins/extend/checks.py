"""Checks of a run with ``extend=`` that are possible before its folder is created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError
from tintbox.plugins.extend import base, forks, labels, network, training
from tintbox.plugins.extend.classes import ONE_CLASS, Names, NewClasses, as_dict, check_chosen, match
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


def check_resume(model: ExtendedModel, arguments: Mapping[str, Any], names: Names | None) -> None:
    """Check that a run is resumed with its own classes.

    Raises:
        TintboxError: The classes differ.
    """
    if names and not model.args.get("single_cls"):
        training.classes_of_run(model, names, model.args.get("classes"), arguments.get("data"))


def check_model(model: Any, task: str, arguments: Mapping[str, Any]) -> None:
    """Check that a run's model can be extended this way, whatever the dataset.

    Raises:
        TintboxError: It cannot be extended, or another argument conflicts with ``extend``.
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
    base.check(model)
    forks.find(value, network.trunk_groups(model), selection.title(model))


def check_run(
    model: Any, arguments: Mapping[str, Any], new: NewClasses | None, pictures: Sequence[str]
) -> ExtendedModel:
    """Return the model that a run would train; ``model`` is not modified, and ``new`` is None if not known yet.

    Raises:
        TintboxError: `freeze` names layers by number.
    """
    extended = training.build(model, arguments, new or NewClasses(("new",), (0,), ()), pictures)
    freeze = arguments.get("freeze")
    if selectors.freezes(freeze) and not selectors.is_policy(freeze):
        raise TintboxError(
            f"freeze={freeze}: numbers of layers are the old model's, which extend= leaves as it is; name parts of the "
            f"new branch ({', '.join(extended.selector_groups())})"
        )
    return extended


def find_new(model: Any, arguments: Mapping[str, Any], names: Names) -> NewClasses:
    """Return what the classes of a run's dataset add to its model.

    Raises:
        TintboxError: They add nothing, or ``classes`` names one that the dataset lacks.
    """
    chosen, data = arguments.get("classes"), arguments.get("data")
    if not arguments.get("single_cls"):
        return NewClasses.of(model.names, names, chosen, data)
    check_chosen(chosen, as_dict(names), data)
    if match(ONE_CLASS, model.names):
        known = f"the new class would be '{ONE_CLASS[0]}', which the model knows already"
        raise TintboxError(f"single_cls=True: {known}; leave it out, and give data={data} one class of another name")
    return NewClasses.of(model.names, ONE_CLASS)


def check_images(
    model: Any, new: NewClasses, arguments: Mapping[str, Any], channels: int, pictures: Sequence[str]
) -> None:
    """Check that there is something to learn; the images' labels are read until there is a box.

    Raises:
        TintboxError: The model takes other images, or no training image has a box of a new class.
    """
    base.check_channels(model, channels, arguments.get("data"))
    if not labels.have_box(dataset_files.label_files(pictures), new.in_labels(arguments)):
        raise labels.no_box(new, arguments.get("data"), arguments.get("fraction"))
