"""What is evaluated: ground truth and detections, and the files that they come from."""
