"""The description of a classic model, from its records: values are checked, names come from tables, no text is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tintbox.checks import is_number, is_whole
from tintbox.errors import TintboxError, one_line
from tintbox.limits import ANCHORS, CHANNELS, CLASSES, MODEL_ROWS, MODEL_UNITS
from tintbox.plugins.anchor.boxes import as_lists, check_anchors
from tintbox.plugins.anchor.records import Record, show

# Layers that are unchanged in Ultralytics; others have changed or no longer exist.
SAME = (
    *("Conv", "DWConv", "Focus", "Concat", "SPP", "SPPF", "C3", "C3x", "C3TR", "C3Ghost", "GhostConv"),
    *("GhostBottleneck", "nn.Upsample", "nn.MaxPool2d", "nn.ZeroPad2d", "nn.Identity", "nn.Conv2d", "nn.BatchNorm2d"),
)
ACTIVATIONS = {  # class name -> value in a model's YAML; None is Ultralytics' default
    "SiLU": None,
    "LeakyReLU": "nn.LeakyReLU({slope!r})",
    "ReLU": "nn.ReLU()",
    "Hardswish": "nn.Hardswish()",
    "Mish": "nn.Mish()",
    "MemoryEfficientMish": "nn.Mish()",
}
WORDS = {"None": None, "True": True, "False": False}  # constants written as text in a row's arguments
MODES = {"nn.Upsample": "nearest"}  # the only string accepted as a layer's argument
ARGUMENTS = 8  # maximum number of a row's arguments, and of entries in a list among them


def check_whole(value: Any, name: str, low: int, high: int) -> int:
    """Return a value that is an integer, or raise a TintboxError if it is not or is out of range."""
    if not is_whole(value, low, high):
        raise TintboxError(f"{name} is {show(value)}, not a whole number from {low} to {high}")
    return value


def check_number(value: Any, name: str, low: float, high: float) -> float:
    """Return a number as a float, or raise a TintboxError if it is not a number or out of range."""
    if not is_number(value, low, high):
        raise TintboxError(f"{name} is {show(value)}, not a number from {low:g} to {high:g}")
    return float(value)


def describe(classic: Record, head: Record, modules: Mapping[str, Record]) -> dict[str, Any]:
    """Return the YAML of a model in Ultralytics' format; ``head`` is its last layer, ``modules`` are all by name.

    All strings in it come from the tables in this module; the rest are numbers, bools and None.

    Raises:
        TintboxError: It has a layer that cannot be built, or an invalid value.
    """
    spec = classic.mapping("yaml")
    if head.name != "Detect":
        raise TintboxError(f"its head is {head.name}; only detection models can be imported")
    classes = check_whole(head.state.get("nc"), "the number of classes", 1, CLASSES)
    described: dict[str, Any] = {
        "nc": classes,
        "depth_multiple": check_number(spec.get("depth_multiple", 1.0), "depth_multiple", 0.01, 10),
        "width_multiple": check_number(spec.get("width_multiple", 1.0), "width_multiple", 0.01, 10),
        "anchors": as_lists(
            check_anchors(pixels(head), check_whole(head.state.get("nl"), "the number of levels", 1, 10))
        ),
        **rows(spec),
    }
    units = sum(
        max(round(row[1] * described["depth_multiple"]), 1) for row in described["backbone"] + described["head"]
    )
    if units > MODEL_UNITS:
        raise TintboxError(f"its description has {units:,} layers, repeats counted; {MODEL_UNITS} are the most")
    if activation := activation_of(modules):
        described["activation"] = activation
    if "ch" in spec:
        described["ch"] = check_whole(spec["ch"], "the number of channels of an image", 1, 64)
    return described


def pixels(head: Record) -> list[list[float]]:
    """Return a head's anchors in pixels, per level w, h, w, h, ...; the file stores them in cells."""
    cells: Any = head.mapping("_buffers").get("anchors")
    stride = head.state.get("stride")
    steps = stride.flatten().tolist() if isinstance(stride, Tensor) and stride.numel() <= 10 else stride
    shaped = isinstance(cells, Tensor) and cells.dim() == 3 and cells.shape[2] == 2 and cells.numel() <= ANCHORS
    if not shaped or not isinstance(steps, list) or len(steps) != len(cells):
        raise TintboxError("its head has no anchors and strides, by level")
    steps = [check_number(step, "a stride", 1, 1024) for step in steps]
    return [(level.float() * step).flatten().tolist() for level, step in zip(cells, steps)]


def rows(spec: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the rows of backbone and head, converted to Ultralytics' layers."""
    parts: dict[str, Any] = {part: spec.get(part) for part in ("backbone", "head")}
    for part, listed_rows in parts.items():
        if not isinstance(listed_rows, list) or not listed_rows:
            raise TintboxError(f"its description has no rows of a {part}")
    if (count := sum(map(len, parts.values()))) > MODEL_ROWS:
        raise TintboxError(f"its description has {count:,} rows; {MODEL_ROWS} are the most")
    backbone = [row(value, i) for i, value in enumerate(parts["backbone"])]
    found = [row(value, len(backbone) + i) for i, value in enumerate(parts["head"][:-1])]
    source, *_ = entries(parts["head"][-1], count - 1)
    last = [sources(source, count - 1), 1, "AnchorDetect", ["nc", "anchors"]]
    return {"backbone": backbone, "head": [*found, last]}


def entries(value: Any, index: int) -> list[Any]:
    """Return the four entries of a row."""
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        raise TintboxError(f"its row {index} is {show(value)}, not [from, repeats, layer, arguments]")
    return list(value)


def row(value: Any, index: int) -> list[Any]:
    """Return a row of a YAML, converted to Ultralytics' layer."""
    source, repeats, name, arguments = entries(value, index)
    if name not in (*SAME, "Bottleneck"):
        raise TintboxError(f"Ultralytics has no module that does what its layer {show(name)} does")
    if not isinstance(arguments, (list, tuple)) or len(arguments) > ARGUMENTS:
        raise TintboxError(f"its row {index} has {show(arguments)} for arguments")
    arguments = [argument(a, name, index) for a in arguments]
    if name == "Bottleneck":  # 1x1 and 3x3 in classic models, two 3x3 by default in Ultralytics
        if not arguments:
            raise TintboxError(f"its row {index} has no channels for the Bottleneck")
        channels, *given = arguments
        shortcut, groups, *expansion = given + [True, 1][len(given) :]
        arguments = [channels, shortcut, groups, [1, 3], *expansion]
    return [
        sources(source, index),
        check_whole(repeats, f"the repeats of row {index}", 1, MODEL_UNITS),
        name,
        arguments,
    ]


def sources(value: Any, index: int) -> Any:
    """Return a row's input: an index or several; negative indices count back."""
    what, low, high = f"what row {index} takes", -index or -1, index - 1
    if not isinstance(value, (list, tuple)):
        return check_whole(value, what, low, high)
    if not 0 < len(value) <= 2 * ARGUMENTS:
        raise TintboxError(f"its row {index} takes {show(value)}")
    return [check_whole(one, what, low, high) for one in value]


def argument(value: Any, name: str, index: int, inside: bool = False) -> Any:
    """Return an argument of a row: None, a bool, a number, or a list of these."""
    if isinstance(value, str) and value in WORDS:
        value = WORDS[value]
    if value is None or isinstance(value, bool) or (isinstance(value, str) and value == MODES.get(name)):
        return value
    if isinstance(value, (list, tuple)) and len(value) <= ARGUMENTS and not inside:
        return [argument(one, name, index, inside=True) for one in value]
    if type(value) is int:
        return check_whole(value, f"an argument of row {index}", -CHANNELS, CHANNELS)
    if type(value) is float:
        return check_number(value, f"an argument of row {index}", -CHANNELS, CHANNELS)
    raise TintboxError(f"its row {index}, a {name}, has the argument {show(value)}")


def activation_of(modules: Mapping[str, Record]) -> str | None:
    """Return the value of `activation` in the YAML."""
    kinds: dict[str, Record] = {}
    for record in modules.values():
        act = record.mapping("_modules").get("act")
        if record.name in ("Conv", "DWConv", "GhostConv") and isinstance(act, Record):
            kinds[act.name] = act
    kinds.pop("Identity", None)
    unknown = [name for name in kinds if name not in ACTIVATIONS]
    if unknown or len(kinds) > 1:
        raise TintboxError(f"its activations are {', '.join(kinds)}; one of {', '.join(ACTIVATIONS)} is needed")
    if not kinds:
        return None
    ((name, act),) = kinds.items()
    text = ACTIVATIONS[name]
    slope = check_number(act.state.get("negative_slope"), "the slope", 0, 10) if name == "LeakyReLU" else 0.0
    return text and text.format(slope=slope)


def names_of(classic: Record, classes: int) -> dict[int, str]:
    """Return the class names by index; a class without a name gets its index.

    Raises:
        TintboxError: The names are not a list, or a mapping of integers to strings.
    """
    given = classic.state.get("names")
    pairs = dict(enumerate(given)) if isinstance(given, (list, tuple)) else given
    found = {i: str(i) for i in range(classes)}
    if pairs is None:
        return found
    if not isinstance(pairs, dict):
        raise TintboxError(f"its class names are {show(given)}")
    for key, name in pairs.items():
        index = int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 6 else key
        if type(index) is not int or not isinstance(name, (str, int, float)) or len(str(name)) > 200:
            raise TintboxError(f"its class names have {show(name)} under {show(key)}, not a text under a number")
        if index in found:
            printable = "".join(letter for letter in one_line(name) if letter.isprintable())
            found[index] = printable or str(index)
    return found
