"""The base of all palettes: K classes that are shown as colours, and the scale of 8-bit pixels."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch

from tintbox.checks import as_python, is_number
from tintbox.colorization import palette_file
from tintbox.colorization.balance import check_number, check_weights
from tintbox.errors import TintboxError
from tintbox.limits import PALETTE_COLOURS

Array = TypeVar("Array", np.ndarray, torch.Tensor)
Kind = TypeVar("Kind", bound="BasePalette")


@dataclass(frozen=True, eq=False, repr=False)
class BasePalette(ABC):
    """K classes of pixels, each shown as a colour. Palettes are immutable; `replace` returns a changed copy.

    The arguments are those of `Palette`, and become attributes.

    Raises:
        TintboxError: If a number is out of range.
    """

    key: ClassVar[str]  # of the table in a description

    colours: Any  # (K, 3) red, green and blue in [0, 1], a read-only float64 array
    scale: float = 255.0
    temperature: float = 0.0
    rebalance: float = 1.0
    weights: Any = None
    _pixels: np.ndarray = field(init=False)  # (K, 3) uint8

    def __post_init__(self) -> None:
        for array in (self.table, self.colours):
            array.setflags(write=False)
        vars(self).update(
            scale=check_scale(self.scale),
            temperature=check_number("temperature", self.temperature, 0, 100),
            rebalance=check_number("rebalance", self.rebalance, 0, 1),
            weights=check_weights(self.weights, len(self)),
        )
        vars(self)["_pixels"] = self.to_pixels(self.colours)

    @property
    def table(self) -> np.ndarray:
        """The table under `key` in a description, ``(K, n)``, a read-only float64 array."""
        return getattr(self, self.key)

    def replace(self: Kind, **changes: Any) -> Kind:
        """Return a palette with the same colours but another scale, temperature, rebalancing or weights."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return a description: ``{"colours": [[red, green, blue], ...], "scale": float}`` of plain Python numbers.

        Temperature, rebalancing and weights are included if they differ from the defaults.
        """
        values = {each: getattr(self, each.name) for each in fields(self) if each.init}
        plain = {each: v.tolist() if isinstance(v, np.ndarray) else v for each, v in values.items()}
        return {each.name: v for each, v in plain.items() if each.name == "scale" or v != each.default}

    def save(self, path: str | Path) -> None:
        """Write the palette to a ``.yaml`` file at full precision: `Palette.load` returns an equal one.

        Raises:
            TintboxError: If the path has another suffix.
            OSError: If the file cannot be written.
        """
        palette_file.write(path, self.as_dict())

    @property
    def names(self) -> dict[int, str]:
        """The class names ``{index: "#rrggbb"}``."""
        return {index: f"#{bytes(pixel).hex()}" for index, pixel in enumerate(self._pixels)}

    def to_pixels(self, values: Array) -> Array:
        """Convert float ``values`` of any shape to uint8: multiplied by the scale, rounded and clipped."""
        if not is_float(values):
            raise TintboxError(f"values are {describe(values)}; give a numpy array or torch tensor of floats in [0, 1]")
        if isinstance(values, torch.Tensor):
            wide = values if values.dtype == torch.float64 else values.float()
            return (wide * self.scale).round().clamp(0, 255).to(torch.uint8)
        wide = values.astype(np.result_type(values, np.float32), copy=False)
        return (wide * self.scale).round().clip(0, 255).astype(np.uint8)

    @property
    def tensor_type(self) -> torch.dtype:
        """The torch type of indices: uint8 if K is at most 256, else int32."""
        return torch.uint8 if len(self) <= 256 else torch.int32

    @abstractmethod
    def encode(self, image: Array) -> Array:
        """Return the class index of each pixel of an image ``(..., 3)``: ``(...)``, numpy or torch like the input."""

    @abstractmethod
    def targets(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the loss's targets for images (B, H, W, 3), uint8; always with ``label``, the indices (B, H, W)."""

    @abstractmethod
    def shares(self, blocks: Iterable[torch.Tensor]) -> np.ndarray:
        """Return the share of each class in the pixels of blocks of images (B, H, W, 3), uint8: (K,), summing to 1."""

    def decode(self, x: Array) -> Array:
        """Convert indices or scores to an image.

        Args:
            x: Integer indices ``(..., H, W)``, or float logits ``(..., K, H, W)``, of which the highest wins (ties go
                to the lower index).

        Returns:
            ``(..., H, W, 3)`` uint8, red, green, blue; numpy or torch like the input, on the same device.

        Raises:
            TintboxError: If the shape or type is wrong, or an index is not in the palette.
        """
        given: Any = x
        is_tensor, is_array = isinstance(given, torch.Tensor), isinstance(given, np.ndarray)
        if is_float(given):
            if given.ndim < 3 or given.shape[-3] != len(self):
                raise TintboxError(f"scores are {describe(x)}; give (..., {len(self)}, H, W): one for each colour")
            given = given.argmax(-3)
        elif not (
            (is_array and given.dtype.kind in "iu")
            or (is_tensor and given.dtype != torch.bool and not given.is_complex())
        ):
            raise TintboxError(f"x is {describe(x)}; give integer indices (..., H, W) or float scores (..., K, H, W)")
        elif np.prod(given.shape) and not 0 <= int(given.min()) <= int(given.max()) < len(self):
            raise TintboxError(
                f"indices from {int(given.min())} to {int(given.max())}; the palette has 0 to {len(self) - 1}"
            )
        pixels: Any = torch.from_numpy(self._pixels).to(given.device) if is_tensor else self._pixels
        if is_tensor:  # in a third of the time of `pixels[given]`
            return pixels.index_select(0, given.long().flatten()).reshape(*given.shape, 3)
        return pixels.take(given, axis=0)

    def __len__(self) -> int:
        return len(self.table)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BasePalette):
            return NotImplemented
        return type(self) is type(other) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.scale, self.colours.tobytes()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} colours, scale={self.scale:g})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the description only: each process builds its own table of nearest colours."""
        return _remake, (type(self), self.as_dict())


def _remake(kind: type[Kind], description: dict[str, Any]) -> Kind:
    return kind(**description)


def as_table(rows: Any, key: str, row: str, most: int = PALETTE_COLOURS) -> np.ndarray:
    """Return the rows of a description as a new float64 array.

    Args:
        rows: The given rows.
        key: Their name in the description.
        row: A sample row for the message, such as ``[a, b]``.
        most: Largest number of rows.

    Raises:
        TintboxError: If they are not a table of numbers, or are too many.
    """
    width = row.count(",") + 1
    if isinstance(rows, (list, tuple)):
        check_count(len(rows), most)
    try:
        table = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise TintboxError(f"{key} are not K x {width} numbers; give one {row} for each class") from None
    if table.ndim != 2 or table.shape[1] != width:
        shape = f"K x {width}"
        raise TintboxError(f"{key} have shape {table.shape}, not {shape}; give {shape}: one {row} for each class")
    check_count(len(table), most)
    if len(table) < 2:
        raise TintboxError(f"a palette of {len(table)} colours leaves nothing to choose; give 2 or more")
    return table


def check_distinct(table: np.ndarray, key: str) -> None:
    """Raise a TintboxError for a row that occurs twice: no pixel would ever have the second one."""
    _, first, back = np.unique(table, axis=0, return_index=True, return_inverse=True)
    same = np.flatnonzero(first[back.reshape(-1)] != np.arange(len(table)))
    if len(same):
        raise TintboxError(f"{key} {first[back.reshape(-1)[same[0]]]} and {same[0]} are the same; give each once")


def check_count(count: int, most: int = PALETTE_COLOURS) -> None:
    """Raise a TintboxError for more colours than a network could have outputs."""
    if count > most:
        raise TintboxError(f"a palette of {count:,} colours; {most:,} are the most")


def check_scale(scale: object) -> float:
    """Return ``scale`` as a float, or raise a TintboxError if it is not a positive number."""
    scale = as_python(scale)
    if not is_number(scale, 0, 1e9) or scale == 0:
        raise TintboxError(f"scale={scale!r}; give a positive number, 255 in most cases")
    return float(scale)


def check_image(x: Any) -> None:
    """Raise a TintboxError unless an image is (..., 3), of uint8 or of floats."""
    is_bytes = (
        x.dtype == torch.uint8 if isinstance(x, torch.Tensor) else isinstance(x, np.ndarray) and x.dtype == np.uint8
    )
    if not (is_bytes or is_float(x)) or not x.ndim or x.shape[-1] != 3:
        raise TintboxError(f"image is {describe(x)}; give (..., 3) of uint8, or of floats in [0, 1]")


def is_float(x: Any) -> bool:
    """Return whether a value is a torch tensor or a NumPy array of floats."""
    return x.is_floating_point() if isinstance(x, torch.Tensor) else isinstance(x, np.ndarray) and x.dtype.kind == "f"


def describe(x: object) -> str:
    """Return the type of an invalid argument, with its shape and dtype if it has them."""
    if isinstance(x, (np.ndarray, torch.Tensor)):
        return f"{type(x).__name__} of shape {tuple(x.shape)} and {x.dtype}"
    return f"of type {type(x).__name__}"
