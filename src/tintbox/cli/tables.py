"""The keys of every command of `tintbox`: what `--help` shows is what is checked."""

from __future__ import annotations

from tintbox.cli.keys import Key, flag, number, part, size, text, texts, whole
from tintbox.plugins.coco_eval.settings import DEFAULTS

SPLIT = "train, val, test or minival"
SHARE = "a number from 0 to 1"
WHOLE, COUNT = "a whole number of 0 or more", "a whole number of 1 or more"
SIDE = "a side in pixels, or [height, width]"
NAMES = "a name, or a list of names"

# What chooses and draws pictures, in `show` and `report`.
_CONF = Key("conf", SHARE, 0.25, "least confidence of a box that is drawn", number(0, 1))
_SEED = Key("seed", WHOLE, 0, "what the choice of the pictures depends on", whole(0))
_IMAGES = Key("images", NAMES, None, "pictures to show instead", texts)

SHOW = (
    Key("model", "a checkpoint, or an exported model", None, "the detector", text, "best.pt"),
    Key("data", "a dataset YAML", None, "the pictures and their labels", text, "bccd.yaml"),
    Key("split", SPLIT, "val", "which pictures", text),
    Key("n", COUNT, 2, "how many", whole(1)),
    _CONF,
    Key("imgsz", "a whole number of 32 or more", 640, "side in pixels that the model sees", whole(32)),
    _SEED,
    _IMAGES,
    Key("out", "a .png, .jpg, .pdf or .svg file", "show.png", "the picture to write", text),
)
REPORT = (
    Key("out", "a .html file", "report.html", "the page to write", text),
    Key("n", COUNT, 4, "pictures of each dataset", whole(1)),
    Key("split", SPLIT, "val", "which pictures", text),
    _IMAGES,
    _CONF,
    Key("imgsz", SIDE, None, "what the models see; by default that of each one's training", size),
    _SEED,
    Key("pictures", "true or false", True, "whether to show pictures: they need weights and datasets", flag),
)
# What goes on to `yolo val`; None leaves its default.
VALIDATION = (
    Key("imgsz", SIDE, None, "what the model sees; by default that of its training", size),
    Key("batch", COUNT, None, "pictures in a batch", whole(1)),
    Key("conf", SHARE, None, "least confidence of a box that counts", number(0, 1)),
    Key("iou", SHARE, None, "IoU of the non-maximum suppression", number(0, 1)),
    Key("max_det", COUNT, None, "boxes per picture", whole(1)),
    Key("device", "cpu, or a GPU's number", None, "where to run"),
    Key("workers", WHOLE, None, "processes that read pictures", whole(0)),
    Key("single_cls", "true or false", None, "whether all classes are one", flag),
    Key("nms", "true or false", None, "of end-to-end models: whether to suppress all the same", flag),
)
_DATA = Key("data", "a dataset YAML", None, "by default the one of the training", text)
_SPLIT = Key("split", SPLIT, None, "which pictures; by default val", text)
_OUT = Key("out", "a folder", None, "where results go; by default the next free one", text)
INTERVALS = (
    Key("resamples", "a whole number up to 10000", DEFAULTS["resamples"], "of the pictures, for intervals; 0: none"),
    Key("seed", WHOLE, DEFAULTS["seed"], "what the resamples depend on"),
    Key("level", "a number between 0 and 1", DEFAULTS["level"], "confidence level of the intervals"),
)
COCO_EVAL = (
    Key("model", "a checkpoint, a run's folder, or an exported model", None, "what to evaluate, with data=", text),
    _DATA,
    _SPLIT,
    Key("predictions", "COCO JSON", None, "what to evaluate instead, with annotations=", text),
    Key("annotations", "COCO JSON", None, "its truth", text),
    Key("images", "a folder", None, "the pictures of these, for examples=", text),
    *INTERVALS,
    Key("examples", "a whole number up to 10000", DEFAULTS["examples"], "how many of the worst pictures to draw"),
    _OUT,
    *VALIDATION,
)
COMPARE = (_DATA, _SPLIT, *INTERVALS, _OUT, *VALIDATION)
ASSIGNMENT = (
    Key("data", "a dataset YAML", None, "of the colourisers; by default cifar10-horses.yaml", text),
    Key("epochs", COUNT, None, "of each colouriser; by default 25", whole(1)),
    Key("seed", WHOLE, None, "of every run; by default 0", whole(0)),
    Key("weights", "a checkpoint", None, "the detector that part D fine-tunes; by default yolov5n.pt", text),
    Key("detection", "a dataset YAML", None, "of part D; by default coco128.yaml", text),
    Key("imgsz", COUNT, None, "side in pixels, of part D; by default 640", whole(1)),
    Key("parts", "some of ABCD", "ABCD", "which parts"),
    Key("out", "a folder", "runs/assignment", "where everything goes; the same one goes on", text),
)
IMPORT = (
    Key("cfg", "a Darknet .cfg", None, "of Darknet: the layers; by default the .cfg beside the weights", text),
    Key("names", "a file with a name per line", None, "of Darknet: the class names", text),
)
COMPLEXITY = (
    Key("model", "a colouriser's YAML or checkpoint", None, "what to count", text, "colorize-pool.yaml"),
    Key("imgsz", SIDE, 32, "of the picture", size),
)
STUDY = (
    Key("model, data, ...", "those of `yolo train`", None, "one value, or several with commas between: the grid"),
    Key(
        "folds", "a whole number of 2 or more", None, "train on so many folds of train and val, and pool what they find"
    ),
    Key(
        "groups",
        "a CSV file, auto, names or none",
        "auto",
        "what stays together in a fold; auto: frames by their names",
    ),
    Key("fold_seed", WHOLE, 0, "what the choice of the folds depends on"),
    Key("project", "a folder", "runs/study", "where the study's folder is made", text),
    Key("name", "a name", "study", "of its folder", text),
)
RECIPE = (
    Key("model", "a checkpoint, or a model's YAML", None, "what to train", text, "yolo11n.pt"),
    Key("data", "a dataset YAML", None, "what to learn", text, "bccd.yaml"),
    Key("minutes", "a number from 0.01 to 1000000", 30, "how long the training may take", number(0.01, 1e6)),
    Key("imgsz", "a whole number of 32 or more", None, "side in pixels; by default chosen by the boxes", whole(32)),
    Key("epochs", "a whole number of 1 or more", None, "passes over the pictures, instead of minutes=", whole(1)),
    Key("device", "cpu, or a GPU's number", None, "where to train"),
    Key("out", "a .yaml file", "recipe.yaml", "the file to write", text),
    Key("probe", "true or false", False, "try policies on folds of train, in up to half of the minutes", flag),
    Key("split", "a number between 0 and 1", None, "without a val split: the share of train to keep for it", part),
    Key("groups", "a CSV file, auto, names or none", "auto", "what stays together in a fold or split"),
)
