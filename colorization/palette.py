"""Palette: the K colours that colourisation chooses from, and the only place that knows how pixels become numbers."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import yaml

from tintbox import atomic, yaml_file
from tintbox.colorization.balance import annealed_mean, checked_number, checked_weights
from tintbox.colorization.nearest import BLOCK, NearestTable
from tintbox.errors import TintboxError, TintboxFileError, nearest, one_line
from tintbox.limits import PALETTE_COLOURS

Array = TypeVar("Array", np.ndarray, torch.Tensor)

LUMA = (0.299, 0.587, 0.114)  # of R, G and B: ITU-R BT.601
TABLE_PIXELS = 1 << 16  # 8-bit pixels encoded one by one before a table pays
TABLE_COLOURS = 1024  # colours up to which a table is used: its bounds need K x K numbers
FIT_PIXELS = 200_000  # pixels that k-means looks at
HEADER = """\
# A colour palette of tintbox, for `yolo colorize train palette=PATH` and tintbox.colorization.palette.Palette.load.
# colours: (list) K x 3 numbers in [0, 1], red, green, blue; the position is the class index
# scale: (float) what an 8-bit pixel value is divided by to reach [0, 1]
# temperature, rebalance: (float) of the annealed mean and of the loss; weights: (list) of each colour in the loss
"""
BALANCE = ("temperature", "rebalance", "weights")


class Palette:
    """K colours: pictures to class indices and back.

    Args:
        colours: ``(K, 3)`` red, green and blue in [0, 1], K of 2 or more; kept in order as a read-only float64 array.
        scale: What an 8-bit pixel value is divided by to reach [0, 1].
        temperature: Of the annealed mean that scores are decoded by; 0 takes the most likely colour.
        rebalance: How the loss shall weigh the colours: 1 all the same, 0 by the inverse of their frequency.
        weights: ``(K,)`` the weight of each colour in the loss, known once there were training pictures.

    Raises:
        TintboxError: If the colours are not such a table or a number is out of range.
    """

    def __init__(
        self,
        colours: Any,
        scale: float = 255.0,
        temperature: float = 0.0,
        rebalance: float = 1.0,
        weights: Any = None,
    ) -> None:
        if isinstance(colours, (list, tuple)):
            check_count(len(colours))
        try:
            table = np.array(colours, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise TintboxError("colours are not K x 3 numbers; give one [red, green, blue] for each colour") from None
        if table.ndim != 2 or table.shape[1] != 3:
            raise TintboxError(f"colours have shape {table.shape}; give K x 3: one [red, green, blue] for each colour")
        check_count(len(table))
        if len(table) < 2:
            raise TintboxError(f"a palette of {len(table)} colours leaves nothing to choose; give 2 or more")
        wrong = np.flatnonzero(~((table >= 0) & (table <= 1)).all(axis=1))
        if len(wrong):
            raise TintboxError(f"colour {wrong[0]} is {table[wrong[0]].tolist()}; give numbers in [0, 1]")
        table.setflags(write=False)
        self.colours = table
        self.scale = _checked_scale(scale)
        self._pixels = self.to_pixels(table)  # (K, 3) uint8
        self.temperature = checked_number("temperature", temperature, 0, 100)
        self.rebalance = checked_number("rebalance", rebalance, 0, 1)
        self.weights = checked_weights(weights, len(table))
        self._table: NearestTable | None = None
        self._seen = 0

    @classmethod
    def fit(cls, pixels: np.ndarray, k: int, seed: int = 0, scale: float = 255.0) -> Palette:
        """Make a palette of the ``k`` k-means colours of ``pixels``, from dark to light.

        Args:
            pixels: ``(..., 3)`` uint8, red, green, blue; of more than 200 000 that many are drawn.
            k: Number of colours, 2 or more.
            seed: Seed of the draw and of k-means++; the same seed gives the same palette.
            scale: As for the class.

        Raises:
            TintboxError: If ``pixels`` is not such an array or holds fewer than ``k`` distinct colours.
        """
        from sklearn.cluster import KMeans  # takes a second to import, and only fit needs it

        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim < 2 or pixels.shape[-1] != 3:
            raise TintboxError(f"pixels are {_describe(pixels)}; give a numpy array (..., 3) of uint8")
        if isinstance(k, bool) or not isinstance(k, int) or k < 2:
            raise TintboxError(f"k={k!r}: a palette needs a whole number of 2 or more colours")
        scale = _checked_scale(scale)
        flat = pixels.reshape(-1, 3)
        if len(flat) > FIT_PIXELS:
            flat = flat[np.random.default_rng(seed).choice(len(flat), FIT_PIXELS, replace=False)]
        distinct = len(np.unique(flat.astype(np.int32) @ (1 << 16, 1 << 8, 1)))
        if k > distinct:
            raise TintboxError(f"k={k}, but the {len(flat)} pixels hold {distinct} distinct colours; give a smaller k")
        means = KMeans(k, n_init=2, random_state=seed).fit(flat.astype(np.float64)).cluster_centers_
        means = np.round(np.clip(means / scale, 0, 1), 9)  # the threads of k-means leave the last bits open
        return cls(means[np.lexsort((*means.T, means @ LUMA))], scale)

    @classmethod
    def load(cls, name: str | Path) -> Palette:
        """Read a palette that comes with tintbox, by its bare name (``"horses24"``), or a YAML file, by its path.

        Raises:
            TintboxFileError: If there is no such palette or file.
            TintboxError: If the file is no palette.
        """
        path = Path(name)
        if path.suffix not in (".yaml", ".yml"):
            shipped = {Path(str(file)).stem: file for file in _shipped().iterdir() if file.name.endswith(".yaml")}
            if str(name) not in shipped:
                known = ", ".join(sorted(shipped))
                hint = nearest(str(name), shipped)
                raise TintboxFileError(f"palette '{name}': no such name ({known}) and no path to a .yaml file{hint}")
            path = Path(str(shipped[str(name)]))
        if not path.is_file():
            hint = nearest(path.name, (file.name for file in path.parent.glob("*.y*ml")))
            raise TintboxFileError(f"palette '{path}': no such file{hint or '; give a bare name or a path to a .yaml'}")
        try:
            return cls.from_dict(yaml_file.read(path))
        except TintboxError as error:
            text = one_line(error).removeprefix(f"{path}:").strip()  # what is wrong as YAML begins with path and line
            raise TintboxError(f"palette file '{path}': {text}") from error

    def save(self, path: str | Path) -> None:
        """Write the palette to a ``.yaml`` file, at full precision: ``load`` gives an equal one back."""
        path = Path(path)
        if path.suffix not in (".yaml", ".yml"):
            raise TintboxError(f"palette path '{path}': give it the suffix .yaml, so that load knows it for a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, HEADER + yaml.safe_dump(self.as_dict(), default_flow_style=None, width=200))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Palette:
        """Make a palette from ``{"colours": K x 3 numbers}``, or ``{"bins": K x 2}``, and the other arguments."""
        if not isinstance(data, Mapping) or not {"colours", "bins"} & set(data):
            raise TintboxError("no 'colours' key; give 'colours:' with one [red, green, blue] in [0, 1] per line")
        table = "bins" if "bins" in data else "colours"
        if unknown := set(map(str, data)) - (known := {table, "scale", *BALANCE}):
            name = min(unknown)
            raise TintboxError(f"unknown key '{name}' ({table}, scale, {', '.join(BALANCE)}){nearest(name, known)}")
        if table == "bins":
            from tintbox.colorization.lab_palette import from_bins  # it is built on this module

            return from_bins(data)
        return Palette(**data)

    def as_dict(self) -> dict[str, Any]:
        """Return ``{"colours": [[red, green, blue], ...], "scale": float}`` of plain Python numbers.

        What `BALANCE` names is in it where it differs from the defaults.
        """
        return {"colours": self.colours.tolist(), "scale": self.scale, **self.balance()}

    def balance(self) -> dict[str, Any]:
        """Return temperature, rebalancing and weights where they differ from the defaults, as plain numbers."""
        given = {"temperature": self.temperature, "rebalance": self.rebalance}
        chosen: dict[str, Any] = {k: v for k, v in given.items() if v != (0.0 if k == "temperature" else 1.0)}
        return chosen if self.weights is None else {**chosen, "weights": self.weights.tolist()}

    def but(self, **changes: Any) -> Palette:
        """Return the same colours with another scale, temperature, rebalancing or weights."""
        return Palette.from_dict({**self.as_dict(), **changes})

    @property
    def names(self) -> dict[int, str]:
        """The class names ``{index: "#rrggbb"}``."""
        return {index: f"#{bytes(pixel).hex()}" for index, pixel in enumerate(self._pixels)}

    def normalise(self, pixels: Array) -> Array:
        """Return 8-bit ``pixels`` of any shape as float32 in [0, 1]: divided by the scale."""
        if isinstance(pixels, torch.Tensor) and pixels.dtype == torch.uint8:
            return pixels.float() / self.scale
        if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8:
            return np.divide(pixels, np.float32(self.scale), dtype=np.float32)
        raise TintboxError(f"pixels are {_describe(pixels)}; give a numpy array or torch tensor of uint8")

    def to_pixels(self, values: Array) -> Array:
        """Return float ``values`` of any shape as uint8: the inverse of ``normalise``, rounded and clipped."""
        if isinstance(values, torch.Tensor) and values.is_floating_point():
            wide = values if values.dtype == torch.float64 else values.float()
            return (wide * self.scale).round().clamp(0, 255).to(torch.uint8)
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            wide = values.astype(np.result_type(values, np.float32), copy=False)
            return (wide * self.scale).round().clip(0, 255).astype(np.uint8)
        raise TintboxError(f"values are {_describe(values)}; give a numpy array or torch tensor of floats in [0, 1]")

    def encode(self, image: Array) -> Array:
        """Return the index of the colour nearest to each pixel (Euclidean in RGB; of equals, the lower index).

        Distances are exact in float64, in pixel units for uint8 pictures and in [0, 1] for float ones. 8-bit pictures
        are looked up in a table of 16 MiB (32 MiB above 255 colours) once 65536 pixels have come by.

        Args:
            image: ``(..., 3)`` red, green, blue: uint8, or floats in [0, 1].

        Returns:
            ``(...)`` uint8 if K is at most 256, else int32; numpy or torch, and on the device, as the input.

        Raises:
            TintboxError: If the picture has another shape or type, or floats outside [0, 1].
        """
        x: Any = image
        is_tensor, is_array = isinstance(x, torch.Tensor), isinstance(x, np.ndarray)
        is_bytes = (is_tensor and x.dtype == torch.uint8) or (is_array and x.dtype == np.uint8)
        is_float = (is_tensor and x.is_floating_point()) or (is_array and x.dtype.kind == "f")
        if not (is_bytes or is_float) or not x.ndim or x.shape[-1] != 3:
            raise TintboxError(f"image is {_describe(x)}; give (..., 3) of uint8, or of floats in [0, 1]")
        flat = x.detach().reshape(-1, 3) if is_tensor else x.reshape(-1, 3)
        if is_tensor and flat.device.type != "cuda":
            flat = flat.cpu().double().numpy() if is_float else flat.cpu().numpy()
        found = self._encode_bytes(flat) if is_bytes else self._encode_direct(flat, self.colours, limit=1.001)
        if is_tensor:
            kind = torch.uint8 if self._dtype == np.uint8 else torch.int32
            found = torch.as_tensor(found).to(x.device, kind)
        else:
            found = found.astype(self._dtype, copy=False)
        return found.reshape(x.shape[:-1])

    def decode(self, x: Array) -> Array:
        """Return the picture that indices or scores stand for.

        Args:
            x: Integer indices ``(..., H, W)``, or float logits ``(..., K, H, W)``, whose highest score wins (of
                equals, the lower index).

        Returns:
            ``(..., H, W, 3)`` uint8, red, green, blue; numpy or torch, and on the device, as the input.

        Raises:
            TintboxError: If the shape or type is another, or an index is no colour of the palette.
        """
        given: Any = x
        is_tensor, is_array = isinstance(given, torch.Tensor), isinstance(given, np.ndarray)
        if (is_tensor and given.is_floating_point()) or (is_array and given.dtype.kind == "f"):
            if given.ndim < 3 or given.shape[-3] != len(self):
                raise TintboxError(f"scores are {_describe(x)}; give (..., {len(self)}, H, W): one for each colour")
            given = given.argmax(-3)
        elif not (
            (is_array and given.dtype.kind in "iu")
            or (is_tensor and given.dtype != torch.bool and not given.is_complex())
        ):
            raise TintboxError(f"x is {_describe(x)}; give integer indices (..., H, W) or float scores (..., K, H, W)")
        elif np.prod(given.shape) and not 0 <= int(given.min()) <= int(given.max()) < len(self):
            raise TintboxError(
                f"indices from {int(given.min())} to {int(given.max())}; the palette has 0 to {len(self) - 1}"
            )
        pixels: Any = torch.from_numpy(self._pixels).to(given.device) if is_tensor else self._pixels
        return pixels[given.long()] if is_tensor else pixels.take(given, axis=0)

    def targets(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what the loss needs of pictures (B, H, W, 3), uint8: ``label``, the colours' indices (B, H, W)."""
        return {"label": self.encode(pictures)}

    def shares(self, pictures: torch.Tensor) -> np.ndarray:
        """Return the share of each colour in the pixels of pictures (N, H, W, 3), uint8: (K,), summing to 1."""
        counts = torch.bincount(self.encode(pictures).flatten().long(), minlength=len(self)).double()
        return (counts / counts.sum()).numpy()

    def readout(self, scores: torch.Tensor) -> torch.Tensor:
        """Return what may be enlarged of scores (B, K, h, w): themselves, or their annealed mean (B, 3, h, w)."""
        if self.temperature == 0:
            return scores
        return annealed_mean(scores, torch.tensor(self.colours), self.temperature)

    def render(self, values: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures (B, H, W, 3), uint8, for what `readout` gave, enlarged to (B, C, H, W).

        Args:
            values: ``(B, C, H, W)``.
            pictures: ``(B, H, W, 3)``, uint8, the input: a palette without lightness takes that from it.
        """
        return self.to_pixels(values.permute(0, 2, 3, 1)) if self.temperature else self.decode(values)

    def show(self, labels: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Return the pictures (B, H, W, 3), uint8, that labels (B, h, w) stand for; H = s h, W = s w."""
        return self.decode(enlarged(labels, pictures))

    @property
    def _dtype(self) -> type[np.integer]:
        return np.uint8 if len(self) <= 256 else np.int32

    def _encode_bytes(self, flat: Any) -> Any:
        """Return the indices ``(N,)`` of the uint8 pixels ``(N, 3)``, of numpy or of torch on a CUDA device."""
        self._seen += len(flat)
        if isinstance(flat, torch.Tensor) or self._seen < TABLE_PIXELS or len(self) > TABLE_COLOURS:
            return self._encode_direct(flat, self.colours * self.scale, limit=None)
        if self._table is None:
            self._table = NearestTable(self.colours * self.scale)
        return self._table.look_up(flat)

    def _encode_direct(self, flat: Any, colours: np.ndarray, limit: float | None) -> Any:
        """Return the indices ``(N,)`` of the pixels ``(N, 3)``, of numpy or torch, by all their distances.

        ``limit`` is the highest value allowed, a little over 1 for the rounding of resized pictures; None is any.
        """
        is_tensor = isinstance(flat, torch.Tensor)
        red, green, blue = torch.from_numpy(colours.T.copy()).to(flat.device) if is_tensor else colours.T
        parts = []
        for start in range(0, max(len(flat), 1), step := max(1, BLOCK // len(colours))):
            part = flat[start : start + step]
            part = part.double() if is_tensor else part.astype(np.float64)
            if limit and len(part) and not (1 - limit <= part.min() and part.max() <= limit):
                span = f"{float(part.min()):g} to {float(part.max()):g}"
                raise TintboxError(f"image has floats from {span}; give floats in [0, 1] or uint8 pixels")
            squares = (part[:, :1] - red) ** 2 + (part[:, 1:2] - green) ** 2 + (part[:, 2:] - blue) ** 2
            parts.append(squares.argmin(1))  # of (n, K)
        return torch.cat(parts) if is_tensor else np.concatenate(parts).astype(self._dtype)

    def __len__(self) -> int:
        return len(self.colours)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Palette):
            return NotImplemented
        return type(self) is type(other) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.scale, self.colours.tobytes()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} colours, scale={self.scale:g})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the colours only: each process fills its own table."""
        return Palette.from_dict, (self.as_dict(),)


def enlarged(labels: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Return labels (B, h, w), each repeated in a square, at the size (H, W) of ``pictures`` (B, H, W, 3)."""
    times = pictures.shape[1] // labels.shape[1]
    return labels.repeat_interleave(times, 1).repeat_interleave(times, 2)


def check_count(count: int, most: int = PALETTE_COLOURS) -> None:
    """Refuse more colours than a network could have outputs for."""
    if count > most:
        raise TintboxError(f"a palette of {count:,} colours; {most:,} are the most")


def _shipped() -> Any:
    """Return the folder of the palettes that come with tintbox."""
    return importlib.resources.files("tintbox.cfg") / "palettes"


def _checked_scale(scale: object) -> float:
    """Return ``scale`` as a float, or raise a TintboxError if it is no positive number."""
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale <= 1e9:
        raise TintboxError(f"scale={scale!r}; give a positive number, 255 in most cases")
    return float(scale)


def _describe(x: object) -> str:
    """Return the type, and the shape and dtype if it has them, of a wrong argument."""
    if isinstance(x, (np.ndarray, torch.Tensor)):
        return f"{type(x).__name__} of shape {tuple(x.shape)} and {x.dtype}"
    return f"of type {type(x).__name__}"
