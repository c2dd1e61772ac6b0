"""The network of a Darknet `.cfg`: the rows of a model's YAML, and the order of the weights in the `.weights` file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tintbox.errors import TintboxError, suggest
from tintbox.limits import CLASSES
from tintbox.plugins.anchor.darknet_cfg import Section, clip
from tintbox.plugins.anchor.layers import ACTIVATIONS

KINDS = ("convolutional", "shortcut", "route", "upsample", "maxpool", "dropout", "yolo")
# Keys that change what a layer computes and have no module, with the values that leave it as it is.
HARMLESS: dict[str, dict[str, float | str]] = {
    "convolutional": {
        "antialiasing": 0, "bin_output": 0, "binary": 0, "coordconv": 0, "dilation": 1, "flipped": 0, "rotate": 0,
        "share_index": -1_000_000_000, "stretch": 0, "stretch_sway": 0, "stride_x": -1, "stride_y": -1, "sway": 0,
        "xnor": 0,
    },
    "maxpool": {
        "antialiasing": 0, "maxpool_depth": 0, "maxpool_zero_nonmax": 0, "out_channels": 1, "stride_x": -1,
        "stride_y": -1,
    },
    "route": {"groups": 1},
    "shortcut": {"activation": "linear", "weights_type": "none"},
    "upsample": {"scale": 1},
    "yolo": {"new_coords": 0},
}  # fmt: skip
LOWEST = -65504.0  # smallest half-precision number: padding that never is the maximum


@dataclass
class Layer:
    """A layer of the network while the rows are being built.

    Attributes:
        row: Index of the YAML row with its output; None for parts of the head, which have no row.
        channels: Its output channels.
        stride: Pixels of the input per cell.
    """

    row: int | None
    channels: int
    stride: float


@dataclass(eq=False)
class Output:
    """An input of the head: a `[yolo]` layer and the 1x1 convolution before it.

    Attributes:
        row: The convolution's input row.
        stride: Pixels per cell.
        anchors: w, h, w, h, ... in pixels.
        scale_xy: The layer's scale_x_y.
    """

    row: int
    stride: float
    anchors: list[float]
    scale_xy: float


class Network:
    """The rows of a model's YAML and the order of the weights in the `.weights` file, built from a `.cfg`.

    Attributes:
        rows: Rows in Ultralytics' format: [from, repeats, module, arguments].
        convolutions: In the order of the file: a row's index, or the `Output` of a convolution in the head.
        outputs: The head's inputs, by stride.
    """

    def __init__(self, sections: list[Section]) -> None:
        net, *layers = sections
        self.rows: list[list[Any]] = []
        self.layers: list[Layer] = []
        self.convolutions: list[int | Output] = []
        self.outputs: list[Output] = []
        self.nc = 0
        self.last_shortcut = 0
        self.channels = net.integer("channels", 3, 1)
        for section, following in zip_longest(layers, layers[1:]):
            self.add(section, following)
        if not self.outputs:
            raise TintboxError("no [yolo] layer; only YOLO detectors can be imported")
        self.outputs.sort(key=lambda output: output.stride)

    def add(self, section: Section, following: Section | None) -> None:
        """Add a layer from the file."""
        before = self.layers[-1] if self.layers else Layer(-1, self.channels, 1.0)
        if section.kind not in KINDS:
            raise section.fault("there is no module for this layer")
        section.check_harmless(HARMLESS.get(section.kind, {}))
        if section.kind == "convolutional" and following is not None and following.kind == "yolo":
            self.add_prediction(section, following, before)
        else:
            getattr(self, f"add_{section.kind}")(section, before)

    def append(self, source: Any, module: str, arguments: list[Any], channels: int, stride: float) -> None:
        """Add a row and its layer."""
        self.rows.append([source, 1, module, arguments])
        self.layers.append(Layer(len(self.rows) - 1, channels, stride))

    def row(self, layer: Layer, section: Section) -> int:
        """Return the index of the row with a layer's output."""
        if layer.row is None:
            raise section.fault("takes the output of a [yolo] layer")
        return layer.row

    def source(self, layer: Layer, section: Section) -> int:
        """Return a layer's output in the form of a row's ``from``: -1 for the last row."""
        row = self.row(layer, section)
        return -1 if row == len(self.rows) - 1 else row

    def layer(self, index: int, section: Section) -> Layer:
        """Return the layer with an index from `[route]` or `[shortcut]`; negative indices count back."""
        position = index if index >= 0 else len(self.layers) + index
        if not 0 <= position < len(self.layers):
            raise section.fault(f"no layer {index} before it")
        return self.layers[position]

    def add_convolutional(self, section: Section, before: Layer) -> None:
        """Add a convolution with its BatchNorm."""
        filters, size, step = (section.integer(key, 1, 1) for key in ("filters", "size", "stride"))
        activation = clip(section.values.get("activation", "logistic"))
        if activation not in ACTIVATIONS:
            raise section.fault(f"there is no module for activation={activation}{suggest(activation, ACTIVATIONS)}")
        if not section.integer("batch_normalize", 0):
            raise section.fault("without batch_normalize, but not before [yolo]")
        self.convolutions.append(len(self.rows))
        arguments = [filters, size, step, padding(section, size), section.integer("groups", 1), activation]
        self.append(self.source(before, section), "DarknetConv", arguments, filters, before.stride * step)

    def add_prediction(self, section: Section, yolo: Section, before: Layer) -> None:
        """Add the convolution before a `[yolo]` layer, which belongs to the head."""
        anchors, classes = yolo.numbers("anchors"), yolo.integer("classes", 20, 1, CLASSES)
        mask = [int(i) for i in yolo.numbers("mask", ",".join(map(str, range(len(anchors) // 2))))]
        if any(not 0 <= 2 * i + 1 < len(anchors) for i in mask):
            raise yolo.fault(f"mask={mask} names more anchors than the {len(anchors) // 2} there are")
        if self.nc and classes != self.nc:
            raise yolo.fault(f"{classes} classes, but {self.nc} in another [yolo]")
        ones = [section.integer(key, 1) for key in ("size", "stride", "groups")]
        plain = ones == [1, 1, 1] and section.values.get("activation", "logistic") == "linear"
        if not plain or section.integer("batch_normalize", 0) or padding(section, 1):
            raise section.fault("before [yolo], but not a plain, linear 1x1")
        filters, wanted = section.integer("filters", 1), len(mask) * (5 + classes)
        if filters != wanted:
            raise section.fault(f"filters={filters}, but {len(mask)} anchors need {wanted}")
        self.nc = classes
        output = Output(
            row=self.row(before, section),
            stride=before.stride,
            anchors=[anchors[2 * i + j] for i in mask for j in (0, 1)],
            scale_xy=yolo.number("scale_x_y", 1.0),
        )
        self.outputs.append(output)
        self.convolutions.append(output)
        self.layers.append(Layer(None, filters, before.stride))

    def add_yolo(self, section: Section, before: Layer) -> None:
        """Add a `[yolo]` layer, whose convolution has been added already."""
        if before.row is not None:
            raise section.fault("the layer before it is no convolution")
        self.layers.append(Layer(None, before.channels, before.stride))

    def add_shortcut(self, section: Section, before: Layer) -> None:
        """Add the sum of the previous layer and others."""
        others = [self.layer(int(i), section) for i in section.numbers("from")]
        if any((other.channels, other.stride) != (before.channels, before.stride) for other in others):
            raise section.fault(f"from={clip(section.values.get('from'))} has another shape")
        sources = [self.source(layer, section) for layer in (before, *others)]
        self.append(sources, "Shortcut", [], before.channels, before.stride)
        if not self.outputs:
            self.last_shortcut = len(self.rows)

    def add_route(self, section: Section, before: Layer) -> None:
        """Add a concatenation of earlier layers, or a single earlier layer."""
        chosen = [self.layer(int(i), section) for i in section.numbers("layers")]
        if not chosen or len({layer.stride for layer in chosen}) > 1:
            raise section.fault(f"layers={clip(section.values.get('layers'))} do not fit")
        sources = [self.source(layer, section) for layer in chosen]
        channels, stride = sum(layer.channels for layer in chosen), chosen[0].stride
        if len(sources) == 1:
            self.append(sources[0], "nn.Identity", [], channels, stride)
        else:
            self.append(sources, "Concat", [1], channels, stride)

    def add_upsample(self, section: Section, before: Layer) -> None:
        """Add nearest-neighbour upsampling."""
        step = section.integer("stride", 2, 1)
        arguments = [None, step, "nearest"]
        self.append(self.source(before, section), "nn.Upsample", arguments, before.channels, before.stride / step)

    def add_maxpool(self, section: Section, before: Layer) -> None:
        """Add max pooling; Darknet splits its padding of size - 1 over both sides, with an odd pixel on the far one."""
        step = section.integer("stride", 1, 1)
        size = section.integer("size", step, 1)
        padding = section.integer("padding", size - 1)
        source, near = self.source(before, section), padding // 2
        if padding % 2 and (size, step) != (2, 2):
            far = padding - near
            self.append(source, "nn.ConstantPad2d", [[near, far, near, far], LOWEST], before.channels, before.stride)
            source, near = -1, 0
            self.layers.pop()  # the padding is a row, but not a layer of the file
        self.append(source, "nn.MaxPool2d", [size, step, near], before.channels, before.stride * step)

    def add_dropout(self, section: Section, before: Layer) -> None:
        """Add dropout."""
        p = section.number("probability", 0.5)
        if not 0 <= p <= 1:
            raise section.fault(f"probability={p:g} is none")
        self.append(self.source(before, section), "nn.Dropout", [p], before.channels, before.stride)

    def description(self) -> dict[str, Any]:
        """Return the model's YAML."""
        split = self.last_shortcut or min(output.row for output in self.outputs) + 1
        scales = [output.scale_xy for output in self.outputs]
        head = [[output.row for output in self.outputs], 1, "DarknetDetect", ["nc", "anchors", scales]]
        anchors = [output.anchors for output in self.outputs]
        return {
            "nc": self.nc, "anchors": anchors, "backbone": self.rows[:split], "head": [*self.rows[split:], head]
        }  # fmt: skip


def padding(section: Section, size: int) -> int:
    """Return a convolution's padding on each side."""
    return size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
