"""Checkpoints as files: what they say of themselves, whether they are whole, and what of strangers is refused."""

import contextlib
import time
import zipfile
from datetime import datetime

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tintbox import checkpoint_archive, checkpoint_file
from tintbox.errors import TintboxError, TintboxFileError


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


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_a_checkpoint_says_is_found_among_what_looks_like_it(tmp_path, protocol):
    """Keys with values of another type, keys that begin alike, and one at the very end."""
    file = tmp_path / "odd.pt"
    odd = {"epoch": "x", "epochs": 3, "a": {"version": 2, "versions": "1"}, "b": "X\x05\0\0\0epoch\xff"}
    # Keys that are put together anew are other objects, so that the pickle does not refer to those before.
    known = {"".join(["ep", "och"]): -1, "".join(["da", "te"]): "now", "".join(["ver", "sion"]): "8"}
    torch.save({"odd": odd, "known": known, "last": "epoch"}, file, pickle_protocol=protocol)
    assert checkpoint_file.facts(file) == {"epoch": -1, "date": "now", "version": "8"}


@pytest.mark.parametrize(
    "text",
    [
        "X\x05\0\0\0epoch" * 10**6,
        "\x8c\x05epochS" * 10**4 + "x" * 10**7,  # each followed by a text without an end
    ],
)
def test_many_bytes_that_look_like_keys_take_no_time(text, tmp_path):
    file = tmp_path / "many.pt"
    torch.save({"a": text, "".join(["ep", "och"]): 1}, file)
    before = time.process_time()
    assert checkpoint_file.facts(file) == {}
    assert time.process_time() - before < 1


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


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/y.pt"])
def test_an_export_of_or_to_a_name_that_no_file_can_have(whole, tmp_path, name):
    with pytest.raises(TintboxFileError, match="no such file; give a model"):
        checkpoint_file.load_for_export(tmp_path / name, tmp_path / "out.pt", "a model")
    if "/" in name:
        with pytest.raises(TintboxFileError, match="there is no folder"):
            checkpoint_file.load_for_export(whole, tmp_path / name, "a model")


def test_an_exported_model_is_no_checkpoint(tmp_path):
    (tmp_path / "best.onnx").write_bytes(b"")
    with pytest.raises(TintboxError, match=r"best.onnx: no checkpoint, which would end in .pt; give a model"):
        checkpoint_file.load_for_export(tmp_path / "best.onnx", tmp_path / "out.pt", "a model")


def test_what_is_written_is_whole_or_not_there(tmp_path):
    file = tmp_path / "new" / "out.pt"
    for place in (file, tmp_path / f"{'x' * 300}out.pt", tmp_path / "a\0out.pt"):
        with pytest.raises(TintboxError, match=r"^[^\n]*out.pt: cannot be written \([^\n]*\)$"):
            checkpoint_file.write(place, {"w": torch.ones(2)})
    checkpoint_file.write(file, {"w": torch.ones(2)}, make_folder=True)
    checkpoint_file.write(file, {"w": torch.zeros(2)})
    before = file.read_bytes()
    assert datetime.fromisoformat(torch.load(file)["date"]).tzinfo
    assert torch.equal(torch.load(file)["w"], torch.zeros(2))
    with pytest.raises(AttributeError):
        checkpoint_file.write(file, {"w": torch.ones(2), "broken": lambda: None})
    assert [path.name for path in file.parent.iterdir()] == ["out.pt"] and file.read_bytes() == before


def test_the_network_of_weights_is_the_average_if_there_is_one():
    assert checkpoint_file.network_of({"ema": "average", "model": "network"}) == "average"
    assert checkpoint_file.network_of({"ema": None, "model": "network"}) == "network"
    assert checkpoint_file.network_of("network") == "network" and checkpoint_file.network_of({}) is None
