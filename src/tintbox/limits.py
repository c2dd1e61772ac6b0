"""How much tintbox takes from a file that it did not write, in one place.

Each limit is far above what is met in earnest, and low enough that a file beyond it is refused in under two seconds and
500 MB, in one line that names the limit.
"""

from __future__ import annotations

YAML_BYTES = 2 << 20  # a YAML file; one of 1,000 classes has 20 kB
YAML_DEPTH = 50  # lists and mappings inside each other
YAML_VALUES = 200_000  # values after aliases have been put in, which "billion laughs" multiplies

ARRAY_PICTURES = 50_000  # pictures in an array of an .npz: all that CIFAR-10 has to train on, 154 MB

PICTURE_PIXELS = 120_000_000  # of a picture file; the largest cameras make 100 million, and these take 360 MB
PICTURE_SIDE = 16_384  # of the pictures that a colouriser trains on; one of these takes 800 MB
