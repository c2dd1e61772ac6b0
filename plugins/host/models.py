"""Patches for models: their task, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tintbox.plugins.autoload import TASK, import_optional, tell
from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace


@patch("ultralytics.nn.tasks", "guess_model_task")
def guess_task(tasks: Any) -> None:
    """Recognise a colouriser: the stock guess only knows the heads of the built-in tasks."""

    @replace(tasks, "guess_model_task")
    def guess(model: Any, *, stock: Any) -> str:
        if isinstance(model, dict) and model.get("task") == TASK:
            return TASK
        return stock(model)


@patch("ultralytics.nn.tasks", "_SafeLoad._build")
def safe_classes(tasks: Any) -> None:
    """Let restricted loading (ULTRALYTICS_SAFE_LOAD=1) build our layers: its allow-list only has stock classes."""

    @replace(tasks._SafeLoad, "_build")
    def build_with_tintbox(cls: Any, *, stock: Any) -> dict[str, Any]:
        ours: list[type] = []
        try:
            from tintbox.colorization import colour_head, joined, model, networks, transposed
            from tintbox.plugins.anchor import head, layers
            from tintbox.plugins.extend.head import JoinedDetect
            from tintbox.plugins.extend.network import ExtendedModel

            ours = [
                *(model.ColorizeModel, joined.JoinedConv2d, transposed.ConvTranspose2d, ExtendedModel, JoinedDetect),
                *(*networks.NETWORKS.values(), *colour_head.HEADS.values(), *head.HEADS.values(), *layers.LAYERS),
            ]
        except Exception as error:  # noqa: BLE001  stock checkpoints must still load
            tell(f"no model of tintbox can be loaded, {type(error).__name__}: {error}")
        return {**stock(cls), **{f"{c.__module__}.{c.__qualname__}": c for c in ours}}


@patch("ultralytics.nn.tasks", "BaseModel.load")
def backbone_hand_over(tasks: Any) -> None:
    """Transfer backbone and neck between colourisers and detectors: stock loading silently takes nothing or half."""

    @replace(tasks.BaseModel, "load")
    def load_weights(self: Any, weights: Any, verbose: bool = True, *, stock: Any) -> None:
        handover = import_optional("tintbox.plugins.transfer.handover")
        if handover is None:
            source = (weights.get("ema") or weights.get("model")) if isinstance(weights, dict) else weights
            if TASK in (getattr(self, "task", None), getattr(source, "task", None)):
                capabilities.require("the hand-over of a backbone", "a colouriser's weights")
        elif handover.hand_over(self, weights):
            return
        stock(self, weights, verbose)


@patch("ultralytics.nn.tasks", "BaseModel.load")
def loaded_weights(tasks: Any) -> None:
    """Remember which file a network's weights are of, for `polish`: no callback sees them being loaded."""

    @replace(tasks.BaseModel, "load")
    def load_and_note(self: Any, weights: Any, *args: Any, stock: Any, **kwargs: Any) -> None:
        stock(self, weights, *args, **kwargs)
        if origins := import_optional("tintbox.plugins.polish.origins"):
            origins.note(self, weights)


@patch("ultralytics.utils.downloads", "attempt_download_asset")
def names_with_apostrophes(downloads: Any) -> None:
    """Load an existing file under the name that was given: the stock function takes the apostrophes out of it.

    Below a folder such as ``John's runs``, a whole training would end in its final validation, without its best.pt.
    """

    @replace(downloads, "attempt_download_asset")
    def download(file: Any, *args: Any, stock: Any, **kwargs: Any) -> str:
        return str(file) if "'" in str(file) and Path(file).is_file() else stock(file, *args, **kwargs)


class Colouriser(Mapping[str, Any]):
    """The classes of the task, imported on access, because the table is read for models of every task."""

    ROLES = ("model", "trainer", "validator", "predictor")

    def __getitem__(self, role: str) -> Any:
        """Return the class of a role."""
        if role not in self.ROLES:
            raise KeyError(role)
        capabilities.require("colourising", f"a {TASK} {role}")
        return getattr(import_module(f"tintbox.colorization.{role}"), f"Colorize{role.title()}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.ROLES)

    def __len__(self) -> int:
        return len(self.ROLES)


@patch("ultralytics.models.yolo.model", "YOLO.task_map")
def task_map(yolo: Any) -> None:
    """Give `YOLO` the classes of the task: the stock property returns a literal dict."""
    stock = yolo.YOLO.task_map

    def with_colorize(self: Any) -> dict[str, Mapping[str, Any]]:
        return {**stock.fget(self), TASK: Colouriser()}

    yolo.YOLO.task_map = property(with_colorize, doc=stock.__doc__)
