"""The network of a Darknet `.cfg`, row by row."""

import pytest
import torch
import torch.nn.functional as F

from tintbox.errors import TintboxError
from tintbox.plugins.anchor.darknet_cfg import parse
from tintbox.plugins.anchor.darknet_network import HARMLESS, LOWEST, Network, Output

CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\nactivation=leaky\n"
HEAD = "[convolutional]\nfilters={}\nsize=1\nactivation=linear\n[yolo]\nmask={}\nanchors=8,9, 20,21, 40,41\nclasses=2\n"


def network(*parts):
    return Network(parse("[net]\nchannels=3\n" + "".join(parts)))


def conv(filters, stride=1):
    return CONV.format(filters, stride)


def head(mask="0,1,2"):
    return HEAD.format(7 * len(mask.split(",")), mask)


def test_rows_channels_and_strides():
    made = network(conv(8, 2), conv(16), "[shortcut]\nfrom=-1\n", "[upsample]\nstride=2\n", head())
    assert made.rows == [
        [-1, 1, "DarknetConv", [8, 3, 2, 1, 1, "leaky"]],
        [-1, 1, "DarknetConv", [16, 3, 1, 1, 1, "leaky"]],
        [[-1, -1], 1, "Shortcut", []],
        [-1, 1, "nn.Upsample", [None, 2, "nearest"]],
    ]
    assert [(layer.row, layer.channels, layer.stride) for layer in made.layers] == [
        (0, 8, 2), (1, 16, 2), (2, 16, 2), (3, 16, 1), (None, 21, 1), (None, 21, 1),
    ]  # fmt: skip
    (output,) = made.outputs
    assert (output.row, output.stride) == (3, 1)
    assert output.anchors == [8, 9, 20, 21, 40, 41] and output.scale_xy == 1.0
    assert made.convolutions == [0, 1, output]


def test_routes_count_from_the_start_or_back():
    made = network(conv(8), conv(4), "[route]\nlayers=-1,0\n", "[route]\nlayers=-3\n", head())
    assert made.rows[2:] == [[[-1, 0], 1, "Concat", [1]], [0, 1, "nn.Identity", []]]
    assert [layer.channels for layer in made.layers[2:4]] == [12, 8]


def test_two_outputs_are_ordered_by_stride_and_take_their_anchors_by_mask():
    made = network(conv(8), conv(8, 2), head("1,2"), "[route]\nlayers=0\n", head("0"))
    assert [(o.stride, o.anchors) for o in made.outputs] == [(1, [8, 9]), (2, [20, 21, 40, 41])]
    assert [c if isinstance(c, int) else c.stride for c in made.convolutions] == [0, 1, 2, 1], "in the file's order"
    spec = made.description()
    assert spec["nc"] == 2 and spec["anchors"] == [[8, 9], [20, 21, 40, 41]]
    assert spec["head"][-1] == [[2, 1], 1, "DarknetDetect", ["nc", "anchors", [1.0, 1.0]]]
    assert spec["backbone"] + spec["head"][:-1] == made.rows


def test_the_backbone_ends_with_the_last_shortcut_before_the_outputs():
    made = network(conv(8), conv(8), "[shortcut]\nfrom=-2\n", conv(8), head())
    assert len(made.description()["backbone"]) == 3
    assert len(network(conv(8), conv(8), head()).description()["backbone"]) == 2


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (2, 1), (3, 1), (5, 1), (3, 2), (4, 2), (1, 1)])
def test_a_pool_is_padded_as_darknet_does(size, stride):
    """Of the total padding of size - 1, half, rounded down, goes before and the rest after; it is never the maximum."""
    made = network(conv(8), f"[maxpool]\nsize={size}\nstride={stride}\n", head())
    x = -1 - torch.rand(1, 1, 12, 12)
    y = x
    for source, _, kind, arguments in made.rows[1:]:
        assert source == -1
        y = F.pad(y, arguments[0], value=arguments[1]) if "Pad" in kind else F.max_pool2d(y, *arguments)
    before = (size - 1) // 2
    padded = F.pad(x, (before, size - 1 - before) * 2, value=LOWEST)
    assert torch.equal(y, padded.unfold(2, size, stride).unfold(3, size, stride).amax((-1, -2)))
    assert len(made.layers) == 4 and made.layers[1].stride == stride


def test_layers_after_a_padded_pool_are_counted_as_in_the_file():
    made = network(conv(8), "[maxpool]\nsize=2\nstride=1\n", "[route]\nlayers=-1,0\n", head())
    assert made.rows[3] == [[-1, 0], 1, "Concat", [1]]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((conv(8),), r"no \[yolo\] layer; only YOLO detectors can be imported"),
        ((conv(8), "[shortcut]\nfrom=-2\n", head()), r"line 10, \[shortcut\]: no layer -2 before it"),
        ((conv(8), head(), "[upsample]\n"), r"\[upsample\]: takes the output of a \[yolo\] layer"),
        (
            (conv(8), "[dropout]\n", "[yolo]\nanchors=1,2\n"),
            r"line 11, \[yolo\]: the layer before it is no convolution",
        ),
        ((conv(8), conv(4, 2), "[route]\nlayers=-1,-2\n", head()), r"\[route\]: layers=-1,-2 do not fit"),
        ((conv(8), "[route]\nlayers=\n", head()), r"\[route\]: layers= do not fit"),
        ((conv(8), "[dropout]\nprobability=1.5\n", head()), r"\[dropout\]: probability=1.5 is none"),
        (
            (conv(8), "[shortcut]\nfrom=-1\nactivation=relu\n", head()),
            r"line 10, .shortcut.: there is no module for activation=relu",
        ),
        ((conv(8).replace("batch_normalize=1\n", ""), head()), "line 3, .convolutional.: without batch_normalize"),
        ((conv(8), head(), head().replace("classes=2", "classes=3")), "3 classes, but 2 in another"),
        ((conv(8), head().replace("size=1", "size=3")), r"before \[yolo\], but not a plain, linear 1x1"),
        ((conv(8), head().replace("size=1", "size=1\nstride=2")), "not a plain, linear 1x1"),
        ((conv(8), head().replace("size=1", "size=1\npadding=1")), "not a plain, linear 1x1"),
    ],
)
def test_what_has_no_module_is_named_with_its_line(parts, message):
    with pytest.raises(TintboxError, match=message):
        network(*parts)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("convolutional", "dilation=2"), ("convolutional", "xnor=1"), ("convolutional", "bin_output=1"),
        ("convolutional", "stride_x=1"), ("convolutional", "antialiasing=1"), ("convolutional", "flipped=1"),
        ("maxpool", "maxpool_depth=1"), ("maxpool", "stride_y=2"), ("upsample", "scale=3"), ("route", "groups=2"),
        ("shortcut", "weights_type=per_feature"), ("yolo", "new_coords=1"),
    ],
)  # fmt: skip
def test_a_key_that_changes_a_layer_without_a_module_is_refused(kind, setting):
    parts = [conv(8), "[maxpool]\n", "[shortcut]\nfrom=-1\n", "[route]\nlayers=-1\n", "[upsample]\n", head()]
    lines = "".join(parts).replace(f"[{kind}]\n", f"[{kind}]\n{setting}\n", 1)
    with pytest.raises(TintboxError, match=rf"line \d+, \[{kind}\]: there is no module for {setting}"):
        network(lines)
    key = setting.partition("=")[0]
    assert network(lines.replace(setting, f"{key}={HARMLESS[kind][key]}")).rows == network(*parts).rows


def test_a_route_of_a_prediction_is_refused_and_one_of_the_layer_before_it_is_not():
    with pytest.raises(TintboxError, match=r"takes the output of a \[yolo\] layer"):
        network(conv(8), head(), "[route]\nlayers=-1\n", head())
    assert isinstance(network(conv(8), head(), "[route]\nlayers=-3\n", head()).convolutions[1], Output)
