"""YAML files as plain data, read within limits: nothing in them is evaluated, and none can exhaust memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tintbox import file_bytes
from tintbox.checks import is_there
from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest_file
from tintbox.limits import YAML_BYTES, YAML_DEPTH, YAML_DIGITS, YAML_KEY_DIGITS, YAML_TEXT, YAML_VALUES

SUFFIXES = (".yaml", ".yml")
ADDRESS = "://"  # in the name of what Ultralytics downloads
# libyaml's parser is ten times as fast, but PyYAML can be built without it.
Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def is_yaml(file: Any) -> bool:
    """Return whether a file's name ends like a YAML's."""
    return Path(str(file)).suffix in SUFFIXES


def locate(key: str, name: str | Path) -> Path:
    """Return the YAML file that an argument names, searched for as Ultralytics does.

    Raises:
        TintboxFileError: It cannot be found.
    """
    from ultralytics.utils.checks import check_file

    if is_there(Path(name)):
        return Path(name)
    escaped = re.sub(r"([*?[])", r"[\1]", str(name))  # a name, not a pattern
    try:
        return Path(str(check_file(escaped, download=False)))
    except (OSError, ValueError) as error:
        line = one_line(error).replace(escaped, str(name))
        near = "" if "did you mean" in line else suggest_file(Path(name))
        raise TintboxFileError(f"{key}={name}: {line}{near}") from error


def read_mapping(key: str, name: str | Path) -> tuple[Path, dict[str, Any]]:
    """Return the YAML file that an argument names, and the mapping in it.

    Raises:
        TintboxError: It cannot be found or read, or holds no mapping.
    """
    path = locate(key, name)
    try:
        found = read(path)
    except TintboxError as error:
        raise TintboxError(f"{key}={one_line(error)}") from error
    if not isinstance(found, dict):
        raise TintboxError(f"{key}={name}: a YAML file of key: value lines is wanted")
    return path, {str(name): item for name, item in found.items()}


def read(file: str | Path) -> Any:
    """Return the content of a YAML file: mappings, lists, strings, numbers, bools, dates and None.

    Raises:
        TintboxError: The file cannot be read, is not YAML, or exceeds the limits in `tintbox.limits`.
    """
    return parse(file_bytes.read_explained(file, YAML_BYTES), file)


def parse(raw: bytes | str, where: str | Path) -> Any:
    """Return the content of YAML text.

    Args:
        raw: The text; bytes are UTF-8, or UTF-16 with a byte order mark.
        where: Its name in error messages.

    Raises:
        TintboxError: It is not YAML, or exceeds the limits in `tintbox.limits`.
    """
    try:
        _check_events(raw, where)
        loader = Loader(raw)
        try:
            root = loader.get_single_node()
            _check_size(root, where)
            return loader.construct_document(root) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise TintboxError(f"{where}{place}: no YAML ({one_line(error.problem or error.context)})") from error
    except TintboxError:
        raise
    except (yaml.YAMLError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        # PyYAML's constructors do not check tagged values: `!!timestamp x`, `!!bool x`, `!!int ""`.
        raise TintboxError(f"{where}: no YAML ({one_line(error)})") from error


def _check_events(raw: bytes | str, where: str | Path) -> None:
    """Refuse more values than can be read in a second, and nesting that would exhaust the stack of traversing code."""
    depth = 0
    for count, event in enumerate(yaml.parse(raw, Loader=Loader)):
        if count > 2 * YAML_VALUES:  # a list or mapping has two events
            raise TintboxError(f"{where}: more than {YAML_VALUES:,} values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > YAML_DEPTH:
                raise TintboxError(f"{where}: lists and mappings are nested more than {YAML_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(root: yaml.Node | None, where: str | Path) -> None:
    """Refuse a document that is too large or deep after expanding aliases, or that contains itself."""
    sizes: dict[int, tuple[int, int]] = {}  # id of a node -> its values and depth; (0, 0) while being counted

    def size(node: yaml.Node) -> tuple[int, int]:
        known = sizes.get(id(node))
        if known == (0, 0):
            raise TintboxError(f"{where}:{node.start_mark.line + 1}: an alias that contains itself")
        if known is None:
            sizes[id(node)] = (0, 0)
            children: list[yaml.Node] = []
            if isinstance(node, yaml.SequenceNode):
                children = node.value
            elif isinstance(node, yaml.MappingNode):
                for key, _ in node.value:
                    _check_key(key, where)
                children = [child for pair in node.value for child in pair]
            else:
                _check_digits(node, where)
            counts = list(map(size, children))
            own = 1 if children else 1 + len(node.value) // YAML_TEXT
            depth = max((below for _, below in counts), default=0) + 1
            known = sizes[id(node)] = (own + sum(count for count, _ in counts), depth)
        return known

    values, depth = size(root) if root is not None else (0, 0)
    if values > YAML_VALUES:
        raise TintboxError(f"{where}: more than {YAML_VALUES:,} values, aliases put in")
    if depth > YAML_DEPTH + 1:
        raise TintboxError(f"{where}: lists and mappings are nested more than {YAML_DEPTH} deep, aliases put in")


def _check_key(node: yaml.Node, where: str | Path) -> None:
    """Refuse a key that is an integer with so many digits that others could have the same hash."""
    if node.tag == "tag:yaml.org,2002:int" and len(node.value) > YAML_KEY_DIGITS:
        raise TintboxError(f"{where}:{node.start_mark.line + 1}: a key of more than {YAML_KEY_DIGITS} digits")


def _check_digits(node: yaml.Node, where: str | Path) -> None:
    """Refuse a number with so many digits that it is slow to read and print, or refused by Python."""
    if node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float") and len(node.value) > YAML_DIGITS:
        raise TintboxError(f"{where}:{node.start_mark.line + 1}: a number of more than {YAML_DIGITS} digits")
