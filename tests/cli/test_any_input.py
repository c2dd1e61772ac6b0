"""Whole commands on files with any content: exit status 0, or one line and status 1; in short time; no file is changed.

Each command of `tintbox` that reads a file, and the modes of `yolo colorize`, run in this process as a user types them.
The tests of each reader cover files that are damaged in single places.
"""

import csv
import io
import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tintbox.cli import app

from ..pictures import png

FUZZ = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


# Possible contents of a file

SCALARS = st.sampled_from(
    [None, True, 0, -1, 1, 3, 1.5, 10**400, float("nan"), float("inf"), 1e308, "", "x", "\0", "images/train", "a.png",
     "../..", "/etc/passwd", "colorize", "UNet", "data.yaml", "detector.pt", "http://nowhere.invalid/x", "<b>", "é'\""]
) | st.text(max_size=6)  # fmt: skip
KEYS = st.sampled_from(
    ["path", "train", "val", "test", "names", "nc", "palette", "channels", "download", "task", "network", "base",
     "in_channels", "num_filters", "kernel", "colours", "bins", "scale", "model", "data", "imgsz", "epochs", "freeze",
     "images", "annotations", "categories", "id", "bbox", "backbone", "head", "lr0", "x"]
) | st.text(max_size=4)  # fmt: skip
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
DATA = {"train": "images/train", "val": "images/val", "names": ["a"]}
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghijk", "bcdefghijkl")
)
SPECS = st.dictionaries(KEYS, SCALARS | TREES, max_size=3)


def as_yaml(value):
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


def as_csv(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def zipped(members, compression=zipfile.ZIP_STORED):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return raw.getvalue()


def npy(shape, kind):
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


NAMES = st.sampled_from(["a/data.pkl", "data.pkl", "a/data/0", "a/version", "train.npy", "images.npy", "labels.npy"])
PICKLES = st.binary(max_size=20) | TREES.map(lambda tree: pickle.dumps(tree, protocol=2))
ARRAYS = st.builds(
    npy,
    st.lists(st.sampled_from([0, 1, 3, 32, -1, 10**12]), max_size=4).map(tuple),
    st.sampled_from(["|u1", "<f8", "|O", "<U9", "bad"]),
)
CONTENT = {
    "yaml": TREES.map(as_yaml)
    | st.builds(lambda changes: as_yaml({**DATA, **changes}), SPECS)
    | st.text(alphabet="[]{}:,-&*!|>'\" \n\tab01.%@", max_size=40).map(str.encode)
    | st.sampled_from(
        [b"", b"\xff\xfe", b"[" * 3000, LAUGHS.encode(), b"x: !!python/object/apply:os.system ['exit 1']"]
    ),
    "json": TREES.map(lambda tree: json.dumps(tree).encode())
    | st.sampled_from([b"", b"[]", b"{}", b"[" * 3000, b"[1" + b"0" * 6000 + b"]", b'{"a": 1e999}', b"\xff"]),
    "csv": st.lists(st.lists(st.text(max_size=6) | st.floats().map(str), max_size=4), max_size=4).map(as_csv),
    "zip": st.dictionaries(NAMES, PICKLES | ARRAYS, max_size=3).map(zipped)
    | st.just(zipped({"a/data.pkl": bytes(30 << 20)}, zipfile.ZIP_DEFLATED)),
    "picture": st.builds(
        png, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1) | st.integers(0, 9), st.binary(max_size=20)
    ),
    "binary": st.binary(max_size=60),
}
ANY = st.one_of(*CONTENT.values())


# Command -> the strange file, its special contents besides arbitrary ones, and the arguments.
TINTBOX = {
    "coco-eval predictions": ("s.json", "json", "predictions=s.json annotations=truth.json resamples=0 out=out/c"),
    "coco-eval annotations": ("s.json", "json", "predictions=found.json annotations=s.json resamples=0 out=out/c"),
    "coco-eval model": ("s.pt", "zip", "model=s.pt data=data.yaml imgsz=32 out=out/c"),
    "coco-eval data": ("s.yaml", "yaml", "model=detector.pt data=s.yaml imgsz=32 resamples=0 out=out/c"),
    "compare data": ("s.yaml", "yaml", "detector.pt detector.pt data=s.yaml imgsz=32 resamples=0 out=out/m"),
    "compare model": ("s.pt", "zip", "detector.pt s.pt data=data.yaml imgsz=32 out=out/m"),
    "show model": ("s.pt", "zip", "model=s.pt data=data.yaml out=out/s.png"),
    "show data": ("s.yaml", "yaml", "model=detector.pt data=s.yaml imgsz=32 out=out/s.png"),
    "show images": ("s.png", "picture", "model=detector.pt data=data.yaml images=s.png imgsz=32 out=out/s.png"),
    "recipe data": ("s.yaml", "yaml", "model=tiny.yaml data=s.yaml imgsz=32 out=out/r.yaml"),
    "recipe model": ("s.pt", "zip", "model=s.pt data=data.yaml imgsz=32 out=out/r.yaml"),
    "polish model": ("s.pt", "zip", "s.pt data=data.yaml imgsz=32 out=new.pt"),
    "polish start": ("s.pt", "zip", "detector.pt data=data.yaml imgsz=32 start=s.pt out=new.pt"),
    "polish data": ("s.yaml", "yaml", "detector.pt data=s.yaml imgsz=32 out=new.pt"),
    "study grid": ("s.yaml", "yaml", "s.yaml project=out name=g"),
    "study data": ("s.yaml", "yaml", "model=tiny.yaml data=s.yaml epochs=1 project=out name=g"),
    "study model": ("s.pt", "zip", "model=s.pt data=data.yaml epochs=1 project=out name=g"),
    "report arguments": ("run/args.yaml", "yaml", "run out=out/r.html pictures=false"),
    "report results": ("run/results.csv", "csv", "run out=out/r.html pictures=false"),
    "report evaluation": ("run/coco.json", "json", "run out=out/r.html pictures=false"),
    "assignment data": ("s.yaml", "yaml", "data=s.yaml parts=A out=out/a"),
    "assignment weights": ("s.pt", "zip", "weights=s.pt detection=data.yaml parts=D out=out/a"),
    "import-legacy": ("s.pt", "zip", "s.pt out/new.pt"),
    "import-legacy weights": ("s.weights", "binary", "s.weights out/new.pt cfg=tiny.cfg"),
    "import-legacy cfg": ("s.cfg", "yaml", "tiny.weights out/new.pt cfg=s.cfg"),
    "export-backbone": ("s.pt", "zip", "s.pt out/new.pt"),
    "export-stock": ("s.pt", "zip", "s.pt out/new.pt"),
    "complexity": ("s.yaml", "yaml", "model=s.yaml"),
    "complexity checkpoint": ("s.pt", "zip", "model=s.pt"),
}  # fmt: skip
TRAIN = "data=data.yaml epochs=1 batch=2 imgsz=32 palette=3 plots=False workers=0 project=out exist_ok=True"
COLORIZE = {
    "train data": ("s.yaml", "yaml", f"train model=colorize-convt.yaml {TRAIN} data=s.yaml"),
    "train model": ("s.yaml", "yaml", f"train {TRAIN} model=s.yaml"),
    "train palette": ("s.yaml", "yaml", f"train model=colorize-convt.yaml {TRAIN} palette=s.yaml"),
    "train cfg": ("s.yaml", "yaml", f"train model=colorize-convt.yaml {TRAIN} cfg=s.yaml"),
    "train pretrained": ("s.pt", "zip", f"train model=colorize-convt.yaml {TRAIN} pretrained=s.pt"),
    "train resume": ("s.pt", "zip", "train resume=s.pt"),
    "train pictures": ("images/train/s.png", "picture", f"train model=colorize-convt.yaml {TRAIN}"),
    "train archive": ("s.npz", "zip", f"train model=colorize-convt.yaml {TRAIN} data=archive.yaml"),
    "val data": ("s.yaml", "yaml", "val model=colouriser.pt imgsz=32 data=s.yaml project=out exist_ok=True"),
    "val model": ("s.pt", "zip", "val model=s.pt imgsz=32 data=data.yaml project=out exist_ok=True"),
    "predict picture": ("s.png", "picture", "predict model=colouriser.pt source=s.png project=out exist_ok=True"),
    "predict list": ("s.txt", "csv", "predict model=colouriser.pt source=s.txt project=out exist_ok=True"),
    "predict model": ("s.pt", "zip", "predict model=s.pt source=images/val project=out exist_ok=True"),
    "predict export": ("s.onnx", "binary", "predict model=s.onnx source=images/val project=out exist_ok=True"),
    "export model": ("s.pt", "zip", "export model=s.pt format=torchscript"),
}


TRAINING = settings(FUZZ, max_examples=6)  # nearly every example trains


def content_of(kind):
    return CONTENT[kind] | ANY


GROUPS = {"coco-eval": "coco-eval inputs", "compare": "coco-eval inputs", "study": "study inputs",
          "report": "report inputs", "import-legacy": "import-legacy inputs"}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.attack(GROUPS.get(n.split()[0], "newcomer"))) for n in TINTBOX]
)
def test_tintbox(attempt, place, name):
    strange, kind, words = TINTBOX[name]
    (place / strange).parent.mkdir(exist_ok=True)
    if name.startswith("report"):
        for file, text in (("args.yaml", "task: detect\nmode: train\n"), ("results.csv", "epoch,time\n1,2\n")):
            (place / "run" / file).write_text(text)

    @FUZZ
    @given(content=content_of(kind))
    def run(content):
        attempt(strange, content, "tintbox", name.split()[0], *words.split())

    run()


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize("name", COLORIZE)
def test_yolo_colorize(attempt, place, name):
    strange, kind, words = COLORIZE[name]
    described = {"path": str(place), "train": "s.npz", "val": "images/val", "names": ["a"]}
    (place / "archive.yaml").write_text(yaml.safe_dump(described))

    @(TRAINING if name == "train pictures" else FUZZ)
    @given(content=content_of(kind))
    def run(content):
        attempt(strange, content, "yolo", "colorize", *words.split())

    run()


@pytest.mark.attack("newcomer")
@FUZZ
@given(word=st.text(max_size=8).filter(lambda word: not word.startswith("-")))
def test_any_topic(attempt, word):
    attempt("s.txt", b"", "tintbox", "options", word)


@pytest.mark.attack("newcomer")
@pytest.mark.parametrize(
    "words", ["show data=data.yaml model=", "coco-eval data=data.yaml model=", "export-backbone ", "export-stock "]
)
def test_a_model_that_is_not_there(attempt, words):
    said = attempt("s.txt", b"", "tintbox", *f"{words}nothing.pt".split(), *(["x.pt"] * words.startswith("export")))
    assert "nothing.pt" in said and ("no such" in said or "not exist" in said), said


@pytest.mark.parametrize("command", ["doctor", "version"])
def test_what_reads_no_file(attempt, command):
    attempt("s.txt", b"", "tintbox", command)


@pytest.mark.parametrize("command", [*app.app.registered_commands], ids=lambda c: c.name or c.callback.__name__)
def test_every_command_is_here(command):
    tried = {name.split()[0] for name in TINTBOX} | {"options", "doctor", "version"}
    assert (command.name or command.callback.__name__.replace("_", "-")) in tried


@pytest.mark.parametrize(
    ("words", "strange", "content"),
    [
        ("yolo colorize train data=s.yaml epochs=1 imgsz=32", "s.yaml", b"[" * 3000),
        ("yolo colorize predict model=s.pt source=s.png", "s.pt", zipped({"a/data.pkl": b"cos\nsystem\n."})),
        ("tintbox coco-eval predictions=s.json annotations=s.json", "s.json", b"[1" + b"0" * 6000 + b"]"),
    ],
)
def test_real_processes(forked, tmp_path, words, strange, content):
    """The installed commands behave like the calls in this process."""
    (tmp_path / strange).write_bytes(content)
    command, *rest = words.split()
    done = forked(Path(sys.executable).with_name(command), *rest)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"{command}: ")
    assert (tmp_path / strange).read_bytes() == content
