"""The `tintbox` command: what has no place in `yolo`."""
