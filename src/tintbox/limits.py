"""How much tintbox takes from a file that it did not write, in one place.

Each limit is far above what is met in earnest, and low enough that a file beyond it is refused in under two seconds and
500 MB, in one line that names the limit.
"""

from __future__ import annotations

YAML_BYTES = 2 << 20  # a YAML file; one of 1,000 classes has 20 kB
YAML_DEPTH = 50  # lists and mappings inside each other
PICTURE_SIDE = 65_535  # pixels of a mask's height and width; JPEG has no larger pictures
POLYGON_LENGTH = 2_000_000  # pixels around one polygon; pycocotools keeps 80 bytes for each of them while it fills it
COCO_CLASSES = 5_000  # categories of a COCO JSON; the curves of one take 200 kB, and LVIS has 1,203
COCO_WEIGHTS = 500_000_000  # images times resamples, 8 bytes each
YAML_VALUES = 200_000  # values after aliases have been put in, which "billion laughs" multiplies
