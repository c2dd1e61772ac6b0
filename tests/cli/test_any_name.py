"""Whole commands on impossible file names, too long or with a null byte: one line and exit status 1."""

import pytest
import yaml

from tintbox.errors import one_line

NAMES = {"too long": "x" * 300, "zero byte": "a\0b"}
TRAIN = "train data=data.yaml epochs=1 batch=2 imgsz=32 palette=3 plots=False workers=0 project=out exist_ok=True"
# Every argument that takes the name of a file or folder, written as @.
COMMANDS = [
    "tintbox show model=@.pt data=data.yaml out=out/s.png",
    "tintbox show model=detector.pt data=@.yaml out=out/s.png",
    "tintbox show model=detector.pt data=data.yaml images=@.png out=out/s.png",
    "tintbox show model=detector.pt data=data.yaml out=@.png n=1 imgsz=32",
    "tintbox coco-eval predictions=@.json annotations=truth.json out=out/c",
    "tintbox coco-eval predictions=found.json annotations=@.json out=out/c",
    "tintbox coco-eval predictions=found.json annotations=truth.json images=@ examples=1 out=out/c",
    "tintbox coco-eval predictions=found.json annotations=truth.json resamples=0 out=@",
    "tintbox coco-eval model=@.pt data=data.yaml out=out/c",
    "tintbox coco-eval model=@ data=data.yaml out=out/c",
    "tintbox coco-eval model=detector.pt data=@.yaml out=out/c",
    "tintbox coco-eval model=detector.pt data=@ out=out/c",
    "tintbox coco-eval model=detector.pt data=data.yaml imgsz=32 resamples=0 out=@",
    "tintbox compare @ detector.pt data=data.yaml out=out/m",
    "tintbox compare detector.pt @.pt data=data.yaml out=out/m",
    "tintbox compare detector.pt detector.pt data=@.yaml out=out/m",
    "tintbox compare detector.pt detector.pt data=data.yaml out=@",
    "tintbox recipe model=@.pt data=data.yaml imgsz=32 out=out/r.yaml",
    "tintbox recipe model=@.yaml data=data.yaml imgsz=32 out=out/r.yaml",
    "tintbox recipe model=tiny.yaml data=@.yaml imgsz=32 out=out/r.yaml",
    "tintbox recipe model=tiny.yaml data=@ imgsz=32 out=out/r.yaml",
    "tintbox recipe model=tiny.yaml data=data.yaml imgsz=32 out=@.yaml",
    "tintbox recipe model=tiny.yaml data=whole.yaml imgsz=32 groups=@.csv split=0.5 out=out/r.yaml",
    "tintbox polish @.pt data=data.yaml imgsz=32 out=new.pt",
    "tintbox polish detector.pt data=@.yaml imgsz=32 out=new.pt",
    "tintbox polish detector.pt data=data.yaml imgsz=32 start=@.pt out=new.pt",
    "tintbox polish detector.pt data=data.yaml imgsz=32 out=@.pt",
    "tintbox study @ project=out name=g",
    "tintbox study @.yaml project=out name=g",
    "tintbox study model=@.pt data=data.yaml epochs=1 project=out name=g",
    "tintbox study model=@.yaml data=data.yaml epochs=1 project=out name=g",
    "tintbox study model=tiny.yaml data=@.yaml epochs=1 project=out name=g",
    "tintbox study model=tiny.yaml data=data.yaml epochs=1 project=@ name=g",
    "tintbox study model=tiny.yaml data=data.yaml epochs=1 project=out name=@",
    "tintbox study model=tiny.yaml data=data.yaml epochs=1 cfg=@.yaml project=out name=g",
    "tintbox study model=tiny.yaml data=data.yaml epochs=1 pretrained=@.pt project=out name=g",
    "tintbox study model=tiny.yaml data=data.yaml epochs=1 folds=2 groups=@.csv project=out name=g",
    "tintbox report @ out=out/r.html",
    "tintbox report run out=@.html",
    "tintbox assignment data=@.yaml parts=A out=out/a",
    "tintbox assignment data=data.yaml parts=A out=@",
    "tintbox assignment weights=@.pt detection=data.yaml parts=D out=out/a",
    "tintbox assignment weights=detector.pt detection=@.yaml parts=D out=out/a",
    "tintbox import-legacy @.pt out/new.pt",
    "tintbox import-legacy @.weights out/new.pt",
    "tintbox import-legacy tiny.weights out/new.pt cfg=@.cfg",
    "tintbox import-legacy tiny.weights out/new.pt cfg=tiny.cfg names=@.txt",
    "tintbox export-backbone @.pt out/new.pt",
    "tintbox export-stock @.pt out/new.pt",
    "tintbox complexity model=@.yaml",
    "tintbox complexity model=@.pt",
    f"yolo colorize {TRAIN} model=@.yaml",
    f"yolo colorize {TRAIN} model=@.pt",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml data=@.yaml",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml data=@",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml palette=@.yaml",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml palette=@.npy",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml cfg=@.yaml",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml pretrained=@.pt",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml project=@",
    f"yolo colorize {TRAIN} model=colorize-convt.yaml name=@",
    "yolo colorize train resume=@.pt",
    "yolo colorize train resume model=@.pt",
    "yolo colorize val model=@.pt imgsz=32 data=data.yaml",
    "yolo colorize val model=colouriser.pt imgsz=32 data=@.yaml",
    "yolo colorize val model=colouriser.pt imgsz=32 data=@",
    "yolo colorize predict model=@.pt source=images/val",
    "yolo colorize predict model=colouriser.pt source=@.png",
    "yolo colorize predict model=colouriser.pt source=@",
    "yolo colorize predict model=colouriser.pt source=@.txt",
    "yolo colorize export model=@.pt format=torchscript",
]


CASES = [(words, name) for words in COMMANDS for name in NAMES if name == "too long" or words.startswith("tintbox")]


@pytest.fixture
def fuller(place):
    """The folder with a run, a dataset without validation pictures, and Darknet files, none read yet."""
    (place / "run").mkdir(exist_ok=True)
    described = yaml.safe_load((place / "data.yaml").read_text())
    for name, content in {
        "run/args.yaml": "task: detect\nmode: train\n",
        "run/results.csv": "epoch,time\n1,2\n",
        "whole.yaml": yaml.safe_dump({key: described[key] for key in ("path", "train", "names")}),
        "tiny.cfg": "",
        "tiny.weights": "",
    }.items():
        (place / name).write_text(content)


@pytest.mark.usefixtures("fuller")
@pytest.mark.parametrize(("words", "name"), CASES)
def test_a_name_that_no_file_can_have(attempt, words, name):
    said = attempt("s.txt", b"", *(word.replace("@", NAMES[name]) for word in words.split()))
    assert one_line(NAMES[name]) in said or (words.startswith("tintbox study") and name in said), said
