"""The colouriser as an Ultralytics model: a network and the palette that its outputs mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import BaseModel, yaml_model_load

from tintbox.colorization.loss import PixelCrossEntropy
from tintbox.colorization.networks import NETWORKS
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError, nearest

STRIDE = 4  # the networks halve the sides twice
REQUIRED = ("network", "kernel", "num_filters", "in_channels", "palette")
KEYS = {"task", *REQUIRED, "scale", "yaml_file", "channels", "nc"}  # the last four are Ultralytics' and ours


class ColorizeModel(BaseModel):
    """A network that classifies each pixel of a grey picture into one of K palette colours.

    Input (B, in_channels, H, W) in about [0, 1], output logits (B, K, H, W).

    Attributes:
        yaml: The model's description, with the palette itself in place of its name. It is plain data, so that a
            checkpoint holds the palette and loads under restricted loading.
        model: The network, alone in a sequence, because Ultralytics indexes ``model[-1]``.
        names: Index -> ``#rrggbb``.
        mixed_precision: Whether training on a CPU runs in bfloat16: Ultralytics' own `amp` is for accelerators only.
    """

    mixed_precision = False

    def __init__(
        self,
        cfg: str | Path | dict[str, Any] = "colorize-unet.yaml",
        ch: int | None = None,
        nc: int | None = None,
        palette: Palette | None = None,
        verbose: bool = True,
    ) -> None:
        """Build the network.

        Args:
            cfg: Model YAML or its contents.
            ch: Ignored: the description's ``in_channels`` decides.
            nc: Ignored: the palette decides.
            palette: What the outputs mean; by default the description's. A number of colours there builds a model that
                cannot predict before it is trained.
            verbose: Log a summary.

        Raises:
            TintboxError: If the description is wrong.
        """
        super().__init__()
        spec = describe(cfg)
        given = palette.as_dict() if palette is not None else spec["palette"]
        if isinstance(given, (str, Path)):
            given = Palette.load(given).as_dict()
        colours = given if isinstance(given, int) else len(given["colours"])
        network = NETWORKS[spec["network"]](spec["kernel"], spec["num_filters"], colours, spec["in_channels"])
        self.model = nn.Sequential(network)
        self.yaml = {**spec, "palette": given, "channels": spec["in_channels"], "nc": colours}
        self.stride = torch.tensor([float(STRIDE)])
        self.task = "colorize"
        self.inplace = True
        self.names = {i: str(i) for i in range(colours)} if isinstance(given, int) else self.palette.names
        if verbose:
            self.info()

    @property
    def palette(self) -> Palette:
        """The colours of the outputs.

        Raises:
            TintboxError: If the model was built from a YAML that leaves them to the training images.
        """
        if isinstance(self.yaml["palette"], int):
            raise TintboxError(
                f"{Path(self.yaml.get('yaml_file', 'the model')).name} has no palette before it is trained; "
                "run `yolo colorize train` first, or give a trained checkpoint"
            )
        return Palette.from_dict(self.yaml["palette"])

    def metadata(self) -> dict[str, Any]:
        """Return what an export must carry beside Ultralytics' own metadata, as plain data."""
        return {"palette": self.palette.as_dict()}

    def _predict_once(self, x: torch.Tensor, profile: bool = False, embed: Any = None) -> torch.Tensor:
        """Return the logits; there are no numbered layers to profile or to embed from."""
        if self.training and self.mixed_precision and x.device.type == "cpu":
            with torch.autocast("cpu", torch.bfloat16):
                return self.model(x.bfloat16())
        return self.model(x)

    def is_fused(self) -> bool:
        """Return False: the networks are built of plain torch layers, which Ultralytics does not fuse."""
        return False

    def init_criterion(self) -> PixelCrossEntropy:
        """Return the loss."""
        return PixelCrossEntropy()


def describe(cfg: str | Path | dict[str, Any]) -> dict[str, Any]:
    """Return the checked description of a colouriser.

    Raises:
        TintboxError: Naming the file, the key and the fix, if a key is missing or unknown or the network is unknown.
    """
    spec = dict(cfg) if isinstance(cfg, dict) else yaml_model_load(cfg)
    name = Path(str(spec.get("yaml_file") or (cfg if not isinstance(cfg, dict) else "model"))).name
    if spec.get("task") != "colorize" and "network" not in spec:
        raise TintboxError(f"{name} describes no colouriser; its YAML needs `task: colorize` and `network:`")
    for key in spec:
        if key not in KEYS:
            raise TintboxError(f"{name}: unknown key '{key}'{nearest(key, KEYS)}")
    for key in REQUIRED:
        if key not in spec:
            raise TintboxError(f"{name}: key '{key}' is missing; a colouriser needs {', '.join(REQUIRED)}")
    if spec["network"] not in NETWORKS:
        hint = nearest(spec["network"], NETWORKS)
        raise TintboxError(f"{name}: network '{spec['network']}' is unknown ({', '.join(NETWORKS)}){hint}")
    if spec["in_channels"] not in (1, 3):
        raise TintboxError(f"{name}: in_channels={spec['in_channels']}; grey pictures have 1 channel or 3 equal ones")
    palette = spec["palette"]
    if isinstance(palette, bool) or not isinstance(palette, (int, str, Path, dict)):
        raise TintboxError(f"{name}: palette={palette}; give a name, a path or a number of colours")
    if isinstance(palette, int) and palette < 2:
        raise TintboxError(f"{name}: palette={palette}; a palette has at least 2 colours")
    return spec
