"""The content of files that others wrote: regular files alone, and no more bytes than expected of their kind."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from tintbox.errors import TintboxError, TintboxFileError, lack, reason_of, suggest_file


def check_regular(path: Path) -> None:
    """Raise an OSError if a path leads to something other than a file.

    Reading a pipe waits for whoever writes to it, and a device such as /dev/zero has no end.

    Raises:
        OSError: There is no such file, or it is a folder, a pipe, a socket or a device.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, lack(path), str(path))


def read(path: Path, most: int) -> bytes:
    """Return the content of a file of at most ``most`` bytes.

    Raises:
        OSError: It does not exist, is no file, cannot be read, or is larger; ``strerror`` says which.
        ValueError: The name has a zero byte.
    """
    check_regular(path)
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        size = f"{most >> 20} MiB" if not most % (1 << 20) else f"{most:,} bytes"
        raise OSError(errno.EFBIG, f"larger than {size}", str(path))
    return content


def read_explained(file: str | Path, most: int) -> bytes:
    """Return the content of a file like `read`, with errors in one line.

    Raises:
        TintboxError: It does not exist, is no file, cannot be read, or is larger.
    """
    path = Path(str(file))
    try:
        return read(path, most)
    except FileNotFoundError as error:
        raise TintboxFileError(f"{file}: no such file{suggest_file(path)}") from error
    except (OSError, ValueError) as error:
        raise TintboxError(f"{file}: cannot be read ({reason_of(error)})") from error
