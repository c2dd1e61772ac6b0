"""Limits on what tintbox accepts from files that it did not write.

Each limit is far above what occurs in practice, and low enough that a file beyond it is refused within two seconds and
500 MB of memory, in one line that names the limit.
"""

from __future__ import annotations

# YAML
YAML_BYTES = 2 << 20  # size of a file; one with 1,000 classes has 20 kB
YAML_DEPTH = 50  # nesting of lists and mappings
YAML_VALUES = 100_000  # values after expanding aliases, which "billion laughs" multiplies
YAML_TEXT = 100  # characters of text that count as one value: a long text can be repeated by aliases, too
YAML_DIGITS = 400  # digits of a number; the time to read one grows with their square
YAML_KEY_DIGITS = 18  # digits of an integer that is a key: multiples of 2**61 - 1 have one hash, which is slow

# Checkpoints
ZIP_DIRECTORY_BYTES = 8 << 20  # list of files in a zip; 500 kB in a training checkpoint of 3,000 tensors
ZIP_RATIO = 4  # unpacked to packed size of a zip; PyTorch does not compress, and weights hardly compress
PICKLE_BYTES = 16 << 20  # pickle of a checkpoint; about 2 MB in the largest models
PICKLE_INSTRUCTIONS = 500_000  # instructions of the pickle; YOLOv5x has about 100,000
PICKLE_BITS = 64  # bits of an integer; as keys of a dict, larger ones can have one hash, which is slow
PICKLE_DEPTH = 100  # nesting of tuples
MODULE_NAME = 200  # characters
MODULES = 20_000  # modules of a checkpoint's model; YOLOv5x6 has 1,200

# Models
MODEL_ROWS = 200  # rows in a classic model's description; YOLOv5x6 has 34
MODEL_UNITS = 250  # layers in it, counting repeats; YOLOv5x6 has 91
CLASSES = 100_000  # classes of a detector; the largest datasets have 20,000
ANCHORS = 1_000  # numbers in the anchors of a head
CHANNELS = 65_536  # channels of a layer, or any other number among its arguments
LAYER_OUTPUT = 32 << 20  # numbers in a layer's output for a 256 x 256 image; at most 1.3 million in YOLOv5x6
MODEL_OUTPUTS = 64 << 20  # numbers in all outputs kept for later layers
MODEL_WEIGHTS = 512 << 20  # numbers in a model's weights; the largest published detector, YOLOv4-P7, has 287 million
DARKNET_LAYERS = 1_000  # sections of a .cfg; the largest published ones have 500
CFG_BYTES = 1 << 20  # size of a .cfg or a file of class names; the largest .cfg has 30 kB
YAML_LAYERS = 1_500  # layers in a model's YAML, counting repeats; YOLO26x has 60

# Palettes
PALETTE_COLOURS = 4_096  # colours, each of which is a network output; ab313, the largest published palette, has 313
PALETTE_BINS = 1_024  # bins of the ab plane; at this limit their table of neighbours takes 320 MB
LITERAL_BYTES = 1 << 20  # palette in the metadata of an export, as text

# Runs and studies
ARGUMENTS = 2_000  # arguments of a run in args.yaml; Ultralytics has some 110
RESULTS_BYTES = 8 << 20  # size of results.csv; 0.3 MB for 1,000 epochs
RESULTS_COLUMNS = 200  # columns in it; a pose model has 22
RESULTS_CELLS = 500_000  # cells in it: 20,000 epochs of 25 columns
ENVIRONMENT_BYTES = 64 << 10  # size of environment.json; usually 0.5 kB
FREEZE_BYTES = 1 << 20  # size of freeze.json; 2 kB per stage
JSON_DEPTH = 50  # nesting of lists and objects in a run's JSON files
JSON_VALUES = 2_000_000  # commas in one; coco.json with 5,000 classes, boxes and masks, has 1.98 million
JSON_BYTES = 1 << 20  # size of a study's run.json; usually about 500 bytes
LOG_BYTES = 1 << 16  # end of a log that is searched for the reason of a failure
GROUPS_BYTES = 16 << 20  # size of a file of groups; 4 MB for 100,000 images
MOST_RUNS = 100_000  # runs of a study, each with a folder and a row in its tables

# COCO evaluation
COCO_CLASSES = 5_000  # categories in a COCO JSON, each with 200 kB of curves; LVIS has 1,203
COCO_WEIGHTS = 500_000_000  # images, or 12 numbers of each class, times resamples, at 4 to 8 bytes each, twice
MASK_SIDE = 65_535  # height and width of a mask in pixels, which is also JPEG's maximum
POLYGON_LENGTH = 2_000_000  # perimeter of an object's polygons in pixels; pycocotools needs 80 bytes for each
POLYGON_LENGTHS = 1_000_000_000  # of all objects, which take two minutes; COCO's 860,000 training objects 310 million
CURVE_CLASSES = 500  # classes with curves for all ten IoU thresholds in coco.json; 100 kB each
EVALUATION_BYTES = 64 << 20  # size of coco.json; 57 MB with 5,000 classes, boxes and masks
EVALUATION_CLASSES = 25_000  # classes in it; the larger ImageNet has 21,000
EVALUATION_POINTS = 1_001  # recalls of its curves (usually 101) and kinds of errors (usually 6)
PREDICTIONS_BYTES = 512 << 20  # size of a run's saved predictions and annotations; 150 MB for COCO's 5,000 images

# Images and labels
LABEL_BYTES = 8 << 20  # size of an image's label file, at 40 bytes per box and 10 kB per polygon of 500 points
PICTURE_BYTES = 256 << 20  # size of an image file
PICTURE_PIXELS = 120_000_000  # pixels of an image; the largest cameras have 100 million, and 120 million take 360 MB
ARRAY_PICTURES = 50_000  # images in an array of an .npz: CIFAR-10's whole training set, 154 MB
TRAINED_SIDE = 16_384  # side in pixels of a colouriser's training images; one such image takes 800 MB
PREDICTED_SIDE = 4_096  # input size in pixels for prediction, even if a run's args.yaml asks for more
