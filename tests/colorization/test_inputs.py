"""Strange inputs of a colouriser: exit status 0, or one line and status 1; in bounded time, without changing files."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tintbox.colorization.data import Pictures, check_size
from tintbox.colorization.decoding import decode
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError
from tintbox.limits import PICTURE_PIXELS, TRAINED_SIDE

from ..pictures import png
from .conftest import FUZZ

pytestmark = pytest.mark.attack("colorize inputs")

SMALL = ("epochs=1", "batch=2", "imgsz=32", "plots=False", "palette=3")


# Palette files

NUMBERS = st.one_of(st.floats(), st.integers(), st.floats(0, 1), st.none(), st.text(max_size=3))


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["colours", "bins", "scale", "temperature", "rebalance", "weights", "x"]),
        NUMBERS | st.lists(NUMBERS | st.lists(NUMBERS, max_size=4), max_size=4),
        max_size=4,
    )
)
def test_any_palette_is_one_or_refused_in_a_line(tmp_path, content):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(content))
    try:
        assert len(Palette.load(file)) >= 2
    except TintboxError as error:
        assert "mine.yaml" in str(error) and "\n" not in str(error)


# Pictures


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (20_000, 20_000), (1, 2**31 - 1)])
def test_a_header_that_claims_too_much_is_passed_over_at_once(tmp_path, size):
    file = tmp_path / "huge.png"
    file.write_bytes(png(*size))
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"million pixels|not an image"):
        decode(file, (32, 32))
    assert time.monotonic() - start < 1
    assert size[0] * size[1] > PICTURE_PIXELS


def usable(files, cache):
    """The usable files, whether decoded or only checked."""
    return Pictures(files, 32, cache).files


@FUZZ
@given(
    start=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"II*\0", b"RIFF", b"\0"]),
    body=st.binary(max_size=60),
    suffix=st.sampled_from([".png", ".jpg", ".bmp", ".webp", ".tif", ".avif", ".jp2", ".dng", ".mpo"]),
)
def test_any_file_is_a_picture_or_passed_over(pictures, start, body, suffix):
    good, strange = pictures / "train" / "a.png", pictures / f"strange{suffix}"
    strange.write_bytes(start + body)
    assert good in usable([good, strange], cache="ram")
    assert good in usable([good, strange], cache="disk")
    strange.unlink()


def test_a_file_that_cannot_be_read_is_passed_over(pictures):
    good = pictures / "train" / "a.png"
    for cache in ("ram", "disk"):
        assert usable([good, pictures / "gone.png", pictures / "train"], cache) == [good]


# Sizes and batches


@pytest.mark.parametrize("size", ["abc", "64.5", "[]", "{a: 1}", "None", "true", "100000"])
def test_sizes(fails, data, tmp_path, size):
    assert "imgsz=" in fails("train", f"data={data()}", "epochs=1", f"imgsz={size}")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("given", "side"), [([64, 32], 64), ((64, 32), 64), ("64", 64), (33, 64), (0, 32), (-5, 32)])
def test_sizes_that_stock_takes(given, side):
    assert check_size(given, 32, most=1) == [side]


def test_two_sides_are_the_larger_one_as_in_stock(cli, data, tmp_path):
    code, text = cli("colorize", "train", f"data={data()}", *SMALL, "imgsz=64,32", f"project={tmp_path}/runs")
    assert code == 0, text
    assert text.count("updating to 'imgsz=64'") == 1
    assert yaml.safe_load((tmp_path / "runs/train/args.yaml").read_text())["imgsz"] == 64


def test_the_largest_side():
    assert check_size(TRAINED_SIDE, 32) == [TRAINED_SIDE]
    with pytest.raises(TintboxError, match="imgsz=16385"):
        check_size(TRAINED_SIDE + 1, 32)


@pytest.mark.parametrize("size", [50, 33])
def test_validation_at_a_size_that_is_no_multiple(cli, data, trained, tmp_path, size):
    words = (f"model={trained}/weights/best.pt", f"data={data()}", f"imgsz={size}", f"project={tmp_path}/v")
    code, text = cli("colorize", "val", *words)
    assert code == 0, text


DETECTOR = ("model=yolo11n-colorize.yaml", "epochs=1", "imgsz=32", "plots=False")


def test_a_last_batch_of_one_picture_joins_the_one_before(cli, data, tmp_path):
    code, text = cli("colorize", "train", f"data={data()}", *DETECTOR, "batch=2", f"project={tmp_path}/runs")
    assert code == 0, text


def test_one_picture_alone_cannot_train(fails, data, pictures):
    assert "batch=1, imgsz=32: BatchNorm" in fails("train", f"data={data()}", *DETECTOR, "batch=1")
    for name in "bc":
        (pictures / "train" / f"{name}.png").unlink()
    assert "one training image, imgsz=32: BatchNorm" in fails("train", f"data={data()}", *DETECTOR, "batch=4")


# Places to write to


@pytest.mark.parametrize("mode", ["train", "val", "predict"])
def test_a_project_that_cannot_be_written(cli, data, trained, pictures, mode, tmp_path):
    (tmp_path / "file").write_text("mine")
    words = {
        "train": [f"data={data()}", *SMALL],
        "val": [f"data={data()}", f"model={trained}/weights/best.pt", "imgsz=32"],
        "predict": ["save=True", f"source={pictures}/val", f"model={trained}/weights/best.pt", "imgsz=32"],
    }[mode]
    code, text = cli("colorize", mode, *words, f"project={tmp_path}/file/runs")
    assert code == 1, text
    line = [line for line in text.splitlines() if line.strip()][-1]
    assert line.startswith(f"yolo: {tmp_path}/file") and "cannot be written" in line
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_is_full(forked_yolo, data, tmp_path, forked):
    # A limit on file size makes writes fail as a full disk does.
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from ultralytics.cfg import entrypoint; entrypoint()"
    )
    done = forked("-c", code, "colorize", "train", f"data={data()}", *SMALL, f"project={tmp_path}/runs")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("yolo: ") and "cannot be written" in line


@pytest.mark.parametrize("words", ["train pretrained=nothing.pt", "val model=nothing.pt", "export model=nothing.pt"])
def test_files_that_are_not_there(fails, data, words):
    mode, *rest = words.split()
    assert "nothing.pt" in fails(mode, *rest, *([] if mode == "export" else [f"data={data()}", "imgsz=32"]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train optimizer=Foo", "Foo"),
        ("train device=99", "99"),
        ("train batch=abc", "batch=abc"),
        ("train lr0=abc", "lr0=abc"),
        ("train split=nothing", "nothing"),
        ("train fraction=2.5", "fraction=2.5"),
        ("export model={best} format=foo", "foo"),
        ("predict model={best} source=nothing.jpg", "nothing.jpg"),
        ("val model={best} split=nothing", "nothing"),
    ],
)
def test_what_ultralytics_itself_finds_fault_with(fails, data, trained, words, message):
    mode, *rest = words.format(best=trained / "weights" / "best.pt").split()
    assert message in fails(mode, *rest, *([f"data={data()}", "imgsz=32"] if mode in ("train", "val") else []))
