"""COCO evaluation of any dataset: pycocotools' numbers, their intervals, and the cost of each kind of error."""
