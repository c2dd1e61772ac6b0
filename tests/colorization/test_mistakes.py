"""User mistakes: one line that names the problem and the fix, exit status 1, no traceback, nothing harmed."""

import cv2
import numpy as np
import pytest

from ..tiny_models import YOLO11N

PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def dataset(folder, train=PICTURE, extra=()):
    """A dataset YAML with two training pictures and a validation picture."""
    for split, names in (("train", ("a.png", "b.png")), ("val", ("a.png",))):
        (folder / split).mkdir()
        for name in names:
            cv2.imwrite(str(folder / split / name), train)
    for name, content in extra:
        (folder / "train" / name).write_bytes(content)
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: train\nval: val\nnames: [thing]\n")
    return folder / "data.yaml"


SMALL = ("epochs=1", "batch=2", "imgsz=32", "plots=False")


def test_missing_dataset(fails, tmp_path):
    assert "nope.yaml" in fails("train", "data=nope.yaml", *SMALL)
    assert "did you mean 'fruitbowl.yaml'" in fails("train", "data=fruitbowll.yaml", *SMALL)
    assert not list(tmp_path.iterdir()), "a failed command left something behind"


def test_empty_image_folder(fails, tmp_path):
    data = dataset(tmp_path)
    for file in (tmp_path / "train").iterdir():
        file.unlink()
    assert "no images in" in fails("train", f"data={data}", *SMALL)
    assert not (tmp_path / "runs").exists()


def test_bad_files_are_skipped_with_one_warning_each(cli, tmp_path):
    png = cv2.imencode(".png", PICTURE)[1].tobytes()
    data = dataset(tmp_path, extra=[("c.jpg", b"no image"), ("d.png", png[:-40])])
    code, text = cli("colorize", "train", f"data={data}", *SMALL, "palette=3", f"project={tmp_path}/runs")
    assert code == 0, text
    assert text.count("c.jpg': not an image") == 1
    assert text.count("d.png': truncated") == 1
    assert "Using 2 train" in text


def test_grey_pictures_are_allowed_with_a_warning(cli, tmp_path):
    data = dataset(tmp_path, train=np.repeat(PICTURE[..., :1], 3, axis=2))
    code, text = cli("colorize", "train", f"data={data}", *SMALL, "palette=3", f"project={tmp_path}/runs")
    assert code == 0, text
    assert "no colours to learn" in text


@pytest.mark.parametrize(
    ("colours", "message"),
    [
        ("[[0, 0, 0]]", "palette of 1 colours"),
        ("[[0, 0, 0], [.nan, 0, 0]]", "give numbers in [0, 1]"),
        ("[[0, 0, 0], [0, 0, 1.5]]", "give numbers in [0, 1]"),
        ("[[0, 0], [1, 1]]", "give K x 3"),
    ],
)
def test_bad_palette_files(fails, tmp_path, colours, message):
    (tmp_path / "mine.yaml").write_text(f"colours: {colours}\n")
    line = fails("train", f"data={dataset(tmp_path)}", *SMALL, f"palette={tmp_path}/mine.yaml")
    assert "mine.yaml" in line
    assert message in line


def test_more_colours_than_there_are(fails, tmp_path):
    data = dataset(tmp_path, train=np.zeros((16, 16, 3), np.uint8))
    assert "hold 1 distinct colours" in fails("train", f"data={data}", *SMALL, "palette=3")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=colorize-unett.yaml"], "did you mean 'colorize-unet.yaml'"),
        (["palette=horse24"], "did you mean 'horses24'"),
        (["palette=1"], "palette=1: a palette has 2 to"),
        (["palette=5000"], "palette=5000: a palette has 2 to 4096"),
        (["palette=2.5"], "palette=2.5"),
        (["palette=missing.yaml"], "missing.yaml"),
        (["crop=0.9"], "crop=0.9"),
        (["input_scale=0"], "input_scale=0"),
        (["rebalance=2"], "rebalance=2: give a number from 0 to 1"),
        (["temperature=-1"], "temperature=-1"),
        (["channel_drop=0.5"], "channel_drop=0.5: colorize-unet.yaml has one input channel, not three"),
        (["shuffle=always"], "shuffle=always: give one of epoch, once"),
        (["select=lst"], "did you mean 'last'"),
        (["epoch=3"], "epochs"),
        (["epochs=-1"], "epochs"),
        (["epochs=three"], "epochs=three"),
        (["fliplr=2"], "fliplr=2"),
        (["batch=-2"], "batch=-2: give a number of images"),
        (["batch=1.5"], "batch=1.5: give a number of images"),
        (["seed=99999999999"], "seed=99999999999: give a number from 0"),
        (["freeze=1"], "freeze=1: nothing of"),
        (["resume=nothing.pt"], "resume=nothing.pt: no such file"),
        (["resume=5"], "resume=5: no such file"),
        (["colour=red"], "'colour' is not a valid YOLO argument"),
    ],
)
def test_wrong_arguments(fails, tmp_path, words, message):
    line = fails("train", f"data={dataset(tmp_path)}", *SMALL, *words)
    assert message in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("mode", "words", "message"),
    [
        ("predict", "batch=0", "batch=0: give 1 or more images"),
        ("predict", "batch=-1", "batch=-1: give 1 or more images"),
        ("predict", "batch=0.5", "batch=0.5: give 1 or more images"),
        ("predict", "imgsz=abc", "imgsz=abc: give a side in pixels"),
        ("predict", "imgsz=[32,32,32]", "imgsz=[32, 32, 32]: give a side in pixels"),
        ("predict", "imgsz=99999999", "imgsz=99999999: more than 16384 pixels"),
        ("track", "source=fruit.png", "finds no objects that could be tracked"),
        ("val", "batch=1.5", "batch=1.5: give a number of images"),
        ("val", "batch=-2", "batch=-2: give a number of images"),
        ("export", "batch=-1", "batch=-1: give 1 or more images"),
        ("export", "format=onnx opset=99", "opset=99: give an opset"),
        ("export", "format=onnx quantize=8", "quantize=8: colourisers are exported"),
        ("export", "format=onnx int8=True", "quantize=8: colourisers are exported"),
    ],
)
def test_wrong_arguments_of_a_trained_model(fails, trained, tmp_path, mode, words, message):
    more = {"predict": ["source=fruit.png"], "val": [f"data={tmp_path}/data.yaml"]}.get(mode, [])
    assert message in fails(mode, f"model={trained}/weights/best.pt", *more, *words.split())
    assert not list(tmp_path.iterdir()), "a failed command left something behind"


def test_model_yaml_with_an_unknown_key(fails, tmp_path):
    (tmp_path / "my.yaml").write_text(
        "task: colorize\nnetwork: UNet\nkernal: 3\nkernel: 3\nnum_filters: 8\nin_channels: 1\npalette: 4\n"
    )
    line = fails("train", f"model={tmp_path}/my.yaml", f"data={dataset(tmp_path)}", *SMALL)
    assert "my.yaml: unknown key 'kernal'; did you mean 'kernel'?" in line


def test_a_detector_is_no_colouriser(fails, tmp_path):
    from ultralytics import YOLO

    YOLO(YOLO11N).save(tmp_path / "detector.pt")
    for mode in ("train", "val", "predict"):
        line = fails(mode, f"model={tmp_path}/detector.pt", f"data={dataset(tmp_path)}"
                     if mode == "train" else "imgsz=32")  # fmt: skip
        assert "detector.pt is a detect model, not a colorize model" in line
    assert "yolo11n.yaml is a detect model" in fails("train", "model=yolo11n.yaml")


def test_a_colouriser_is_no_detector(fails, trained):
    weights = trained / "weights" / "best.pt"
    before = weights.read_bytes()
    for words in (["train", "data=coco8.yaml"], ["val"], ["predict"]):
        assert "best.pt is a colorize model, not a detect model" in fails(*words, f"model={weights}", task="detect")
    assert "is a colorize model" in fails("train", "model=colorize-unet.yaml", task="detect")
    assert weights.read_bytes() == before


def test_predict_without_a_trained_model(fails):
    assert "has no palette before it is trained" in fails("predict", "model=colorize-unet.yaml")


def test_predict_from_nowhere(fails, trained, tmp_path):
    (tmp_path / "empty").mkdir()
    for source in ("nowhere.jpg", "empty"):
        assert source in fails("predict", f"model={trained}/weights/best.pt", f"source={source}")


def test_python_raises_the_same_line(tmp_path):
    from ultralytics import YOLO

    from tintbox.errors import TintboxError

    with pytest.raises(TintboxError, match="crop=2"):
        YOLO("colorize-unet.yaml").train(data=str(dataset(tmp_path)), crop=2)
