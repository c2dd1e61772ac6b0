"""Prediction and export: pictures of any size, videos, exports that agree with torch, restricted loading."""

import os

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ultralytics import YOLO

from tintbox.colorization import predictor as prediction
from tintbox.colorization.model import ColorizeModel
from tintbox.colorization.palette import Palette
from tintbox.colorization.predictor import ColorizePredictor, ColorizeResults, fit_size, pad
from tintbox.colorization.rendering import readout, render
from tintbox.errors import TintboxError


def test_a_result_is_one_image():
    result = ColorizeResults(picture(8, 8), "a/b.jpg", {0: "#000000"}, picture(8, 8))
    assert [len(one) for one in result] == [1] and len(result[0]) == len(result[:1]) == 1


def test_it_is_saved_under_its_own_name(tmp_path, monkeypatch, one_line_error):
    monkeypatch.chdir(tmp_path)
    result = ColorizeResults(picture(8, 8), "a/b.jpg", {0: "#000000"}, picture(8, 8))
    result.plot(save=True)
    assert (tmp_path / "results_b.jpg").is_file()
    one_line_error(r"^o: 8x8 pixels cannot be written as ''; give a name that ends in \.png", result.save, "o")
    result.colour = np.zeros((1, 70_000, 3), np.uint8)
    one_line_error(r"^o\.jpg: 1x70000 pixels cannot be written as '\.jpg'", result.save, "o.jpg")


def test_an_image_too_large_for_jpeg_is_saved_as_png(weights, tmp_path):
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), np.zeros((2, 65_501, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "in" / "b.png"), np.zeros((2, 65_500, 3), np.uint8))
    YOLO(weights).predict(str(tmp_path / "in"), save=True, project=str(tmp_path), name="out", imgsz=32, verbose=False)
    saved = {file.name for file in (tmp_path / "out").iterdir()}
    assert saved == {"a.png", "b.jpg", ".painted"}
    assert cv2.imread(str(tmp_path / "out" / "a.png")).shape == (2, 65_501, 3)


@pytest.fixture
def weights(trained):
    return trained / "weights" / "best.pt"


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(32, 32), (480, 640), (33, 17), (5, 300), (1, 1)])
@pytest.mark.smoke
def test_result_has_the_pictures_own_size_and_the_palettes_colours(weights, shape):
    model = YOLO(weights)
    (result,) = model.predict(picture(*shape), imgsz=32, verbose=False)
    assert result.colour.shape == (*shape, 3)
    assert result.plot().shape == (*shape, 3)
    colours = {tuple(c) for c in result.colour[..., ::-1].reshape(-1, 3)}
    assert colours <= {tuple(bytes.fromhex(name[1:])) for name in model.names.values()}


def test_at_its_own_size_the_result_is_the_networks_arg_max(weights):
    model = YOLO(weights)
    image = picture(64, 32)
    (result,) = model.predict(image, imgsz=(64, 32), verbose=False)
    network = YOLO(weights).model.eval()
    grey = torch.from_numpy(image.astype(np.float32).mean(-1) / 255)[None, None]
    with torch.inference_mode():
        expected = model.model.palette.decode(network(grey))[0].numpy()[..., ::-1]
    assert (result.colour != expected).any(-1).mean() < 1e-3  # ties in the last bit of fused arithmetic


def test_files_folders_and_videos_are_saved_in_colour(cli, weights, tmp_path):
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), picture(40, 60))
    cv2.imwrite(str(tmp_path / "in" / "b.jpg"), picture(50, 30)[..., :1].repeat(3, 2))
    video = cv2.VideoWriter(str(tmp_path / "in" / "c.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (48, 36))
    for _ in range(3):
        video.write(picture(36, 48))
    video.release()
    words = ("predict", f"model={weights}", f"source={tmp_path}/in", f"project={tmp_path}/out", "imgsz=32", "save=True")
    code, text = cli("colorize", *words, "name=p")
    assert code == 0, text
    out = tmp_path / "out" / "p"
    assert cv2.imread(str(out / "a.jpg")).shape == (40, 60, 3)
    assert cv2.imread(str(out / "b.jpg")).shape == (50, 30, 3)
    frames = cv2.VideoCapture(str(out / "c.avi"))
    shapes = []
    while (read := frames.read())[0]:
        shapes.append(read[1].shape)
    assert shapes == [(36, 48, 3)] * 3


def test_tensor_source(weights):
    model = YOLO(weights)
    model.model._palette = model.model.palette.replace(scale=512.0)
    image = picture(32, 64)
    (expected,) = model.predict(image, imgsz=(32, 64), verbose=False)
    tensor = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None] / 255
    (result,) = model.predict(tensor, imgsz=(32, 64), verbose=False)
    assert (result.colour != expected.colour).any(-1).mean() < 1e-3 and result.colour.shape == (32, 64, 3)


@pytest.mark.parametrize("name", ["horses24", "ab313"])
def test_a_grey_tensor_is_one_of_three_equal_channels(name):
    spec = {"task": "colorize", "network": "UNet", "kernel": 3, "num_filters": 4, "in_channels": 1, "palette": name}
    grey = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    model = YOLO("colorize-unet.yaml")
    model.model = ColorizeModel(spec, verbose=False)
    found, expected = (model.predict(source, imgsz=32, verbose=False) for source in (grey, grey.repeat(1, 3, 1, 1)))
    for one, other in zip(found, expected):
        assert np.array_equal(one.colour, other.colour) and one.orig_img.shape == (32, 32, 3)


def test_export_agrees_with_torch(weights, tiny_data, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tmp_path / "best.pt"
    file.write_bytes(weights.read_bytes())
    model = YOLO(file)
    x = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        expected = model.model.eval()(x)
    onnx = model.export(format="onnx", imgsz=32)
    (ours,) = onnxruntime.InferenceSession(onnx).run(None, {"images": x.numpy()})
    assert np.abs(ours - expected.numpy()).max() < 1e-4
    script = model.export(format="torchscript", imgsz=32)
    assert (torch.jit.load(script)(x) - expected).abs().max() < 1e-4

    torch_metrics = YOLO(file).val(data=str(tiny_data), imgsz=32, plots=False, project=str(tmp_path))
    image = picture(40, 30)
    (torch_result,) = YOLO(file).predict(image, imgsz=32, rect=False, verbose=False)
    file.unlink()  # an export needs no checkpoint or palette file
    for exported in (onnx, script):
        again = YOLO(exported)
        assert again.task == "colorize"
        metrics = again.val(data=str(tiny_data), imgsz=32, plots=False, project=str(tmp_path))
        assert metrics.accuracy == pytest.approx(torch_metrics.accuracy, abs=1e-3)
        assert metrics.loss == pytest.approx(torch_metrics.loss, abs=1e-4)
        (result,) = again.predict(image, imgsz=32, verbose=False)
        assert result.colour.shape == image.shape
    assert torch_result.colour.shape == image.shape


def test_small_networks_can_be_exported(tmp_path):
    from tintbox.colorization.model import ColorizeModel

    (tmp_path / "small.yaml").write_text(
        "task: colorize\nnetwork: UNet\nkernel: 3\nnum_filters: 4\nin_channels: 3\npalette: horses24\n"
    )
    model = YOLO(tmp_path / "small.yaml")
    assert isinstance(model.model, ColorizeModel)
    model.model.pt_path = str(tmp_path / "small.pt")
    exported = model.export(format="onnx", imgsz=32)
    (result,) = YOLO(exported).predict(picture(20, 20), imgsz=32, verbose=False)
    assert result.colour.shape == (20, 20, 3)


def test_dynamic_export_takes_other_sizes(weights, tmp_path):
    pytest.importorskip("onnxruntime")
    file = tmp_path / "best.pt"
    file.write_bytes(weights.read_bytes())
    model = YOLO(file)
    exported = YOLO(model.export(format="onnx", imgsz=32, dynamic=True))
    image = picture(96, 64)
    (ours,) = exported.predict(image, imgsz=96, verbose=False)
    (expected,) = model.predict(image, imgsz=96, verbose=False)
    assert (ours.colour != expected.colour).any(-1).mean() < 1e-3


def test_checkpoint_loads_under_restricted_loading(forked, weights):
    code = f"from ultralytics import YOLO; m = YOLO({str(weights)!r}); print(m.task, len(m.model.palette))"
    done = forked("-c", code, env={"ULTRALYTICS_SAFE_LOAD": "1"})
    assert done.stdout.split()[-2:] == ["colorize", "4"], done.stderr


def test_fitted_and_padded():
    assert fit_size((480, 640), (32, 32)) == (24, 32)
    assert fit_size((1, 1000), (32, 32)) == (1, 32)
    image = picture(5, 3)
    out = pad(image, (32, 32))
    assert np.array_equal(out[:5, :3], image)
    assert np.array_equal(out, np.pad(image, ((0, 27), (0, 29), (0, 0)), mode="symmetric"))


def test_palette_of_a_named_checkpoint_is_exact(weights):
    palette = YOLO(weights).model.palette
    assert Palette.from_dict(YOLO(weights).model.yaml["palette"]) == palette
    assert palette.colours.dtype == np.float64


@pytest.mark.parametrize("size", [(150, 200), (97, 61), (12, 16), (7, 5)])
@pytest.mark.parametrize(("name", "temperature"), [("ab313", 0.38), ("ab313", 0), ("horses24", 0.38), ("horses24", 0)])
def test_an_image_in_bands_of_rows_is_the_image_as_a_whole(size, name, temperature, monkeypatch):
    predictor = ColorizePredictor()
    predictor.palette = Palette.load(name).replace(temperature=temperature)
    logits = 4 * torch.randn(len(predictor.palette), 12, 16, generator=torch.Generator().manual_seed(0))
    original = picture(*size)
    whole = predictor.colour(logits, original, (12, 16))
    monkeypatch.setattr(prediction, "BAND_PIXELS", 3 * size[1])
    in_bands = predictor.colour(logits, original, (12, 16))
    values = F.interpolate(readout(predictor.palette, logits[None]), size, mode="bilinear", align_corners=False)
    expected = render(predictor.palette, values, torch.tensor(original[..., ::-1].copy())[None])[0].numpy()[..., ::-1]
    # The order of the two interpolations differs, so some values differ in the last bit of a float32.
    assert np.array_equal(in_bands, whole) and (whole != expected).mean() < 2e-4
    if temperature or name == "ab313":
        assert np.abs(whole.astype(int) - expected).max() <= 1


@pytest.mark.attack("colorize inputs")
def test_a_name_that_is_not_utf8_is_written(weights, tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "a.jpg"), picture(20, 30))
    (tmp_path / "a.jpg").rename(tmp_path / "in" / name)
    (result,) = YOLO(weights).predict(str(tmp_path / "in"), save=True, project=str(tmp_path), name="out", imgsz=32,
                                     verbose=False)  # fmt: skip
    saved = np.fromfile(tmp_path / "out" / name, np.uint8)
    assert cv2.imdecode(saved, cv2.IMREAD_COLOR).shape == (20, 30, 3)
    result.save(str(tmp_path / f"x{name}"))
    assert (tmp_path / f"x{name}").read_bytes() == saved.tobytes()


@pytest.mark.attack("colorize inputs")
def test_of_a_picture_that_cannot_be_written_nothing_is_left(weights, tmp_path):
    resource = pytest.importorskip("resource")
    cv2.imwrite(str(tmp_path / "a.jpg"), picture(200, 300))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as if the disk were full
    try:
        with pytest.raises(TintboxError, match=r"out/a\.jpg: cannot be written \(File too large\)"):
            YOLO(weights).predict(str(tmp_path / "a.jpg"), save=True, project=str(tmp_path), name="out", imgsz=32)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.attack("colorize inputs")
def test_a_picture_that_cannot_be_replaced_stays(weights, tmp_path):
    resource = pytest.importorskip("resource")
    cv2.imwrite(str(tmp_path / "a.jpg"), picture(200, 300))
    (result,) = YOLO(weights).predict(str(tmp_path / "a.jpg"), imgsz=32)
    result.save(str(tmp_path / "mine.jpg"))
    before = (tmp_path / "mine.jpg").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"mine\.jpg"):
            result.save(str(tmp_path / "mine.jpg"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "mine.jpg").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.jpg", "mine.jpg"]
