"""Darknet's files, compared with the results of OpenCV 4.10; OpenCV 5 has no importer for them."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from tintbox.errors import TintboxError
from tintbox.plugins.anchor import darknet, layers
from tintbox.plugins.anchor.darknet_cfg import parse
from tintbox.plugins.anchor.darknet_network import Network, Output
from tintbox.plugins.anchor.importing import import_legacy


def conv(filters, size=3, normalised=1, act="leaky"):
    norm = "batch_normalize=1\n" if normalised else ""
    return f"[convolutional]\n{norm}filters={filters}\nsize={size}\nstride=1\npad=1\nactivation={act}\n"


def pool(size, stride):
    return f"[maxpool]\nsize={size}\nstride={stride}\n"


def yolo(mask, scale=""):
    anchors = "10,14,  23,27,  37,58,  81,82,  135,169,  344,319"
    return conv(21, 1, 0, "linear") + f"[yolo]\nmask = {mask}\nanchors = {anchors}\nclasses=2\nnum=6\n{scale}\n"


CFG = "".join(
    [
        "[net]\nwidth=96\nheight=96\nchannels=3 # RGB\n\n",
        *(conv(filters) + pool(2, 2) for filters in (4, 6, 8, 12)),
        *(conv(12), pool(2, 1), conv(16), conv(8, 1)),
        *(pool(5, 1), "[route]\nlayers=-2\n", pool(3, 1), "[route]\nlayers=-1,-3,-4\n"),
        *(conv(12), conv(12), "[shortcut]\nfrom=-2\nactivation=linear\n", yolo("3,4,5", "scale_x_y=1.1")),
        *("[route]\nlayers=-5\n", conv(8, 1, act="mish"), "[upsample]\nstride=2\n", "[route]\nlayers=-1,6\n"),
        *(conv(10, act="swish"), yolo("0,1,2")),
    ]
)


@pytest.fixture
def files(tmp_path):
    """The .cfg above, and a .weights file of random numbers."""
    from ultralytics.nn.tasks import DetectionModel

    network = Network(parse(CFG))
    model = DetectionModel(network.description(), verbose=False)
    rng, numbers = np.random.default_rng(0), []
    for where in network.convolutions:
        if isinstance(where, Output):
            layer = model.model[-1].m[network.outputs.index(where)]
            numbers += [rng.normal(0, 0.3, layer.bias.numel()), rng.normal(0, 0.3, layer.weight.numel())]
        else:
            layer = model.model[where]
            n, deviation = layer.bn.bias.numel(), (2 / layer.conv.weight[0].numel()) ** 0.5
            numbers += [rng.normal(0, 0.3, n), rng.normal(1, 0.2, n), rng.normal(0, 0.2, n), rng.uniform(0.5, 1.5, n)]
            numbers += [rng.normal(0, deviation, layer.conv.weight.numel())]
    cfg, weights = tmp_path / "small.cfg", tmp_path / "small.weights"
    cfg.write_text(CFG)
    header = np.array([0, 2, 0], "<i4").tobytes() + np.array([0], "<i8").tobytes()
    weights.write_bytes(header + np.concatenate(numbers).astype("<f4").tobytes())
    return weights, cfg


def in_opencv_order(output, sides):
    """Return (N, 4 + nc) by level, N in OpenCV's order of rows, columns, anchors; ours is anchors, rows, columns."""
    parts = output[0].T.split([3 * side * side for side in sides])
    return [p.reshape(3, side, side, -1).permute(1, 2, 0, 3).flatten(0, 2) for p, side in zip(parts, sides)]


# Index of the box in OpenCV's order -> x, y, w, h in pixels, class scores; None if OpenCV has no score above 0.2.
COARSE = {
    0: ([10.0048, 7.8619, 141.919, 60.3493], [None, None]),
    50: ([70.664, 37.5762, 727.352, 495.63], [None, 0.21971]),
    107: ([88.6516, 90.6398, 662.9041, 679.1393], [None, 0.27651]),
}
FINE = {
    0: ([6.0868, 4.7413, 7.0366, 18.7641], [0.4227, 0.39146]),
    50: ([35.001, 13.221, 43.195, 18.5149], [None, 0.32698]),
    107: ([92.7447, 20.7249, 24.4488, 25.7626], [0.25156, 0.339]),
}


def as_opencv(model):
    """Set the epsilon of OpenCV's importer, which differs from Darknet's: see `layers.EPSILON`."""
    for module in model.modules():
        if isinstance(module, layers.DarknetNorm):
            assert module.eps == 1e-5
            module.eps = 1e-6
    return model.eval()


def test_every_layer_does_what_it_does_in_opencv(files):
    model = as_opencv(darknet.load(*files))
    picture = torch.from_numpy(np.random.default_rng(1).random((1, 3, 96, 96)).astype(np.float32))
    with torch.no_grad():
        fine, coarse = in_opencv_order(model(picture)[0], (12, 6))
    for found, known in ((fine, FINE), (coarse, COARSE)):
        for i, (box, scores) in known.items():
            assert found[i, :4].tolist() == pytest.approx(box, rel=1e-4)
            for score, expected in zip(found[i, 4:].tolist(), scores):
                assert score == pytest.approx(expected, abs=1e-5) if expected else score < 0.2


# The box with the highest score per level, coarsest first, on bus.jpg at 320x320: score, x, y, w, h.
GENUINE = {
    "yolo-fastest-1.1": [(0.95956, 50.701, 186.332, 57.895, 157.522), (0.96372, 53.926, 184.579, 66.397, 145.879)],
    "MobileNetV2-YOLOv3-Nano-coco": [
        (0.993, 52.074, 187.28, 64.141, 158.192), (0.99117, 52.047, 185.056, 60.645, 170.153)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GENUINE)
def test_genuine_models(weights, tmp_path, name):
    folder = weights / "darknet"
    file = import_legacy(folder / f"{name}.weights", tmp_path / "new.pt", names=folder / "coco.names")
    yolo = YOLO(file)
    picture = cv2.resize(cv2.imread(str(ASSETS / "bus.jpg")), (320, 320))
    with torch.no_grad():
        output = as_opencv(yolo.model.float())(
            torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None] / 255
        )[0]
    for found, (score, *box) in zip(in_opencv_order(output, (20, 10))[::-1], GENUINE[name]):
        best = found[:, 4:].amax(1).argmax()
        assert found[best, 4:].max().item() == pytest.approx(score, abs=2e-3)  # image decoding differs slightly
        assert found[best, :4].tolist() == pytest.approx(box, abs=0.5)
        assert yolo.names[int(found[best, 4:].argmax())] == "person"


def test_an_imported_model_trains_on(files, tmp_path, train):
    file = import_legacy(files[0], tmp_path / "small.pt")
    trainer = train(model=file, freeze=4)
    head = trainer.model.model[-1]
    assert type(head).__name__ == "DarknetDetect"
    assert head.nc == 3
    assert head.scale_xy == [1.0, 1.1]
    assert torch.isfinite(trainer.loss)
    before, after = (YOLO(f).model.float().state_dict() for f in (file, trainer.last))
    assert torch.equal(after["model.0.conv.weight"], before["model.0.conv.weight"].half().float())
    assert YOLO(trainer.last).model.model[0].bn.eps == 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[shortcut]\nfrom=-2", "[reorg]\nstride=2"), r"line \d+, \[reorg\]: there is no module for this layer"),
        (("activation=mish", "activation=missh"), r"activation=missh; did you mean 'mish'"),
        (("layers=-1,6", "layers=-1,99"), "no layer 99 before it"),
        (("layers=-1,6", "layers=-1,6\ngroups=2"), "no module for groups=2"),
        (("scale_x_y=1.1", "new_coords=1"), "no module for new_coords"),
        (("filters=21", "filters=20"), "3 anchors need 21"),
        (("mask = 3,4,5", "mask = 3,4,inf"), "mask=3,4,inf are no numbers"),
        (("mask = 3,4,5", "mask = 3,4,9"), "names more anchors than the 6"),
        (("size=5", "size=five"), "size=five is no number"),
        (("size=5", "size=-5"), "size=-5, but 1 or more is needed"),
        (("stride=2", "stride=inf"), "stride=inf is no number"),
        (("[shortcut]\nfrom=-2", "[prediction]\nstride=2"), r"\[prediction\]: there is no module"),
        (("[upsample]\nstride=2", "[upsample]\nstride=0"), "stride=0, but 1 or more is needed"),
        (("[net]", "[nett]"), r"does not begin with \[net\]"),
        (("from=-2", "from=-4"), "has another shape"),
        (("filters=12", "filters: 12"), "is neither a"),
    ],
)
def test_descriptions_that_cannot_be_built(files, change, message):
    weights, cfg = files
    cfg.write_text(CFG.replace(*change))
    with pytest.raises(TintboxError, match=message) as error:
        darknet.load(weights, cfg)
    assert str(error.value).startswith(f"{cfg}: ")
    assert "\n" not in str(error.value)


def test_given_to_yolo_they_are_told_how_to_import(files):
    with pytest.raises(TintboxError, match=r"import it with its \.cfg first: tintbox import-legacy .*small\.pt"):
        YOLO(files[0])


def test_damaged_weights(files, tmp_path):
    weights = files[0]
    whole = weights.read_bytes()
    wanted = f"where the .cfg needs {len(whole)}"
    for content, message in (
        (whole[:-4], rf"truncated, or of another \.cfg, {len(whole) - 4} bytes {wanted}"),
        (whole[:7], "truncated, its header is not complete"),
        (b"", "truncated, its header is not complete"),
        (whole + b"more", "does not fit its .cfg"),
    ):
        weights.write_bytes(content)
        with pytest.raises(TintboxError, match=message):
            import_legacy(weights, tmp_path / "new.pt")
        assert not (tmp_path / "new.pt").exists()
    with pytest.raises(TintboxError, match=r"other\.cfg: no such file"):
        import_legacy(weights, tmp_path / "new.pt", cfg=tmp_path / "other.cfg")
    (tmp_path / "x.names").write_text("one\n")
    weights.write_bytes(whole)
    with pytest.raises(TintboxError, match=r"1 class names, but .* has 2 classes"):
        import_legacy(weights, tmp_path / "new.pt", names=tmp_path / "x.names")


LINES = CFG.splitlines()
VALUES = st.one_of(
    st.sampled_from(["-1", "0", "1", "7", "1e9", "1e308", "nan", "inf", "65536", "", "1,2,3", "exit()", "nc"]),
    st.integers().map(str),
    st.text(max_size=6),
)


@pytest.mark.attack("import-legacy inputs")
@settings(
    deadline=None, max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_cfg_is_read_or_told_in_one_line(files, tmp_path, data):
    weights, cfg = files
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[place].partition("=")
        lines[place] = (
            f"{key}={data.draw(VALUES)}" if equals else data.draw(st.sampled_from(["[yolo]", "[net]", "x", ""]))
        )
    cfg.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    before = weights.read_bytes()
    try:
        darknet.load(weights, cfg)
    except TintboxError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
    assert weights.read_bytes() == before and sorted(tmp_path.iterdir()) == [cfg, weights]


@pytest.mark.attack("import-legacy inputs")
def test_names_by_default(weights, tmp_path, files, caplog):
    folder = weights / "darknet"
    names = (folder / "coco.names").read_text().split("\n")[:80]
    nano = "MobileNetV2-YOLOv3-Nano-coco"
    found = darknet.load(folder / f"{nano}.weights", folder / f"{nano}.cfg").names
    assert len(found) == 80 and [found[i] for i in (0, 79)] == [names[0], names[79]]
    assert darknet.load(*files).names == {0: "0", 1: "1"}
    (tmp_path / "x.names").write_bytes(b"caf\xe9\ndog\n")  # Latin-1
    assert YOLO(import_legacy(files[0], tmp_path / "n.pt", names=tmp_path / "x.names")).names == {0: "caf�", 1: "dog"}
