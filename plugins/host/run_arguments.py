"""Patches for the arguments that a run saves, and that `cfg=` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintbox.plugins.host.table import patch, replace


@patch("ultralytics.utils", "YAML.save", "YAML.load")
def run_arguments(utils: Any) -> None:
    """Keep tintbox's arguments in a separate file beside a run's ``args.yaml``: a stock `cfg=` refuses them.

    `BaseTrainer.__init__` writes the file with `YAML.save`, in the process with RANK -1 or 0; `cfg=`, on the command
    line or from Python, reads it with `YAML.load`. There is no callback in between. A run with none of our arguments
    writes exactly stock's file and no other.
    """
    from tintbox import atomic
    from tintbox import run_arguments as files
    from tintbox.plugins import options

    @replace(utils.YAML, "save")
    def save_both(cls: Any, file: Any = "data.yaml", data: Any = None, header: str = "", *, stock: Any) -> None:
        if Path(file).name != files.STOCK or not isinstance(data, dict):
            stock(cls, file, data, header)
            return
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        ours, theirs, own = options.pick_own(data), options.drop_own(data), Path(file).with_name(files.OWN)
        if data.get("mode") == "train" and not data.get("resume"):
            files.clear(Path(file))
        if ours:
            head = f"# Arguments of tintbox; those of Ultralytics are in {files.STOCK}, with which these are read.\n"
            with atomic.replacing(own) as part:
                stock(cls, part, ours, head)
            header = files.HEADER + header
        else:
            own.unlink(missing_ok=True)
        with atomic.replacing(file) as part:
            stock(cls, part, theirs, header)
        data |= {**theirs, **ours}  # the stock method converts paths and the like to text in place

    @replace(utils.YAML, "load")
    def load_both(cls: Any, file: Any = "data.yaml", append_filename: bool = False, *, stock: Any) -> Any:
        found = stock(cls, file, append_filename)
        if Path(file).name != files.STOCK or "mode" not in found:
            return found
        # With the defaults, because a trainer may get this file instead of Ultralytics' own default.yaml.
        return {**options.own_defaults(), **found, **files.beside(file)}
