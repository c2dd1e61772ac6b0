"""Zips that are no checkpoints, or more than one."""

import zipfile

import pytest

from tintbox import checkpoint_archive, checkpoint_file, limits
from tintbox.errors import TintboxError


def bomb(file, name="archive/data.pkl", size=200 << 20):
    """Write a zip whose member unpacks to much more than the file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        for _ in range(size >> 20):
            member.write(b"}" * (1 << 20))
    return file


def lied(file):
    """Write a bomb whose headers say that it is small."""
    size, said = (200 << 20).to_bytes(4, "little"), (5).to_bytes(4, "little")
    content = bomb(file).read_bytes()
    assert size in content
    file.write_bytes(content.replace(size, said))
    return file


def many(file):
    """Write a zip with very many files."""
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(3000):
            archive.writestr(f"archive/{'x' * 3000}{i}", "")
        archive.writestr("archive/data.pkl", b"}.")
    return file


def twice(file):
    """Write a zip with two pickles of one name."""
    with zipfile.ZipFile(file, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data.pkl", b"}.")
        archive.writestr("archive/data.pkl", b"].")
    return file


def encrypted(file):
    """Write a zip that says of itself that it is encrypted."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"}.")
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    file.write_bytes(content)
    return file


def long(file):
    """Write a pickle of many small instructions."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"}0" * limits.PICKLE_INSTRUCTIONS + b"}.")
    return file


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (bomb, r"unpacks from \d+ to 200 MiB, which no checkpoint does$"),
        (lied, "damaged or truncated"),
        (many, "its list of files is longer than 8 MiB"),
        (twice, "two files in it have the same name"),
        (encrypted, "encrypted; unpack it and save it once without a password$"),
    ],
)
def test_zips_that_are_refused(make, message, tmp_path):
    file = make(tmp_path / "x.pt")
    with pytest.raises(TintboxError, match=message) as error, checkpoint_archive.open_checkpoint(file) as archive:
        archive.pickle()
    assert str(error.value).startswith(f"{file}: ")
    assert not checkpoint_file.is_whole(file) and checkpoint_file.facts(file) == {}
    if make is bomb:  # Ultralytics would unpack it
        with pytest.raises(checkpoint_archive.BombError):
            checkpoint_file.find_classic(file)
    else:
        assert checkpoint_file.find_classic(file) is None


@pytest.mark.attack("files that eat the machine")
def test_a_pickle_is_read_as_far_as_the_limit(tmp_path):
    file = long(tmp_path / "x.pt")
    assert checkpoint_file.facts(file) == {}
    with (
        checkpoint_archive.open_checkpoint(file) as archive,
        pytest.raises(TintboxError, match="more than 500,000 instructions"),
    ):
        list(checkpoint_file.instructions(archive.pickle()))
