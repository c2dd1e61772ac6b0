"""How much tintbox takes from a file that it did not write, in one place.

Each limit is far above what is met in earnest, and low enough that a file beyond it is refused in under two seconds and
500 MB, in one line that names the limit.
"""

from __future__ import annotations

YAML_BYTES = 2 << 20  # a YAML file; one of 1,000 classes has 20 kB
YAML_DEPTH = 50  # lists and mappings inside each other
YAML_VALUES = 200_000  # values after aliases have been put in, which "billion laughs" multiplies

ZIP_DIRECTORY_BYTES = 8 << 20  # the list of a zip's files; a training checkpoint of 3,000 tensors has 500 kB
ZIP_RATIO = 20  # how many times its size a zip may unpack to; PyTorch does not compress, and weights hardly compress
PICKLE_BYTES = 16 << 20  # the pickle of a checkpoint; that of the largest models is about 2 MB
PICKLE_INSTRUCTIONS = 1_000_000  # of it that are read; one makes up to 216 bytes, and YOLOv5x has about 100,000
