"""The `tintbox` command: what does not fit into `yolo`."""
