"""tintbox: a plugin that makes Ultralytics YOLO learn from few labels."""

__version__ = "0.1.0"
