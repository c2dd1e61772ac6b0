"""Files are replaced whole or not at all."""

import csv
import os
import stat
import subprocess
import sys
import threading

import pytest

from tintbox import atomic


def test_a_file_is_made_with_the_permissions_of_any_other(tmp_path):
    atomic.write_text(tmp_path / "a.txt", "ä\n")
    (tmp_path / "b.txt").write_text("b")
    assert (tmp_path / "a.txt").read_bytes() == "ä\n".encode()
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == stat.S_IMODE((tmp_path / "b.txt").stat().st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_replaced_file_keeps_its_permissions_and_a_link_its_target(tmp_path):
    file, link = tmp_path / "real.txt", tmp_path / "link.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    atomic.write_text(link, "new")
    assert link.is_symlink() and file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_the_part_has_the_suffix_and_the_folder_of_the_file(tmp_path):
    with atomic.replacing(tmp_path / "x.png") as part:
        assert part.suffix == ".png" and part.parent == tmp_path
        part.write_bytes(b"1")
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.parametrize("name", ["\u6587" * 82 + ".png", "a" * 251 + ".png", "caf\udce9.png"])
def test_any_name_that_a_file_can_have(tmp_path, name):
    atomic.write_bytes(tmp_path / name, b"1")
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, stop):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(stop), atomic.replacing(file) as part:
        part.write_text("half")
        raise stop
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("keep_name", [False, True])
def test_an_error_names_the_file_not_its_part(tmp_path, keep_name):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as if the disk were full
    try:
        with (
            pytest.raises(OSError, match="File too large") as caught,
            atomic.replacing(tmp_path / "a.txt", keep_name) as part,
        ):
            part.write_bytes(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(tmp_path / "a.txt") and list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError) as missing, atomic.replacing(tmp_path / "missing/a.txt", keep_name):
        pass
    assert missing.value.filename == str(tmp_path / "missing/a.txt")
    with pytest.raises(FileNotFoundError) as other, atomic.replacing(tmp_path / "a.txt", keep_name):
        (tmp_path / "b.txt").read_bytes()
    assert other.value.filename == str(tmp_path / "b.txt")


def test_an_error_of_words_alone_keeps_them(tmp_path):
    """Pillow raises such ones; with a file name, Python would show "[Errno None] None" in their place."""
    with pytest.raises(OSError, match=r"^encoder error -2$"), atomic.replacing(tmp_path / "a.jpg"):
        raise OSError("encoder error -2")


def test_what_is_no_file_is_refused_by_the_system(tmp_path):
    with pytest.raises(IsADirectoryError):
        atomic.write_text(tmp_path, "x")
    with pytest.raises(FileNotFoundError):
        atomic.write_text(tmp_path / "missing" / "a.txt", "x")


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")  # noqa: PTH110
def test_a_device_is_written_and_stays_one():
    atomic.write_text("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_a_reader_beside_many_writers_sees_whole_files_only(tmp_path):
    file = tmp_path / "a.txt"
    texts = [str(i) * 50_000 for i in range(4)]
    atomic.write_text(file, texts[0])
    writers = [threading.Thread(target=lambda t=t: [atomic.write_text(file, t) for _ in range(10)]) for t in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    code = (
        "import os, signal, sys; from tintbox import atomic\n"
        "with atomic.replacing(sys.argv[1]) as part:\n part.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode != 0
    assert file.read_text() == "old"


def test_the_part_may_keep_the_name(tmp_path):
    file = tmp_path / "last.pt"
    with atomic.replacing(file, keep_name=True) as part:
        assert part.name == file.name and part.parent.parent == tmp_path
        part.write_text("new")
    with pytest.raises(OSError), atomic.replacing(file, keep_name=True) as part:
        part.write_text("half")
        raise OSError
    assert file.read_text() == "new" and list(tmp_path.iterdir()) == [file]


def test_only_old_parts_are_cleared(tmp_path):
    names = [".a-0123abcd.part.pt", ".b-0123abcd.part/b.pt", ".c-0123abcd.part.pt", "d.part", ".e.part", ".f-0123.part"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    for entry in tmp_path.iterdir():
        if ".c-" not in entry.name:
            os.utime(entry, (1, 1))
    atomic.clear_parts(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".c-0123abcd.part.pt", ".e.part", ".f-0123.part", "d.part"]
    atomic.clear_parts(tmp_path / "missing")


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = [["a,b", 'c"d', "e\nf"], ["", 1.5, None], ["half \ud800"]]
    atomic.write_csv(tmp_path / "x.csv", iter(rows))
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [rows[0], ["", "1.5", ""], ["half \\ud800"]]
