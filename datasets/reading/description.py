"""The content of a dataset YAML, with its paths resolved by Ultralytics."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from tintbox import yaml_file
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, message_of, one_line, suggest_file

WANTED = "; give a dataset's YAML, which names its images and classes, e.g. data=my.yaml"


def describe(data: str | Path, *, download: bool = True) -> dict[str, Any]:
    """Return the content of a dataset YAML, or of what else Ultralytics accepts as a dataset, with its paths resolved.

    Missing files are downloaded, unless ``download`` is False.

    Raises:
        TintboxError: There is no such dataset, or the YAML is invalid.
    """
    from ultralytics.data.utils import check_det_dataset

    try:
        if file := find(data):
            yaml_file.read(file)  # Ultralytics' own reader has no limits
        elif not download and not is_there(Path(data), Path.is_dir):  # an archive would be unpacked
            what = "no dataset's YAML" if is_there(Path(data)) else "no such file"
            raise TintboxFileError(f"data={data}: {what}")
        return check_det_dataset(str(data), autodownload=download)
    except TintboxError:
        raise
    except Exception as error:  # a malformed YAML can raise anything
        line = message_of(error)
        near = "" if find(data) or "did you mean" in line else suggest_yaml(data)
        raise TintboxError(f"data={data}: {line}{near}") from error


def find(data: str | Path) -> Path | None:
    """Return the file of a dataset YAML, searched for as Ultralytics does, also without its suffix; None if none.

    Raises:
        TintboxError: It is a pattern that several files match, or not a valid file name.
    """
    from ultralytics.utils.checks import check_file

    names = [str(data)]
    if not yaml_file.is_yaml(data):
        if "://" in str(data) or is_there(Path(data), Path.exists):  # a folder or an archive of a dataset
            return None
        names = [f"{data}{suffix}" for suffix in yaml_file.SUFFIXES]
    try:
        found = next(filter(None, (check_file(one, download=False, hard=False) for one in names)), None)
    except (OSError, ValueError) as error:
        raise TintboxError(f"data={data}: {one_line(error)}") from error
    return Path(str(found)) if found else None


def suggest_yaml(data: str | Path) -> str:
    """Return what to give instead of a name under which no dataset's YAML is found: a file like it, or a YAML."""
    path = Path(data)
    if yaml_file.is_yaml(path):
        return suggest_file(path)
    twins = (Path(f"{path}{suffix}") for suffix in yaml_file.SUFFIXES)  # my.yaml, beside the folder my
    if twin := next(filter(is_there, twins), None):
        return f"; did you mean '{twin}'?"
    return ("" if is_there(path, Path.exists) else suggest_file(path)) or WANTED


def lacks_validation(data: str | Path) -> bool:
    """Return whether a dataset is a YAML with a training split and no validation split."""
    file = find(data)
    content = yaml_file.read(file) if file else None
    if not isinstance(content, dict) or not content.get("train"):
        return False
    return not (content.get("val") or content.get("validation"))


def describe_without_validation(data: str | Path) -> dict[str, Any]:
    """Return the content of a dataset YAML that has no validation split, which Ultralytics refuses.

    Raises:
        TintboxError: As in `describe`.
    """
    file = find(data)
    content = yaml_file.read(file or data)
    root = content.get("path") or (file or Path(data)).absolute().parent
    with tempfile.TemporaryDirectory(prefix="tintbox-data-") as folder:
        whole = Path(folder) / (file or Path(data)).name
        whole.write_text(yaml.safe_dump({**content, "path": str(root), "val": content["train"]}), encoding="utf-8")
        try:
            described = describe(whole)
        except TintboxError as error:
            raise TintboxError(one_line(error).replace(str(whole), str(data))) from error
    return {**described, "val": None, "yaml_file": str(file or data)}
