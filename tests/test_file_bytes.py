"""The content of regular files, up to a size."""

import os
import socket

import pytest

from tintbox import file_bytes


def test_content_up_to_a_size(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    assert file_bytes.read(file, 3) == b"abc"
    with pytest.raises(OSError, match="larger than 2 bytes"):
        file_bytes.read(file, 2)
    file.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="larger than 1 MiB"):
        file_bytes.read(file, 1 << 20)


@pytest.mark.attack("files that eat the machine")
def test_what_has_no_end_is_not_read(tmp_path):
    """A pipe waits for a writer; a device, also through a link, has no end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(OSError, match="a pipe or device, no file"):
            file_bytes.read(tmp_path / name, 10)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(OSError, match="no file"):
            file_bytes.check_regular(tmp_path / "s")


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match="a folder, no file"):
        file_bytes.read(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        file_bytes.read(tmp_path / "none", 10)
    with pytest.raises(ValueError, match="null byte"):
        file_bytes.read(tmp_path / "a\0b", 10)
