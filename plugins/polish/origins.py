"""The file that a network's weights were loaded from: the arguments of a run do not tell of `YOLO.load`."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from tintbox import checkpoint_file

_files: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def note(network: Any, weights: Any) -> None:
    """Remember where the weights come from that a network has just loaded: a network, or a checkpoint with one."""
    source = checkpoint_file.network_of(weights)
    _files[network] = _files.get(source, getattr(source, "pt_path", ""))


def find(network: Any) -> str | None:
    """Return the file; "" if the weights are of none, None if the network has loaded none."""
    return _files.get(network)
