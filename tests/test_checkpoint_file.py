"""Checkpoints as files: what they say of themselves, whether they are whole, and what of strangers is refused."""

import contextlib
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tintbox import checkpoint_archive, checkpoint_file, limits
from tintbox.errors import TintboxError


class Trap:
    def __reduce__(self):
        return print, ("run",)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkpoint with what Ultralytics writes of itself, and a tensor of 40 kB."""
    file = tmp_path_factory.mktemp("weights") / "last.pt"
    torch.save({"epoch": 7, "version": "8.0.0", "date": "2026-01-02", "trap": Trap(), "w": torch.rand(10_000)}, file)
    return file


def test_what_a_checkpoint_says_is_read_without_running_it(whole, tmp_path, capsys):
    assert checkpoint_file.facts(whole) == {"epoch": 7, "version": "8.0.0", "date": "2026-01-02"}
    assert not checkpoint_file.is_classic(whole)
    assert checkpoint_file.mentions(whole, b"2026-01-02") and not checkpoint_file.mentions(whole, b"2027")
    (tmp_path / "text.pt").write_text("no zip")
    assert checkpoint_file.facts(tmp_path / "text.pt") == checkpoint_file.facts(tmp_path / "none.pt") == {}
    assert capsys.readouterr().out == ""


def test_a_torn_checkpoint_is_not_whole(whole, tmp_path):
    content = whole.read_bytes()
    assert checkpoint_file.is_whole(whole)
    torn = tmp_path / "torn.pt"
    assert not checkpoint_file.is_whole(torn)
    assert not checkpoint_file.is_whole(tmp_path)
    for end in (0, 1, 100, len(content) // 2, len(content) - 1):
        torn.write_bytes(content[:end])
        assert not checkpoint_file.is_whole(torn), end
    middle = content.index(torch.load(whole, weights_only=False)["w"].numpy().tobytes()[:64]) + 1000
    torn.write_bytes(content[:middle] + b"\0" * 4096 + content[middle + 4096 :])
    assert not checkpoint_file.is_whole(torn)
    with zipfile.ZipFile(torn, "w") as other:
        other.writestr("a/notes.txt", "a zip, but no checkpoint")
    assert not checkpoint_file.is_whole(torn)


@pytest.mark.attack("import-legacy inputs")
@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data())
def test_any_damage_is_told_in_one_line_or_harmless(whole, tmp_path_factory, data):
    content = bytearray(whole.read_bytes())
    file = tmp_path_factory.mktemp("damaged") / "last.pt"
    ends = st.one_of(st.integers(0, 3000), st.integers(len(content) - 600, len(content) - 1))
    for place in data.draw(st.lists(ends, min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(content[: data.draw(st.sampled_from([None, 1500, len(content) - 40]))]))
    try:
        with checkpoint_archive.open_checkpoint(file) as archive:
            archive.pickle()
    except TintboxError as error:
        assert "\n" not in str(error) and str(error).startswith(str(file))
    checkpoint_file.is_whole(file), checkpoint_file.facts(file)
    with contextlib.suppress(checkpoint_archive.BombError):
        checkpoint_file.find_classic(file)


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
