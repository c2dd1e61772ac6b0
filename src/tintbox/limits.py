"""How much tintbox takes from a file that it did not write, in one place.

Each limit is far above what is met in earnest, and low enough that a file beyond it is refused in under two seconds and
500 MB, in one line that names the limit.
"""

from __future__ import annotations

# YAML
YAML_BYTES = 2 << 20  # a file; one of 1,000 classes has 20 kB
YAML_DEPTH = 50  # lists and mappings inside each other
YAML_VALUES = 100_000  # values after aliases have been put in, which "billion laughs" multiplies
YAML_TEXT = 100  # characters of a text that count as one value: a long text can be put in many times, too
YAML_DIGITS = 400  # of a number; the time to read one grows with their square

# Checkpoints
ZIP_DIRECTORY_BYTES = 8 << 20  # the list of a zip's files; a training checkpoint of 3,000 tensors has 500 kB
ZIP_RATIO = 4  # how many times its size a zip may unpack to; PyTorch does not compress, and weights hardly compress
PICKLE_BYTES = 16 << 20  # the pickle of a checkpoint; that of the largest models is about 2 MB
PICKLE_INSTRUCTIONS = 500_000  # of it that are read; YOLOv5x has about 100,000
PICKLE_DEPTH = 100  # tuples inside each other
MODULE_NAME = 200  # letters
MODULES = 20_000  # of a checkpoint's model; YOLOv5x6 has 1,200

# Models
MODEL_ROWS = 200  # of a classic model's description; YOLOv5x6 has 34
MODEL_UNITS = 250  # layers of it, repeats counted; YOLOv5x6 has 91
CLASSES = 100_000  # of a detector; the largest data sets have 20,000
ANCHORS = 1_000  # numbers in the anchors of a head
CHANNELS = 65_536  # of a layer, or any other number among its arguments
LAYER_OUTPUT = 32 << 20  # numbers that a layer makes of a 256 x 256 picture; YOLOv5x6's largest output has 1.3 million
MODEL_OUTPUTS = 64 << 20  # of them kept for later layers
DARKNET_LAYERS = 1_000  # sections of a .cfg; the largest published ones have 500
CFG_BYTES = 1 << 20  # a .cfg or a file of class names; the largest .cfg has 30 kB
YAML_LAYERS = 1_500  # of a model's YAML, repeats counted; YOLO26x has 60

# Palettes
PALETTE_COLOURS = 4_096  # a network has an output for each; ab313, the largest published one, has 313
PALETTE_BINS = 1_024  # of the ab plane; their table of neighbours takes 320 MB at that
LITERAL_BYTES = 1 << 20  # the palette in the metadata of an export, as text

# Runs and studies
ARGUMENTS = 2_000  # of a run in args.yaml; Ultralytics has some 110
RESULTS_BYTES = 8 << 20  # of results.csv; 1,000 epochs have 0.3 MB
RESULTS_COLUMNS = 200  # of it; a pose model has 22
RESULTS_CELLS = 500_000  # of it: 20,000 epochs of 25 columns
ENVIRONMENT_BYTES = 64 << 10  # of environment.json, which has 0.5 kB
FREEZE_BYTES = 1 << 20  # of freeze.json, which has 2 kB for each stage
JSON_DEPTH = 50  # lists and objects inside each other, in the JSON files of a run
JSON_VALUES = 2_000_000  # in one, by its commas; the coco.json of 1,200 classes has 1.3 million
JSON_BYTES = 1 << 20  # a run.json of a study; one has about 500 bytes
LOG_BYTES = 1 << 16  # the end of a log, which is read for the reason of a failure
GROUPS_BYTES = 16 << 20  # of a file of groups: 100,000 pictures take 4 MB
MOST_RUNS = 100_000  # of a study: a folder each, and a line each in its tables

# COCO evaluation
COCO_CLASSES = 5_000  # categories of a COCO JSON; the curves of one take 200 kB, and LVIS has 1,203
COCO_WEIGHTS = 500_000_000  # images times resamples, 4 bytes each, twice
MASK_SIDE = 65_535  # pixels of a mask's height and width; JPEG has no larger pictures
POLYGON_LENGTH = 2_000_000  # pixels around one polygon; pycocotools keeps 80 bytes for each of them while it fills it
EVALUATION_BYTES = 32 << 20  # of coco.json; one of 1,200 classes has 22 MB
EVALUATION_CLASSES = 25_000  # in it; ImageNet's larger set has 21,000
EVALUATION_POINTS = 1_001  # recalls of its curves, which are 101, and kinds of errors, which are 6
PREDICTIONS_BYTES = 512 << 20  # of a run's kept predictions, and of its annotations; COCO's 5,000 pictures take 150 MB

# Pictures and labels
LABEL_BYTES = 1 << 20  # of the label file of one picture, whose boxes take 40 bytes each
PICTURE_BYTES = 256 << 20  # of a picture's file
PICTURE_PIXELS = 120_000_000  # of a picture; the largest cameras make 100 million, and 120 million take 360 MB
ARRAY_PICTURES = 50_000  # pictures in an array of an .npz: all that CIFAR-10 has to train on, 154 MB
TRAINED_SIDE = 16_384  # pixels of the side that a colouriser trains on; one such picture takes 800 MB
PREDICTED_SIDE = 4_096  # pixels of the side that a model is made to see, where a run's args.yaml asks for more
