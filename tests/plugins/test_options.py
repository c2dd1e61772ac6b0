"""The table of training arguments, and the files found by bare name."""

import numpy as np
import pytest
from ultralytics.cfg import get_cfg
from ultralytics.utils import DEFAULT_CFG_DICT

from tintbox.errors import TintboxError
from tintbox.plugins import options


@pytest.mark.parametrize("option", options.OPTIONS, ids=lambda o: o.name)
def test_defaults_are_known_to_ultralytics_and_pass_their_own_check(option):
    assert DEFAULT_CFG_DICT[option.name] == option.default
    assert option.default is None or option.check(option.default) is None
    assert option.help
    assert option.values


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("palette", ["horses24", "a/b.yaml", 2, 256], [1, 0, -3, 2.5, True, "1.5", [1, 2]]),
        ("input_scale", [1, 255, 256.0], [0, -1, float("nan"), "255", True]),
        ("crop", [0, 0.5], [0.6, -0.1, float("inf"), "a"]),
        ("shuffle", ["epoch", "once"], ["never", 1, True]),
        ("ema_epochs", [0, 2.5], [-1, "two", float("nan")]),
        ("select", ["best", "last"], ["first", 0]),
        ("obj_pos_weight", [1e-6, 1e6], [1e-7, 1e7]),
    ],
)
def test_values(name, good, bad):
    for value in good:
        assert getattr(get_cfg(overrides={name: value}), name) == value
    for value in bad:
        with pytest.raises(TintboxError, match=f"{name}="):
            get_cfg(overrides={name: value})


def test_unknown_arguments_fail_with_the_nearest_name():
    with pytest.raises(SyntaxError, match="palette"):
        get_cfg(overrides={"pallette": 3})


@pytest.mark.parametrize(
    ("name", "value", "used"),
    [
        ("freeze", (0, 1, 2), [0, 1, 2]),
        ("freeze", ("backbone", -9), ["backbone", -9]),
        ("extend", "true", True),
        ("extend", "slim", "slim"),
        ("polish", "False", False),
        ("freeze_bn", "true", True),
    ],
)
def test_values_from_python_become_those_of_the_command_line(name, value, used):
    assert getattr(get_cfg(overrides={name: value}), name) == used


def test_numpy_s_values_of_our_arguments_become_python_s():
    """Also values that are Ultralytics' own: a layer count of NumPy's froze nothing; other arguments are left alone."""
    image = np.zeros((2, 2))
    given = {"freeze": np.int64(3), "amp": np.bool_(True), "lr_scale": np.float32(0.5), "source": image}
    plain = options.convert_numpy(given)
    assert plain.pop("source") is image
    assert plain == {"freeze": 3, "amp": True, "lr_scale": 0.5} and [*map(type, plain.values())] == [int, bool, float]
    for freeze, used in ((np.int64(10), 10), (np.array([0, 1]), [0, 1]), ([np.int64(0), 1], [0, 1])):
        assert get_cfg(overrides={"freeze": freeze}).freeze == used


@pytest.mark.parametrize("option", [o for o in options.OPTIONS if o.own], ids=lambda o: o.name)
def test_none_stands_for_the_default(option):
    assert getattr(get_cfg(overrides={option.name: None}), option.name) == option.default


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[backbone, -9]", ["backbone", -9]),
        ("{1: backbone[5:]}", {1: "backbone[5:]"}),
        ("{5: [neck, backbone[7:]]}", {5: ["neck", "backbone[7:]"]}),
        ("{all[-3:]: 0.1}", {"all[-3:]": 0.1}),
        ("[backbone[:5], -backbone[2], head]", ["backbone[:5]", "-backbone[2]", "head"]),
        ("['backbone[:5]', 7]", ["backbone[:5]", 7]),
        ("{0.5: backbone", "{0.5: backbone"),
        ("backbone[:5]", "backbone[:5]"),
    ],
)
def test_selectors_with_brackets_need_no_quotes(text, value):
    assert options.parse(text) == value
