"""The colouriser as an Ultralytics model: a network, and the palette that gives its outputs their meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import BaseModel, yaml_model_load
from ultralytics.utils.torch_utils import initialize_weights

from tintbox.checks import is_whole
from tintbox.colorization import colour_head, palette_name
from tintbox.colorization.base import load_base
from tintbox.colorization.colour_head import HEADS
from tintbox.colorization.loss import PixelCrossEntropy
from tintbox.colorization.networks import NETWORKS, STRIDE
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_base import BasePalette
from tintbox.errors import TintboxError, suggest
from tintbox.plugins import trunk

REQUIRED = {  # key that marks the kind (a seed network, or a detector's backbone and neck) -> required keys
    "network": ("network", "kernel", "num_filters", "in_channels", "palette"),
    "base": ("base", "head", "width", "in_channels", "palette"),
}
OWN_KEYS = ("task", "scale", "yaml_file", "channels", "nc")  # the task's, Ultralytics' and ours


class ColorizeModel(BaseModel):
    """A network that classifies each pixel of a grey image into one of K palette colours.

    Input (B, in_channels, H, W) in about [0, 1], output logits (B, K, H, W).

    Attributes:
        yaml: The model's description, with the palette's description in place of its name. It is plain data, so that
            a checkpoint contains the palette and can be loaded with restricted loading.
        model: The network in an `nn.Sequential`, because Ultralytics indexes ``model[-1]``.
        names: Index -> ``#rrggbb``.
        mixed_precision: Whether training on a CPU runs in bfloat16: Ultralytics' own `amp` is for accelerators only.
            Validation during training requests the same with bfloat16 input.
    """

    mixed_precision = False
    _palette: BasePalette | None = None  # left out of pickles and copies, which have `yaml`

    def __init__(
        self,
        cfg: str | Path | dict[str, Any] = "colorize-unet.yaml",
        ch: int | None = None,
        nc: int | None = None,
        palette: BasePalette | None = None,
        verbose: bool = True,
    ) -> None:
        """Build the network.

        Args:
            cfg: Model YAML or its contents.
            ch: Ignored; the description's ``in_channels`` is used.
            nc: Ignored; the palette determines it.
            palette: The colours of the outputs; by default the description's. If that is just a number of colours, the
                model cannot predict before it is trained.
            verbose: Whether to log a summary.

        Raises:
            TintboxError: If the description is invalid.
        """
        super().__init__()
        spec = describe(cfg)
        if palette is None and not isinstance(spec["palette"], int):
            palette = Palette.of(spec["palette"])
        colours = spec["palette"] if palette is None else len(palette)
        if "base" in spec:
            spec["base"] = self._build_on_detector(spec, colours)
        else:
            network = NETWORKS[spec["network"]](spec["kernel"], spec["num_filters"], colours, spec["in_channels"])
            self.model = nn.Sequential(network)
            self.stride = torch.tensor([float(STRIDE)])
        self._palette = palette
        written = colours if palette is None else palette.as_dict()
        self.yaml = {**spec, "palette": written, "channels": spec["in_channels"], "nc": colours}
        self.task = "colorize"
        self.inplace = True
        self.names = {i: str(i) for i in range(colours)} if palette is None else palette.names
        if verbose:
            self.info()

    def _build_on_detector(self, spec: dict[str, Any], colours: int) -> dict[str, Any]:
        """Build a detector's layers at their usual indices, with the colour head in place of its head."""
        base = load_base(spec["base"], spec.get("scale", ""))
        parts = trunk.build(base, spec["in_channels"]).by_stride()
        head: Any = HEADS[spec["head"]](parts.channels, parts.strides, colours, spec["width"])
        trunk.place(head, len(parts.layers), parts.levels)
        self.model = nn.Sequential(*parts.layers, head)
        self.save = sorted({*parts.save, *parts.levels})
        self.stride = torch.tensor([float(stride) for stride in parts.strides])
        initialize_weights(self)
        return base

    @property
    def on_detector(self) -> bool:
        """Whether the model is built on a detector: all layers but the last are the detector's."""
        return "base" in self.yaml

    @property
    def output_stride(self) -> int:
        """Pixels of the input per pixel of the output, along each side."""
        return output_stride(self.yaml)

    @property
    def palette(self) -> BasePalette:
        """The colours of the outputs, read once from the description.

        Raises:
            TintboxError: If the model was built from a YAML whose colours are fitted to the training images.
        """
        if self._palette is not None:
            return self._palette
        if isinstance(self.yaml["palette"], int):
            raise TintboxError(
                f"{Path(self.yaml.get('yaml_file', 'the model')).name} has no palette before it is trained; "
                "run `yolo colorize train` first, or give a trained checkpoint"
            )
        self._palette = Palette.from_dict(self.yaml["palette"])
        return self._palette

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the palette object: restricted loading accepts plain data only."""
        return {name: value for name, value in vars(self).items() if name != "_palette"}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata that an export needs in addition to Ultralytics' own, as plain data."""
        palette = {"palette": self.palette.as_dict()}
        return {**palette, "output_stride": self.output_stride} if self.output_stride > 1 else palette

    def _predict_once(self, x: torch.Tensor, profile: bool = False, embed: Any = None) -> torch.Tensor:
        """Return the logits; on a detector, its layers may be profiled, and embeddings taken from them.

        Raises:
            TintboxError: If embeddings are asked for of a seed network, which has no numbered layers.
        """
        if embed and not self.on_detector:
            raise TintboxError(
                f"embed={embed}: {self.yaml['network']} has no numbered layers to take embeddings from; "
                "give a colouriser that is built on a detector, e.g. trained from yolo11n-colorize.yaml"
            )
        requested = x.dtype == torch.bfloat16 or (self.training and self.mixed_precision)
        mixed = requested and x.device.type == "cpu"
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            x = x.bfloat16() if mixed else x
            return super()._predict_once(x, profile, embed) if self.on_detector else self.model(x)

    def is_fused(self) -> bool:
        """Return whether Ultralytics has fused the BatchNorms; it never does in the seed networks' plain layers."""
        return self.on_detector and super().is_fused()

    def init_criterion(self) -> PixelCrossEntropy:
        """Return the loss."""
        return PixelCrossEntropy()


def output_stride(spec: dict[str, Any]) -> int:
    """Return the output stride of a described model: input pixels per output pixel, along each side."""
    return colour_head.STRIDE if "base" in spec else 1


def describe(cfg: str | Path | dict[str, Any]) -> dict[str, Any]:
    """Return the checked description of a colouriser.

    Raises:
        TintboxError: If a key is missing or unknown, or a value is invalid; it names the file, the key and the fix.
    """
    spec = dict(cfg) if isinstance(cfg, dict) else yaml_model_load(cfg)
    name = Path(str(spec.get("yaml_file") or (cfg if not isinstance(cfg, dict) else "model"))).name
    kind = "base" if "base" in spec else "network"
    if spec.get("task") != "colorize" and kind not in spec:
        raise TintboxError(f"{name} describes no colouriser; its YAML needs `task: colorize` and `network:` or `base:`")
    required = REQUIRED[kind]
    known = (*required, *OWN_KEYS)
    for key in spec:
        if key not in known:
            raise TintboxError(f"{name}: unknown key '{key}'{suggest(key, known)}")
    for key in required:
        if key not in spec:
            raise TintboxError(f"{name}: key '{key}' is missing; a colouriser needs {', '.join(required)}")
    part, parts = ("network", NETWORKS) if kind == "network" else ("head", HEADS)
    if spec[part] not in parts:
        raise TintboxError(f"{name}: {part} '{spec[part]}' is unknown ({', '.join(parts)}){suggest(spec[part], parts)}")
    if spec["in_channels"] not in (1, 3):
        raise TintboxError(f"{name}: in_channels={spec['in_channels']}; grey images have 1 channel or 3 equal ones")
    if kind == "base" and not is_whole(spec["width"], 1):
        raise TintboxError(f"{name}: width={spec['width']}; give a whole number of channels of 1 or more, e.g. 64")
    palette = spec["palette"]
    if not isinstance(palette, dict) and (wrong := palette_name.check(palette)):
        raise TintboxError(f"{name}: palette={palette}; {wrong}")
    return spec
