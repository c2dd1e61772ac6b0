"""Links that lead back to the folder they are in."""

import pytest

from tintbox import link_loops
from tintbox.errors import TintboxError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images/a/b").mkdir(parents=True)
    (tmp_path / "images/a/b/c.jpg").touch()
    (tmp_path / "else").mkdir()
    return tmp_path / "images"


@pytest.mark.parametrize("target", [".", "..", "a", "a/b", "../images"])
@pytest.mark.attack("files that eat the machine")
def test_a_link_back_is_refused(target, folder):
    link = folder / "a/b/back"
    link.symlink_to(folder / target)
    with pytest.raises(TintboxError, match=r"back(/.*)?: a link back to the folder it is in, .*; remove it$"):
        link_loops.check(folder)


@pytest.mark.attack("files that eat the machine")
def test_two_links_back_end_the_search_at_once(folder):
    for name in "xy":
        (folder / name).symlink_to(".")
    with pytest.raises(TintboxError, match="a link back"):
        link_loops.check(str(folder))


def test_other_links_are_followed(folder):
    (folder / "else").symlink_to(folder.parent / "else")
    (folder / "a/again").symlink_to(folder / "a/b")
    (folder.parent / "else/itself").symlink_to("itself")
    (folder.parent / "else/nowhere").symlink_to("missing")
    (folder / ".hidden").symlink_to(".")
    link_loops.check(folder)
    link_loops.check(folder / "a/b/c.jpg")
    link_loops.check(folder / "missing")
