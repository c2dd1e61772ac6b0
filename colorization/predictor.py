"""Prediction: grey or coloured images of any size in, images in colour at the same size out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from ultralytics.engine.predictor import BasePredictor
from ultralytics.engine.results import Results
from ultralytics.utils import DEFAULT_CFG, ops

from tintbox.colorization import folder
from tintbox.colorization.backend import adjust_for_inference, model_channels, model_output_stride, model_palette
from tintbox.colorization.decoding import JPEG_SIDE, write_picture
from tintbox.colorization.grey import grey_input
from tintbox.colorization.palette_base import BasePalette
from tintbox.colorization.rendering import interpolate_rows, readout, render
from tintbox.threads import use_all_cores

LOGITS_LIMIT = 2**28  # upsampled logits; beyond that, the colours are upsampled instead, in a quarter of the time
BAND_PIXELS = 2**20  # upsampled and rendered at once: rows of them, so that memory does not grow with the image


class ColorizeResults(Results):
    """The result for one image.

    Attributes:
        colour: The image in the palette's colours, (H, W, 3), uint8 BGR, same size as `orig_img`.
    """

    def __init__(self, orig_img: np.ndarray, path: str, names: dict[int, str], colour: np.ndarray) -> None:
        super().__init__(orig_img=orig_img, path=path, names=names)
        self.colour = colour

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> ColorizeResults:
        """Return the result itself; there is no second one."""
        range(1)[index]  # raises an IndexError, without which iteration would not end
        return self.new()

    def new(self) -> ColorizeResults:
        """Return a copy: `cpu`, `numpy` and the like have nothing to convert."""
        return ColorizeResults(self.orig_img, self.path, self.names, self.colour)

    def plot(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return the image in colour (H, W, 3), uint8 BGR; with ``save=True`` write it to ``filename``."""
        if kwargs.get("save"):
            write_picture(Path(kwargs.get("filename") or f"results_{Path(self.path).name}"), self.colour)
        return self.colour.copy()

    def verbose(self) -> str:
        """Return the line for the log."""
        return "{}x{} in colour, ".format(*self.colour.shape)  # height first, as in Ultralytics


class ColorizePredictor(BasePredictor):
    """Colourise images, folders and videos with a checkpoint or an exported model."""

    palette: BasePalette
    channels = 1
    output_stride = 1

    def __init__(self, cfg: Any = DEFAULT_CFG, overrides: Any = None, _callbacks: Any = None) -> None:
        super().__init__(cfg, overrides, _callbacks)
        self.args.task = "colorize"

    def setup_model(self, model: Any, verbose: bool = True) -> None:
        """Load the model, and make Ultralytics read sources in colour: its own grey is not the mean of the channels."""
        super().setup_model(model, verbose)
        use_all_cores(self.device)
        self.palette = adjust_for_inference(model_palette(self.model), self.args, str(self.args.model))
        self.channels, self.output_stride = model_channels(self.model), model_output_stride(self.model)
        self.model.backend.channels = 3

    def pre_transform(self, im: list[np.ndarray]) -> list[np.ndarray]:
        """Scale images to fit the input size and pad them by reflection: grey bars would be colourised too."""
        shapes = [fit_size(x.shape[:2], self.imgsz) for x in im]
        stride = int(self.model.stride)
        target = (
            self.imgsz if self._has_fixed_size else [-(-max(s[i] for s in shapes) // stride) * stride for i in (0, 1)]
        )
        return [pad(resize(x, shape), target) for x, shape in zip(im, shapes)]

    def preprocess(self, im: torch.Tensor | list[np.ndarray]) -> torch.Tensor:
        """Return the network's input (B, channels, H, W) for BGR images, or a tensor (B, 1 or 3, H, W) in [0, 1]."""
        if isinstance(im, torch.Tensor):
            grey = im.to(self.device).float().mean(1, keepdim=True) * (255 / self.palette.scale)
            img = grey.expand(-1, self.channels, -1, -1)
        else:
            pictures = torch.from_numpy(np.stack(self.pre_transform(im))).to(self.device).permute(0, 3, 1, 2)
            img = grey_input(pictures, self.channels, self.palette.scale)
        return img.half() if self.model.fp16 else img

    def postprocess(self, preds: Any, img: torch.Tensor, orig_imgs: Any) -> list[ColorizeResults]:
        """Crop the padding, upsample the prediction to each image's own size, and render it in colour."""
        logits = (preds[0] if isinstance(preds, (list, tuple)) else preds).float()
        originals = orig_imgs
        if not isinstance(orig_imgs, list):
            colours = orig_imgs.expand(-1, 3, -1, -1) if orig_imgs.shape[1] == 1 else orig_imgs
            originals = ops.convert_torch2numpy_batch(colours)[..., ::-1]
        results = []
        for scores, original, path in zip(logits, originals, self.batch[0]):
            shown = tuple(img.shape[2:])
            if isinstance(orig_imgs, list):
                shown = fit_size(original.shape[:2], img.shape[2:] if self._has_fixed_size else self.imgsz)
            results.append(ColorizeResults(original, path, self.model.names, self.colour(scores, original, shown)))
        return results

    def save_predicted_images(self, save_path: Path, frame: int | None = 0) -> None:
        """Save an image as .jpg, or as .png if it is too large for that, and frames of videos as Ultralytics does.

        Raises:
            OSError: An image cannot be written; OpenCV's own function says nothing then, and leaves half a file.
        """
        file = save_path.with_suffix(".png" if max(self.plotted_img.shape) > JPEG_SIDE else ".jpg")
        if self.dataset.mode in {"stream", "video"}:
            super().save_predicted_images(save_path, frame)
        else:
            write_picture(file, self.plotted_img)
        folder.mark(self.save_dir, file.name)

    @property
    def _has_fixed_size(self) -> bool:
        """Whether the model takes one input size only."""
        return not (self.model.format == "pt" or getattr(self.model, "dynamic", False))

    def colour(self, logits: torch.Tensor, original: np.ndarray, shown: tuple[int, ...]) -> np.ndarray:
        """Convert logits (K, h, w) to an image (H, W, 3), uint8 BGR.

        Args:
            logits: Logits of the padded input, at the model's output stride.
            original: The image at its own size (H, W, 3), uint8 BGR; some palettes keep its lightness.
            shown: Height and width of the image within the padded input.
        """
        h, w = original.shape[:2]
        values = readout(self.palette, logits[None])  # (1, C, h, w)
        if self.output_stride > 1:
            values = F.interpolate(values, scale_factor=self.output_stride, mode="bilinear", align_corners=False)
        values = values[..., : shown[0], : shown[1]]
        scores = self.palette.temperature == 0 and values.shape[1] == len(self.palette)
        if not scores or values.shape[1] * h * w <= LOGITS_LIMIT:
            return self._render(values, original)
        decoded = self.palette.decode(values[0]).cpu().numpy()[..., ::-1]
        return np.ascontiguousarray(cv2.resize(decoded, (w, h), interpolation=cv2.INTER_NEAREST))

    def _render(self, values: torch.Tensor, original: np.ndarray) -> np.ndarray:
        """Upsample the output of `readout` (1, C, h, w) and render it as an image (H, W, 3), in bands of rows."""
        height, width = original.shape[:2]
        colour = np.empty((height, width, 3), np.uint8)
        size = max(1, BAND_PIXELS // width)
        for start in range(0, height, size):
            rows = slice(start, min(start + size, height))
            band = interpolate_rows(values, height, rows)
            band = F.interpolate(band, (band.shape[2], width), mode="bilinear", align_corners=False)
            picture = torch.from_numpy(np.ascontiguousarray(original[rows, :, ::-1])).to(band.device)
            colour[rows] = render(self.palette, band, picture[None])[0].cpu().numpy()[..., ::-1]
        return colour


def fit_size(shape: tuple[int, ...], limit: Any) -> tuple[int, int]:
    """Return height and width of an image scaled to fit into ``limit`` (height, width), keeping its aspect ratio."""
    scale = min(limit[0] / shape[0], limit[1] / shape[1])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def resize(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize an image (h, w, 3) to ``shape`` (height, width)."""
    how = cv2.INTER_AREA if shape[0] < picture.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(picture, shape[::-1], interpolation=how)


def pad(picture: np.ndarray, shape: Any) -> np.ndarray:
    """Pad an image (h, w, 3) at the bottom and right by reflection to ``shape`` (height, width)."""
    bottom, right = shape[0] - picture.shape[0], shape[1] - picture.shape[1]
    # OpenCV repeats the reflection as often as needed, so any image can be padded to any size.
    return cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REFLECT)
