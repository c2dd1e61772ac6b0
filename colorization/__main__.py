"""The trainer script: ``python -m tintbox.colorization model=colorize-unet.yaml data=... epochs=25``.

It takes the arguments of the ``yolo`` command. The task is implied, and the mode is ``train`` unless given.
"""

from __future__ import annotations

import sys

from tintbox.plugins import autoload

MODES = ("train", "val", "predict", "export", "track", "benchmark")


def main() -> None:
    """Run the ``yolo`` command with the task and the mode filled in."""
    words = sys.argv[1:]
    named = any(word in MODES or word.startswith("mode=") for word in words)
    sys.argv[:] = ["yolo", "colorize", *([] if named else ["train"]), *words]  # Ultralytics reads sys.argv on import
    autoload.install()
    from ultralytics.cfg import entrypoint

    entrypoint()


if __name__ == "__main__":
    main()
