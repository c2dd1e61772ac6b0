"""Palette: the K colours that colourisation chooses from, and the loading of palettes of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from tintbox import yaml_file
from tintbox.colorization import palette_file
from tintbox.colorization.lab_palette import LabPalette
from tintbox.colorization.nearest import NearestColours
from tintbox.colorization.palette_base import Array, BasePalette, as_table, check_distinct, check_image, is_float
from tintbox.colorization.palette_fit import k_means
from tintbox.errors import TintboxError


@dataclass(frozen=True, eq=False, repr=False)
class Palette(BasePalette):
    """K colours that convert images to class indices and back.

    Args:
        colours: ``(K, 3)`` red, green and blue in [0, 1], 2 or more, all different; kept in order as a
            read-only float64 array.
        scale: Divisor that maps 8-bit pixel values to [0, 1].
        temperature: Of the annealed mean that decodes scores; 0 takes the most likely colour.
        rebalance: How the loss weights the colours: 1 equally, 0 by their inverse frequency.
        weights: ``(K,)`` the weight of each colour in the loss, computed from the training images.

    Raises:
        TintboxError: If the colours are not such a table, or a number is out of range.
    """

    key: ClassVar[str] = "colours"
    _nearest: NearestColours = field(init=False)

    def __post_init__(self) -> None:
        table = as_table(self.colours, "colours", "[red, green, blue]")
        wrong = np.flatnonzero(~((table >= 0) & (table <= 1)).all(axis=1))
        if len(wrong):
            raise TintboxError(f"colour {wrong[0]} is {table[wrong[0]].tolist()}; give numbers in [0, 1]")
        check_distinct(table, "colours")
        vars(self)["colours"] = table
        super().__post_init__()
        vars(self)["_nearest"] = NearestColours(table, self.scale)

    @classmethod
    def fit(cls, pixels: np.ndarray, k: int, seed: int = 0, scale: float = 255.0) -> Palette:
        """Make a palette of the ``k`` k-means colours of ``pixels``, from dark to light.

        Args:
            pixels: ``(..., 3)`` uint8, red, green, blue; if there are more than 200 000, that many are drawn.
            k: Number of colours, 2 or more.
            seed: Seed of the draw and of k-means++; the same seed gives the same palette.
            scale: As for the class.

        Raises:
            TintboxError: If ``pixels`` is not such an array or holds fewer than ``k`` distinct colours, or if another
                value is out of range.
        """
        return cls(k_means(pixels, k, seed, scale), scale)

    @staticmethod
    def load(name: str | Path) -> BasePalette:
        """Load a palette that comes with tintbox, by its bare name (``"horses24"``), or a YAML file, by its path.

        Raises:
            TintboxFileError: If there is no such palette or file.
            TintboxError: If the file is not a palette.
        """
        path = palette_file.find(name)
        with palette_file.name_file(path):
            return Palette.from_dict(yaml_file.read(path))

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> BasePalette:
        """Make a palette from ``{"colours": K x 3 numbers}`` or ``{"bins": K x 2}``, plus any other arguments."""
        description = palette_file.check(data)
        return LabPalette(**description) if LabPalette.key in description else Palette(**description)

    @staticmethod
    def of(description: Mapping[str, Any] | str | Path) -> BasePalette:
        """Return the palette for a description, a name or a path."""
        return Palette.load(description) if isinstance(description, (str, Path)) else Palette.from_dict(description)

    def encode(self, image: Array) -> Array:
        """Return the index of the colour nearest to each pixel (Euclidean in RGB; ties go to the lower index).

        Distances are exact in float64, in pixel units for uint8 images and in [0, 1] for float ones. After 65536
        8-bit pixels, later ones are looked up in a table of 16 MiB (32 MiB above 255 colours).

        Args:
            image: ``(..., 3)`` red, green, blue: uint8, or floats in [0, 1].

        Returns:
            ``(...)`` uint8 if K is at most 256, else int32; numpy or torch like the input, on the same device.

        Raises:
            TintboxError: If the image has another shape or type, or floats outside [0, 1].
        """
        x: Any = image
        check_image(x)
        is_tensor = isinstance(x, torch.Tensor)
        flat = x.detach().reshape(-1, 3) if is_tensor else x.reshape(-1, 3)
        if is_tensor and flat.device.type != "cuda":
            flat = flat.cpu().double().numpy() if is_float(x) else flat.cpu().numpy()
        found = self._nearest.of_floats(flat) if is_float(x) else self._nearest.of_bytes(flat)
        if is_tensor:
            found = torch.as_tensor(found).to(x.device, self.tensor_type)
        else:
            found = found.astype(np.uint8 if len(self) <= 256 else np.int32, copy=False)
        return found.reshape(x.shape[:-1])

    def targets(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the loss's targets for images (B, H, W, 3), uint8: ``label``, the colour indices (B, H, W)."""
        return {"label": self.encode(pictures)}

    def shares(self, blocks: Iterable[torch.Tensor]) -> np.ndarray:
        """Return the share of each colour in the pixels of blocks of images (B, H, W, 3), uint8: (K,), summing to 1."""
        counts = torch.zeros(len(self), dtype=torch.float64)
        for block in blocks:
            counts += torch.bincount(self.encode(block).flatten().long(), minlength=len(self))
        return (counts / counts.sum()).numpy()
