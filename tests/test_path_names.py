"""Names of paths: as short as tells them apart."""

from pathlib import PurePosixPath

import pytest

from tintbox.path_names import distinct_names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/runs/z"], ["z"]),
        (["/runs/a", "/runs/b"], ["a", "b"]),
        (["/x/y/z", "/w/y/z"], ["x/y/z", "w/y/z"]),
        (["/x/z", "/y/z", "/y/w"], ["x/z", "y/z", "w"]),
        (["/z", "/y/z"], ["/z", "y/z"]),
        (["/a-very-long-name-1"], ["a-very-long-name-1"]),
        (["/a-very-long-name-1", "/a-very-long-name-12"], ["…1", "…12"]),
        (["/short-1", "/short-2"], ["short-1", "short-2"]),
    ],
)
def test_names_are_as_short_as_tells_them_apart(paths, names):
    assert distinct_names([PurePosixPath(path) for path in paths]) == names
