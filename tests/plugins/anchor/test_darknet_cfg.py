"""Parsing of Darknet's cfg into sections."""

import pytest

from tintbox.errors import TintboxError
from tintbox.limits import ANCHORS
from tintbox.plugins.anchor.darknet_cfg import Section, parse


def test_comments_and_spaces_are_no_part_of_a_value():
    net, layer = parse("# a file\n[net]\nwidth = 32 # pixels\n\n[yolo]\nanchors = 1,2, 3 ,4;\n")
    assert (net.kind, net.line, net.values) == ("net", 2, {"width": "32"})
    assert layer.numbers("anchors") == [1, 2, 3, 4] and layer.numbers("mask", "0,1") == [0, 1]
    assert net.integer("width", 1) == 32 and net.integer("height", 7) == 7 and net.number("scale", 1.5) == 1.5


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "does not begin with"), ("[yolo]\n", "does not begin with"), ("x=1\n[net]\n", "line 1, 'x=1', is neither")],
)
def test_what_is_no_cfg(text, message):
    with pytest.raises(TintboxError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("value", "method", "message"),
    [
        ("x", "number", "line 3, .yolo.: a=x is no number"),
        ("inf", "integer", "is no number"),
        ("1.5", "integer", "a=1.5, but 0 or more is needed"),
        ("1e9", "integer", "is the most"),
        ("1,x", "numbers", "are no numbers"),
        (",".join("1" * (ANCHORS + 1)), "numbers", f"{ANCHORS} are the most"),
    ],
)
def test_values_that_are_none(value, method, message):
    section = Section("yolo", 3, {"a": value})
    with pytest.raises(TintboxError, match=message):
        section.numbers("a") if method == "numbers" else getattr(section, method)("a", 0)
