"""tintbox: a plugin that makes Ultralytics YOLO learn from few labels.

The names here are the public interface; docs/api.md says how long they are supported. Each is loaded on first use, so
``import tintbox`` costs next to nothing and needs neither torch nor Ultralytics.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tintbox.api import study
    from tintbox.colorization.networks import ConvTransposeNet, PoolUpsampleNet, UNet
    from tintbox.colorization.palette import Palette
    from tintbox.errors import TintboxError
    from tintbox.plugins.coco_eval.api import compare, evaluate
    from tintbox.plugins.freeze.plan import FreezePlan
    from tintbox.plugins.loss.bce import ClassificationBCE
    from tintbox.reports.command import report

__all__ = [
    "ClassificationBCE",
    "ConvTransposeNet",
    "FreezePlan",
    "Palette",
    "PoolUpsampleNet",
    "TintboxError",
    "UNet",
    "__version__",
    "compare",
    "evaluate",
    "report",
    "study",
]

_HOMES = {  # name -> the module that defines it
    "ClassificationBCE": "tintbox.plugins.loss.bce",
    "ConvTransposeNet": "tintbox.colorization.networks",
    "FreezePlan": "tintbox.plugins.freeze.plan",
    "Palette": "tintbox.colorization.palette",
    "PoolUpsampleNet": "tintbox.colorization.networks",
    "TintboxError": "tintbox.errors",
    "UNet": "tintbox.colorization.networks",
    "compare": "tintbox.plugins.coco_eval.api",
    "evaluate": "tintbox.plugins.coco_eval.api",
    "report": "tintbox.reports.command",
    "study": "tintbox.api",
}


if not TYPE_CHECKING:  # to type checkers, any name would be one

    def __getattr__(name: str) -> object:
        """Load a public name (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'tintbox' has no attribute '{name}'; it offers {', '.join(__all__)}")
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the names, also those that have not been loaded yet."""
    return sorted({*globals(), *_HOMES})
