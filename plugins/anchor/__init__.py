"""Anchor-based detectors in Ultralytics: the head, loss and anchors of YOLOv3 and YOLOv5, and their checkpoints."""
