"""Names of paths: as short as tells them apart."""

from pathlib import PurePosixPath

import pytest

from tintbox.path_names import as_text, can_be_listed, distinct_names, from_text


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/runs/z"], ["z"]),
        (["/runs/a", "/runs/b"], ["a", "b"]),
        (["/x/y/z", "/w/y/z"], ["x/y/z", "w/y/z"]),
        (["/x/z", "/y/z", "/y/w"], ["x/z", "y/z", "w"]),
        (["/z", "/y/z"], ["/z", "y/z"]),
        ([".", "a/x", "b/x"], [".", "a/x", "b/x"]),
        (["a/x", "b/x", "."], ["a/x", "b/x", "."]),
        (["/a-very-long-name-1"], ["a-very-long-name-1"]),
        (["/a-very-long-name-1", "/a-very-long-name-12"], ["…1", "…12"]),
        (["/short-1", "/short-2"], ["short-1", "short-2"]),
    ],
)
def test_names_are_as_short_as_tells_them_apart(paths, names):
    assert distinct_names([PurePosixPath(path) for path in paths]) == names


def test_a_text_can_hold_any_path_and_leads_back_to_it():
    assert as_text("caf\udce9.png").encode() == rb"caf\udce9.png"
    for name in ("caf\udce9.png", "\udc80\udcff", "café.png", r"a\u00e9.png", ""):
        assert from_text(as_text(name)) == name


@pytest.mark.parametrize("name", ["a\nb.png", "a\u2028b.png", "a\rb.png", "caf\udce9.png"])
def test_a_list_cannot_hold_line_breaks_and_bytes_that_are_not_utf8(name):
    assert not can_be_listed(f"/x/{name}")
    assert can_be_listed(f"/x/{name!a}") and can_be_listed("/x/café 1.png")
