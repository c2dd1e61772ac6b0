"""Patches of the arguments that a run writes down, and that `cfg=` reads."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from tintbox.plugins.host.table import patch


@patch("ultralytics.utils", "YAML.save", "YAML.load")
def run_arguments(utils: Any) -> None:
    """Keep tintbox's arguments in a file of their own beside a run's ``args.yaml``: a stock `cfg=` refuses them.

    `BaseTrainer.__init__` writes the file by `YAML.save`, in the process that has RANK -1 or 0; whoever reads it as
    `cfg=`, in the command line or from Python, does so by `YAML.load`. There is no callback in between. In a run with
    none of our arguments the file is stock's, byte for byte, and there is no other.
    """
    from tintbox import atomic
    from tintbox import run_arguments as files
    from tintbox.plugins import options

    save, load = utils.YAML.save.__func__, utils.YAML.load.__func__

    @functools.wraps(save)
    def save_both(cls: Any, file: Any = "data.yaml", data: Any = None, header: str = "") -> None:
        if Path(file).name != files.STOCK or not isinstance(data, dict):
            save(cls, file, data, header)
            return
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        ours, stock, own = options.pick_own(data), options.drop_own(data), Path(file).with_name(files.OWN)
        if ours:
            head = f"# Arguments of tintbox; those of Ultralytics are in {files.STOCK}, with which these are read.\n"
            with atomic.replacing(own) as part:
                save(cls, part, ours, head)
            header = files.HEADER + header
        else:
            own.unlink(missing_ok=True)  # of a run that was here before, by exist_ok=True
        with atomic.replacing(file) as part:
            save(cls, part, stock, header)
        data |= {**stock, **ours}  # the stock method makes texts of paths and the like in place

    @functools.wraps(load)
    def load_both(cls: Any, file: Any = "data.yaml", append_filename: bool = False) -> Any:
        found = load(cls, file, append_filename)
        if Path(file).name != files.STOCK or "mode" not in found:
            return found
        # With the defaults, for a trainer may be given the file in place of Ultralytics' own default.yaml.
        return {**options.own_defaults(), **found, **files.beside(file)}

    utils.YAML.save, utils.YAML.load = classmethod(save_both), classmethod(load_both)
