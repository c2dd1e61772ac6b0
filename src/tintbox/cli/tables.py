"""The keys of every command of `tintbox`, which `--help` shows and the checks use."""

from __future__ import annotations

from tintbox.cli.keys import Key, flag, number, part, size, text, texts, whole
from tintbox.plugins.coco_eval.settings import DEFAULTS

SPLIT = "train, val, test or minival"
SHARE = "a number from 0 to 1"
WHOLE, COUNT = "a whole number of 0 or more", "a whole number of 1 or more"
SIDE = "a side in pixels, or [height, width]"
NAMES = "a name, or a list of names"

# Keys that choose and draw images, in `show` and `report`.
_CONF = Key("conf", SHARE, 0.25, "minimum confidence of the boxes to draw", number(0, 1))
_SEED = Key("seed", WHOLE, 0, "seed for choosing the images", whole(0))
_SHOWN = Key("split", SPLIT, "val", "the split to show", text)
_IMAGES = Key("images", NAMES, None, "show these images instead", texts)

SHOW = (
    Key("model", "a checkpoint, or an exported model", None, "the detector", text, "best.pt"),
    Key("data", "a dataset YAML", None, "the images and their labels", text, "bccd.yaml"),
    _SHOWN,
    Key("n", COUNT, 2, "number of images", whole(1)),
    _CONF,
    Key("imgsz", "a whole number of 32 or more", 640, "the model's input size in pixels", whole(32)),
    _SEED,
    _IMAGES,
    Key("out", "a .png, .jpg, .pdf or .svg file", "show.png", "the image file to write", text),
)
REPORT = (
    Key("out", "a .html file", "report.html", "the page to write", text),
    Key("n", COUNT, 4, "number of images per dataset", whole(1)),
    _SHOWN,
    _IMAGES,
    _CONF,
    Key("imgsz", SIDE, None, "the models' input size; by default as in training", size),
    _SEED,
    Key("pictures", "true or false", True, "whether to show images, which needs weights and datasets", flag),
)
# Keys passed to `yolo val`; None keeps its default.
VALIDATION = (
    Key("imgsz", SIDE, None, "the model's input size; by default as in training", size),
    Key("batch", COUNT, None, "images per batch", whole(1)),
    Key("conf", SHARE, None, "minimum confidence of the boxes to evaluate", number(0, 1)),
    Key("iou", SHARE, None, "IoU threshold of non-maximum suppression", number(0, 1)),
    Key("max_det", COUNT, None, "maximum number of boxes per image", whole(1)),
    Key("device", "cpu, or a GPU's number", None, "where to run"),
    Key("workers", WHOLE, None, "number of processes that load images", whole(0)),
    Key("single_cls", "true or false", None, "whether to treat all classes as one", flag),
    Key("nms", "true or false", None, "end-to-end models: whether to apply non-maximum suppression anyway", flag),
)
_DATA = Key("data", "a dataset YAML", None, "the dataset; by default that of the training", text)
_SPLIT = Key("split", SPLIT, None, "the split to evaluate; by default val", text)
_OUT = Key("out", "a folder", None, "where to write results; by default the next free folder", text)
INTERVALS = (
    Key("resamples", "a whole number up to 10000", DEFAULTS["resamples"], "resamples for intervals; 0: no intervals"),
    Key("seed", WHOLE, DEFAULTS["seed"], "seed of the resamples"),
    Key("level", "a number between 0 and 1", DEFAULTS["level"], "confidence level of the intervals"),
)
COCO_EVAL = (
    Key("model", "a checkpoint, a run's folder, or an exported model", None, "the model to evaluate, with data=", text),
    _DATA,
    _SPLIT,
    Key("predictions", "COCO JSON", None, "predictions to evaluate instead, with annotations=", text),
    Key("annotations", "COCO JSON", None, "the ground truth for predictions=", text),
    Key("images", "a folder", None, "the images of annotations=, for examples=", text),
    *INTERVALS,
    Key("examples", "a whole number up to 10000", DEFAULTS["examples"], "how many of the worst images to draw"),
    _OUT,
    *VALIDATION,
)
COMPARE = (_DATA, _SPLIT, *INTERVALS, _OUT, *VALIDATION)
ASSIGNMENT = (
    Key("data", "a dataset YAML", None, "the colourisers' dataset; by default cifar10-horses.yaml", text),
    Key("epochs", COUNT, None, "epochs per colouriser; by default 25", whole(1)),
    Key("seed", WHOLE, None, "seed of every run; by default 0", whole(0)),
    Key("weights", "a checkpoint", None, "the detector to fine-tune in part D; by default yolov5n.pt", text),
    Key("detection", "a dataset YAML", None, "the dataset of part D; by default coco128.yaml", text),
    Key("imgsz", COUNT, None, "image size in pixels in part D; by default 640", whole(1)),
    Key("parts", "some of ABCD", "ABCD", "the parts to run"),
    Key("out", "a folder", "runs/assignment", "where to write everything; an existing one is continued", text),
)
IMPORT = (
    Key("cfg", "a Darknet .cfg", None, "Darknet: the layers; by default the .cfg next to the weights", text),
    Key("names", "a file with a name per line", None, "Darknet: the class names", text),
)
COMPLEXITY = (
    Key("model", "a colouriser's YAML or checkpoint", None, "the network to count", text, "colorize-pool.yaml"),
    Key("imgsz", SIDE, 32, "image size", size),
)
STUDY = (
    Key("model, data, ...", "those of `yolo train`", None, "one value, or several separated by commas: the grid"),
    Key("folds", "a whole number of 2 or more", None, "number of folds of train and val; their predictions are pooled"),
    Key(
        "groups",
        "a CSV file, auto, names or none",
        "auto",
        "which images stay together in a fold; auto: frames, by their names",
        text,
    ),
    Key("fold_seed", WHOLE, 0, "seed for choosing the folds"),
    Key("project", "a folder", "runs/study", "where to create the study's folder", text),
    Key("name", "a name", "study", "the folder's name", text),
)
RECIPE = (
    Key("model", "a checkpoint, or a model's YAML", None, "the model to train", text, "yolo11n.pt"),
    Key("data", "a dataset YAML", None, "the dataset to train on", text, "bccd.yaml"),
    Key(
        "minutes", "a number from 0.01 to 1000000", None, "time limit for the training; default: 30", number(0.01, 1e6)
    ),
    Key("imgsz", "a whole number of 32 or more", None, "image size in pixels; default: by box size", whole(32)),
    Key("epochs", COUNT, None, "number of epochs, instead of minutes=", whole(1)),
    Key("device", "cpu, or a GPU's number", None, "where to train"),
    Key("out", "a .yaml file", "recipe.yaml", "the file to write", text),
    Key("probe", "true or false", False, "measure freeze policies on folds of train, in up to half of the time", flag),
    Key("split", "a number between 0 and 1", None, "the fraction of train to use as val, if there is no val", part),
    Key("groups", "a CSV file, auto, names or none", "auto", "which images stay together in a fold or split", text),
)
POLISH = (
    _DATA,
    Key("start", "a checkpoint", None, "what the training started from; by default as the checkpoint says", text),
    Key("imgsz", "a whole number of 32 or more", None, "image size in pixels; by default as in training", whole(32)),
    Key("device", "cpu, or a GPU's number", None, "where to run"),
    Key("out", "a .pt file", None, "the file to write; by default polished.pt next to the checkpoint", text),
)
