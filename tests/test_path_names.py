"""Names of paths: as short as tells them apart."""

import sys
from pathlib import PurePosixPath

import pytest

from tintbox.path_names import as_text, can_be_listed, distinct_names, find


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names of files are Unicode")
@pytest.mark.parametrize("name", ["caf\udce9.png", "\udc80\udcff", "café.png", r"a\u00e9.png", r"a\udcffb"])
def test_a_text_can_hold_any_path_and_leads_back_to_it(tmp_path, name):
    assert as_text("caf\udce9.png").encode() == rb"caf\udce9.png"
    (tmp_path / name).touch()
    assert find(tmp_path, as_text(name)) == tmp_path / name


def test_a_file_that_is_missing_keeps_its_name(tmp_path):
    assert find(tmp_path, r"a\udcffb") == tmp_path / r"a\udcffb"


@pytest.mark.parametrize("name", ["a\nb.png", "a\u2028b.png", "a\rb.png", "caf\udce9.png"])
def test_a_list_cannot_hold_line_breaks_and_bytes_that_are_not_utf8(name):
    assert not can_be_listed(f"/x/{name}")
    assert can_be_listed(f"/x/{name!a}") and can_be_listed("/x/café 1.png")
