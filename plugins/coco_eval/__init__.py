"""COCO evaluation of any dataset: pycocotools' numbers, how sure they are, and what the errors cost."""
