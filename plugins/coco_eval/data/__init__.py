"""The input of an evaluation: ground truth, detections and their files."""
