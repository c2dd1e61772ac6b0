"""The trainer script: ``python -m tintbox.colorization model=colorize-unet.yaml data=... epochs=25``.

The words are those of the ``yolo`` command with the task implied, and ``train`` unless another mode is named.
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
