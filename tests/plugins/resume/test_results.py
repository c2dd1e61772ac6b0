"""results.csv of a resumed run."""

import pytest

from tintbox.plugins.resume import results

pytestmark = pytest.mark.attack("resume")
HEAD = "epoch,time,loss\n"


@pytest.mark.parametrize(
    ("before", "epoch", "after"),
    [
        (HEAD + "1,2,3\n2,3,4\n", 3, HEAD + "1,2,3\n2,3,4\n"),
        (HEAD + "1,2,3\n2,3,4\n3,4,5\n", 3, HEAD + "1,2,3\n2,3,4\n"),
        (HEAD + "1,2,3\n2,3,4\n2,9,9\n3,4,5\n", 3, HEAD + "1,2,3\n2,9,9\n"),
        (HEAD + "1,2,3\n2,3,", 3, HEAD + "1,2,3\n"),
        (HEAD + "1,2,3\n2,3", 3, HEAD + "1,2,3\n"),
        (HEAD + "1,2,3\n10,3,4\n", 11, HEAD + "1,2,3\n10,3,4\n"),
        (HEAD + "1,2,3\nx,y,z\n", 3, HEAD + "1,2,3\n"),
        (HEAD, 3, HEAD),
        ("", 3, ""),
    ],
)
def test_rows(tmp_path, before, epoch, after):
    file = tmp_path / "results.csv"
    file.write_bytes(before.encode())
    results.drop_from(file, epoch)
    assert file.read_bytes() == after.encode()


def test_no_file_is_made(tmp_path):
    results.drop_from(tmp_path / "results.csv", 3)
    assert list(tmp_path.iterdir()) == []
