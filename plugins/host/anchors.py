"""Patches for anchor-based detectors: how their models are built, loaded and trained."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

from tintbox.plugins.host import capabilities
from tintbox.plugins.host.table import patch, replace

HEADS = {"AnchorDetect", "DarknetDetect"}
READERS = {"serialization.py", "_weights_only_unpickler.py"}  # PyTorch's, the second for restricted loading
CONTENT = (TypeError, AttributeError, KeyError, pickle.UnpicklingError)  # what loading raises for bad file content


def name_head(d: Any) -> str:
    """Return the name of the last layer of a model's YAML, or "" if it is not a model; Ultralytics reports that."""
    try:
        return str([*d["backbone"], *d["head"]][-1][2])
    except (LookupError, TypeError):
        return ""


@patch("ultralytics.nn.tasks", "yaml_model_load")
def anchor_yamls(tasks: Any) -> None:
    """Check the rows of YAMLs with an anchor head: Ultralytics reads some of them before it parses the model."""

    @replace(tasks, "yaml_model_load")
    def load(path: Any, *, stock: Any) -> dict[str, Any]:
        found = stock(path)
        if name_head(found) in HEADS:
            capabilities.require("anchor models", str(path))
            from tintbox import model_yaml

            model_yaml.check_rows(found)
        return found


@patch("ultralytics.nn.tasks", "parse_model", "DetectionModel")
def anchor_models(tasks: Any) -> None:
    """Build models with an anchor head: the stock parser knows only its own heads.

    The stock parser still builds the rest of such a model, and every other model.
    """

    @replace(tasks, "parse_model")
    def parse(d: dict[str, Any], ch: int, verbose: bool = True, *, stock: Any) -> Any:
        head = name_head(d)
        if head not in HEADS:
            return stock(d, ch, verbose)
        capabilities.require("anchor models", f"a model with {head}")
        from tintbox.plugins.anchor import building

        return building.parse(d, ch, verbose)


@patch("ultralytics.nn.tasks", "DetectionModel.init_criterion", "BaseModel._remap_cls_by_names")
def anchor_training(tasks: Any) -> None:
    """Give models with an anchor head their loss, and transfer their class rows to a model with other classes.

    The trainer uses `DetectionModel` by name, so a subclass would not be used.
    """

    def is_ours(model: Any) -> bool:
        return type(model.model[-1]).__name__ in HEADS

    @replace(tasks.DetectionModel, "init_criterion")
    def criterion(self: Any, *, stock: Any) -> Any:
        if not is_ours(self):
            return stock(self)
        from tintbox.plugins.anchor.loss import AnchorLoss

        return AnchorLoss.of(self)

    @replace(tasks.BaseModel, "_remap_cls_by_names")
    def class_rows(self: Any, csd: dict[str, Any], src_model: Any, verbose: bool = True, *, stock: Any) -> int:
        if not is_ours(self):
            return stock(self, csd, src_model, verbose=verbose)
        from tintbox.plugins.anchor import transfer

        return transfer.class_rows(self, csd, src_model, verbose)


@patch("ultralytics.nn.tasks", "torch_safe_load")
def classic_checkpoints(tasks: Any) -> None:
    """Load classic YOLOv3 and YOLOv5 checkpoints: the stock loader refuses them, after running their pickle."""
    from tintbox import checkpoint_file

    @replace(tasks, "torch_safe_load")
    def load(weight: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        file = checkpoint_file.find_classic(weight)
        if file is None:
            return stock(weight, *args, **kwargs)
        from tintbox.plugins.anchor import conversion

        return conversion.checkpoint(file), str(file)


@patch("ultralytics.nn.tasks", "load_checkpoint")
def other_checkpoints(tasks: Any) -> None:
    """Report a file that is not a checkpoint in one line: the stock loader raises whatever its content leads to.

    For a checkpoint of another Ultralytics, that is the reason, and stays as it is.
    """
    from tintbox import checkpoint_file
    from tintbox.errors import CheckpointError, TintboxError, one_line

    @replace(tasks, "load_checkpoint")
    def load(weight: Any, *args: Any, stock: Any, **kwargs: Any) -> Any:
        try:
            return stock(weight, *args, **kwargs)
        except (TintboxError, OSError, MemoryError, tasks.torch.cuda.OutOfMemoryError):
            raise
        except Exception as error:
            file = Path(str(weight))
            is_current = checkpoint_file.mentions(file, b"ultralytics.nn") and checkpoint_file.is_whole(file)
            if is_current or not (isinstance(error, CONTENT) or from_reader(error)):
                raise
            why = one_line(error).replace("ERROR ❌️ ", "").removeprefix(f"{weight} ").split(". ")[0][:200]
            text = f"{weight}: neither a current checkpoint nor a classic YOLOv3 or YOLOv5 one ({why})"
            raise CheckpointError(text) from error


def from_reader(error: BaseException) -> bool:
    """Return whether PyTorch's file reader itself raised the error."""
    files = [Path(frame.f_code.co_filename).name for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(files) and files[-1] in READERS


@patch("ultralytics.utils.checks", "check_yolov5u_filename")
def classic_names(checks: Any) -> None:
    """Keep the name of an existing classic checkpoint, or of one made from it.

    The stock check turns `yolov5n.pt` into `yolov5nu.pt`.
    """
    from tintbox import checkpoint_file

    @replace(checks, "check_yolov5u_filename")
    def keep(file: str, *args: Any, stock: Any, **kwargs: Any) -> str:
        ours = checkpoint_file.find_classic(file) or (
            str(file).endswith(".pt") and checkpoint_file.mentions(Path(file), b"tintbox.plugins.anchor")
        )
        return file if ours else stock(file, *args, **kwargs)
