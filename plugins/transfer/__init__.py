"""The hand-over of a backbone between colourisers and detectors."""
