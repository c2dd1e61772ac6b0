"""The content of a dataset YAML, with its paths resolved by Ultralytics."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, message_of, one_line, suggest_file

WANTED = "; give a dataset's YAML, which names its images and classes, e.g. data=my.yaml"


def describe(data: str | Path, split: str = "", *, download: bool = True) -> dict[str, Any]:
    """Return the content of a dataset YAML, or of what else Ultralytics accepts as a dataset, with its paths resolved.

    Args:
        data: What the user named.
        split: The split without which it is no use, "val" by default.
        download: Whether missing files are downloaded.

    Raises:
        TintboxError: There is no such dataset, or the YAML is invalid.
    """
    from ultralytics.data.utils import check_det_dataset

    content = read(data)  # Ultralytics' own reader has no limits
    if content is None and not download:
        if yaml_file.ADDRESS in str(data):
            raise TintboxError(f"data={data} would have to be downloaded")
        if is_there(Path(str(data))):  # an archive would be unpacked
            raise TintboxError(f"data={data}: no dataset's YAML")
    try:
        return check_det_dataset(str(data), download, split)
    except TintboxError:
        raise
    except Exception as error:  # a malformed YAML can raise anything
        kind = TintboxFileError if isinstance(error, FileNotFoundError) else TintboxError
        near = suggest_yaml(data) if content is None else ""
        raise kind(f"data={data}: {message_of(error)}{near}") from error


def find(data: str | Path) -> Path | None:
    """Return the file of a dataset YAML, searched for as Ultralytics does, also without its suffix.

    Returns:
        The file; None for a folder, an archive, an address, or a name without suffix that is none of these.

    Raises:
        TintboxFileError: There is no such YAML.
    """
    if yaml_file.ADDRESS in str(data):
        return None
    if yaml_file.is_yaml(data):
        return yaml_file.locate("data", data)
    if not is_there(Path(str(data)), Path.exists):
        for suffix in yaml_file.SUFFIXES:
            with suppress(TintboxFileError):
                return yaml_file.locate("data", f"{data}{suffix}")
    return None


def read(data: str | Path) -> dict[str, Any] | None:
    """Return what a dataset's YAML says, None if `find` finds none.

    Raises:
        TintboxError: It is not there, cannot be read, or is no mapping.
    """
    file = find(data)
    return yaml_file.read_mapping("data", file)[1] if file else None


def suggest_yaml(data: str | Path) -> str:
    """Return what to give instead of something that is no dataset: a YAML file like it, or any."""
    path = Path(str(data))
    twins = (Path(f"{path}{suffix}") for suffix in yaml_file.SUFFIXES)  # my.yaml, beside the folder my
    if twin := next(filter(is_there, twins), None):
        return f"; did you mean '{twin}'?"
    return ("" if is_there(path, Path.exists) else suggest_file(path)) or WANTED


def lacks_validation(data: str | Path) -> bool:
    """Return whether a dataset is a YAML with a training split and no validation split.

    Raises:
        TintboxError: As in `read`.
    """
    content = read(data) or {}
    return bool(content.get("train")) and not (content.get("val") or content.get("validation"))


def describe_without_validation(data: str | Path) -> dict[str, Any]:
    """Return the content of a dataset YAML that has no validation split, which Ultralytics refuses.

    Raises:
        TintboxError: As in `describe`.
    """
    file, content = yaml_file.read_mapping("data", find(data) or data)
    root = content.get("path") or file.absolute().parent
    with tempfile.TemporaryDirectory(prefix="tintbox-data-") as folder:
        whole = Path(folder) / file.name
        whole.write_text(yaml.safe_dump({**content, "path": str(root), "val": content["train"]}), encoding="utf-8")
        try:
            described = describe(whole)
        except TintboxError as error:
            raise TintboxError(one_line(error).replace(str(whole), str(data))) from error
    return {**described, "val": None, "yaml_file": str(file)}
