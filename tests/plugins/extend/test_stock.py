"""An extended model in stock layers: the same predictions, in an Ultralytics that cannot import tintbox."""

import copy
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from ultralytics import YOLO
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import DetectionModel

from tintbox.checkpoint_archive import open_checkpoint
from tintbox.checkpoint_file import instructions
from tintbox.errors import TintboxError
from tintbox.plugins.extend import base
from tintbox.plugins.extend.head import ALL_LEVELS
from tintbox.plugins.extend.stock import NEVER, export_stock, join

from ..conftest import WEIGHTS
from .conftest import KINDS, OLD, WITHOUT_COARSEST, WITHOUT_FINEST, add_branch

TWICE = ("backbone[5:]", "head")
LEVELS = {"coarse slim": WITHOUT_FINEST, "fine slim": WITHOUT_COARSEST}
ALONE = """
import json, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "tintbox"]:
    del sys.modules[name]
sys.modules["tintbox"] = None  # whoever imports it gets an ImportError
import torch
from ultralytics import YOLO
source, settings, validation = map(json.loads, sys.argv[1:])
model = YOLO("stock.pt").model.eval()
model.end2end = False
raw = model(torch.load("x.pt"))[0].detach()
boxes = [result.boxes.data for result in YOLO("stock.pt").predict(source, **settings)]
found = YOLO("stock.pt").val(**validation)
torch.save([raw, boxes, found.names, found.box.all_ap.tolist(), found.box.ap_class_index.tolist()], "said.pt")
"""


def extend(model, *specs):
    """Extend a model once for each spec, with arbitrary scores for the new classes."""
    torch.manual_seed(3)
    for i, spec in enumerate(specs):
        model = add_branch(model, spec.rpartition(" ")[2], [f"n{i}", f"m{i}"], LEVELS.get(spec, ALL_LEVELS))
        head = model.joined.heads[-1]
        for branch in [*head.cv3, *getattr(head, "one2one_cv3", ())]:
            torch.nn.init.normal_(branch[-1].weight, std=0.05)
            torch.nn.init.uniform_(branch[-1].bias, -2, 0)
    return model.half().float().eval()  # rounded like in a checkpoint


@torch.no_grad()
def run(model, x):
    return model(x)[0]


def assert_close(found, expected, side, within=1e-5):
    """Compare (B, 4 + classes, N): boxes relative to the image's side, and scores."""
    assert found.shape == expected.shape
    assert (found[:, :4] - expected[:, :4]).abs().max() / side < within
    assert (found[:, 4:] - expected[:, 4:]).abs().max() < within


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "specs", [("head",), ("neck",), ("backbone[5:]",), ("head", "head"), TWICE, ("coarse slim", "neck")], ids="+".join
)
def test_predictions_are_the_same(kind, specs, old, load, pictures):
    model = extend(load(old[kind]), *specs)
    made = join(model).half().float()
    assert type(made) is DetectionModel and type(made.model[-1]) is Detect
    model.end2end = made.end2end = False
    for _ in range(2):  # the second time fused for prediction
        found, expected = run(made, pictures), run(model, pictures)
        assert_close(found, expected, 96)
        assert torch.equal(found[:, 4:] == 0, expected[:, 4:] == 0)  # exactly: at any confidence they are not boxes
        smaller = pictures[:, :, :64, :32]  # with other anchor points
        assert_close(run(made, smaller), run(model, smaller), 64)
        model.fuse(verbose=False), made.fuse(verbose=False)


@pytest.mark.parametrize("specs", [("head",), TWICE], ids="+".join)
def test_end_to_end_it_has_the_surest_of_all_heads(specs, old, load, pictures):
    """As long as one head alone has at least as many anchors as the maximum number of boxes."""
    model = extend(load(old["yolo26n"]), *specs)
    for head in model.joined.heads:
        for branch in head.one2one_cv3:
            branch[-1].weight.data *= 0.1  # otherwise the highest scores would all be 1
    made = join(model)
    model.end2end = made.end2end = True
    for _ in range(2):  # the second time fused for prediction
        for most in (12 * 8 + 6 * 4 + 3 * 2, 20):  # all anchors of a head, and fewer
            for one in (model, made):
                one.set_head_attr(max_det=most)
            found, every = run(made, pictures), run(model, pictures)
            assert found.shape == (6, most, 6) and every.shape == (6, most * (1 + len(specs)), 6)
            for there, rows in zip(found, every):
                here = rows[rows[:, 4].argsort(descending=True)][:most]
                assert (there[:, 4] - here[:, 4]).abs().max() < 1e-5
                here = here[here[:, 4] > here[-1, 4] + 1e-5]  # near-ties at the end are cut arbitrarily
                scale = torch.tensor([96, 96, 96, 96, 1, 1])
                assert ((there[:, None] - here) / scale).abs().amax(2).amin(0).max() < 1e-5
        model.fuse(verbose=False), made.fuse(verbose=False)


@pytest.fixture
def stock(forked, tmp_path):
    """An Ultralytics without tintbox, given ``stock.pt``: its raw output, boxes, class names, APs and their classes."""

    def ask(x, source, settings, validation, **env):
        torch.save(x, tmp_path / "x.pt")
        words = map(json.dumps, (source, settings, validation))
        done = forked("-c", ALONE, *words, env={"TINTBOX_DISABLE": "1", **env})
        assert done.returncode == 0, done.stderr
        return torch.load(tmp_path / "said.pt")

    return ask


def test_the_model_stays_as_it_is(old, load, pictures):
    model = extend(load(old["yolo11n"]), "neck")
    before, state = run(model, pictures), copy.deepcopy(model.state_dict())
    join(model)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.yaml["nc"] == len(OLD) and torch.equal(run(model, pictures), before)


def export(trainer, folder):
    """Export a run's model in stock layers."""
    said = export_stock(trainer.best, folder / "stock.pt")
    assert said.endswith("with 4 + 6 classes, in stock layers only")
    return folder / "stock.pt"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_tintbox_is_in_the_file(kind, extended, tmp_path):
    (tmp_path / "stock.pt").write_bytes(b"an older one, which is replaced")
    file = export(extended[kind], tmp_path)
    assert type(YOLO(file).model) is DetectionModel
    with open_checkpoint(file) as archive:
        raw = archive.pickle()
    modules = {value.split()[0].partition(".")[0] for code, value in instructions(raw) if code.name == "GLOBAL"}
    assert "ultralytics" in modules and modules <= {"ultralytics", "torch", "collections", "__builtin__"}
    assert b"tintbox" not in raw and b"reconcile" not in raw
    assert [path.name for path in tmp_path.iterdir()] == ["stock.pt"]
    assert file.stat().st_size < 1.05 * extended[kind].best.stat().st_size + 50_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_ultralytics_without_tintbox_predicts_and_validates_with_it(
    kind, extended, load, fruit, pictures, stock, tmp_path
):
    export(extended[kind], tmp_path)
    model, yolo = load(extended[kind].best), YOLO(extended[kind].best)
    model.end2end = False
    source = [*map(str, sorted(fruit.parent.glob("images/val/*")))]
    settings = {"imgsz": 32, "rect": False, "conf": 1e-6, "max_det": 3000, "verbose": False}
    found = yolo.predict(source, **settings)
    data = labelled(found, tmp_path)
    validation = {**settings, "data": str(data), "plots": False, "workers": 0, "batch": 2, "project": str(tmp_path)}
    raw, boxes, names, aps, classes = stock(pictures, source, settings, validation, ULTRALYTICS_SAFE_LOAD="1")
    assert_close(raw, run(model, pictures), 96)
    for there, here in zip(boxes, found):
        assert len(there) == len(here.boxes) > 0
        assert torch.allclose(there[:, 4], here.boxes.conf, atol=1e-5)
    assert list(names.values()) == [*OLD, *"cdefgh"]
    expected = yolo.val(**validation).box
    assert classes == expected.ap_class_index.tolist() and {c < len(OLD) for c in classes} == {True, False}
    assert np.allclose(aps, expected.all_ap, atol=1e-6)


def labelled(results, folder):
    """Write images, labelled with the highest-scoring boxes of either head; returns the dataset's YAML."""
    for result in results:
        image, boxes = Path(result.path), result.boxes
        rows = torch.cat((boxes.cls[:, None], boxes.xywhn), 1)
        rows = torch.cat([rows[boxes.cls < len(OLD)][:3], rows[boxes.cls >= len(OLD)][:3]])
        for kind, name, content in (
            ("images", image.name, image.read_bytes()),
            ("labels", f"{image.stem}.txt", "".join(f"{int(c)} {x} {y} {w} {h}\n" for c, x, y, w, h in rows).encode()),
        ):
            (folder / kind / "val").mkdir(parents=True, exist_ok=True)
            (folder / kind / "val" / name).write_bytes(content)
    data = {"path": str(folder), "train": "images/val", "val": "images/val", "names": results[0].names}
    (folder / "numbered.yaml").write_text(yaml.safe_dump(data))
    return folder / "numbered.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["yolo11n", "yolo26n"])
def test_on_real_pictures(kind, shared_data, load, stock, tmp_path):
    """With weights that detect their objects: the same raw predictions, boxes and AP."""
    weights, images = WEIGHTS / f"{kind}-recon.pt", sorted(shared_data.glob("coco/coco128/images/**/*.jpg"))[:8]
    if not weights.is_file() or not images:
        pytest.skip("no weights and pictures here")
    yolo = YOLO(str(weights))
    yolo.model = extend(yolo.model, "head")
    yolo.save(tmp_path / "extended.pt")
    export_stock(tmp_path / "extended.pt", tmp_path / "stock.pt")
    for image in images:
        labels = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
        for folder, file in (("images", image), ("labels", labels)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / file.name).write_bytes(file.read_bytes() if file.is_file() else b"")
    data = {"path": str(tmp_path), "train": "images", "val": "images", "names": yolo.model.names}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(data))
    x = np.stack([cv2.resize(cv2.imread(str(image)), (320, 256))[..., ::-1] for image in images])
    x = torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255
    source, settings = str(tmp_path / "images"), {"imgsz": 320, "conf": 0.05, "verbose": False}
    validation = {"data": str(tmp_path / "data.yaml"), "imgsz": 320, "plots": False, "workers": 0, "verbose": False}
    validation |= {"project": str(tmp_path), "max_det": 10_000}  # the untrained head has many boxes, stock one list
    raw, boxes, _, aps, _ = stock(x, source, settings, validation)
    model = load(tmp_path / "extended.pt")
    model.end2end = False
    assert_close(raw, run(model, x), 320)
    for there, here in zip(boxes, YOLO(tmp_path / "extended.pt").predict(source, **settings)):
        assert len(there) == len(here.boxes) > 0
        assert torch.allclose(there, here.boxes.data, atol=1e-2)
    expected = YOLO(tmp_path / "extended.pt").val(**validation).box.all_ap
    assert np.allclose(aps, expected, atol=1e-3) and expected.mean() > 0.1


@pytest.mark.parametrize(("kind", "form"), [("yolov8n", "torchscript"), ("yolo11n", "onnx"), ("yolo26n", "onnx")])
def test_exports_say_the_same(kind, form, extended, load, tmp_path):
    file = export(extended[kind], tmp_path)
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    model = load(extended[kind].best)
    model.end2end = False
    if form == "onnx":
        pytest.importorskip("onnx")
        runtime = pytest.importorskip("onnxruntime")
    exported = YOLO(str(file)).export(format=form, imgsz=64)
    if form == "torchscript":
        found = torch.jit.load(exported)(x)
    else:
        session = runtime.InferenceSession(exported, providers=["CPUExecutionProvider"])
        found = torch.from_numpy(session.run(None, {"images": x.numpy()})[0])
    assert_close(found, run(model, x), 64, within=1e-4)


@pytest.mark.parametrize("specs", [("head",), ("neck",), TWICE], ids="+".join)
def test_stock_training_begins_from_the_old_network_with_a_new_head(specs, old, load):
    """Its head must not copy classes whose scores are always zero, to which no object would be assigned."""
    base = load(old["yolo11n"])
    made = join(extend(base, *specs))
    for names in (list(made.names.values()), ["n0", "m0"]):
        begun = DetectionModel(copy.deepcopy(made.yaml), nc=len(names), verbose=False)
        begun.names = dict(enumerate(names))
        begun.load(made, verbose=False)
        last = len(begun.model) - 1
        trunk = {name for name in begun.state_dict() if not name.startswith(f"model.{last}.")}
        assert all(torch.equal(begun.state_dict()[name], base.state_dict()[name]) for name in trunk)
        assert all(branch[-1].bias.min() > NEVER / 2 for branch in begun.model[-1].cv3)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize("specs", [("head",), ("neck",)], ids="+".join)
def test_what_was_exported_is_not_extended(specs, old, load):
    made = join(extend(load(old["yolo11n"]), *specs))
    with pytest.raises(TintboxError, match=r"^extend: yolo11n is extended already and was written by `tintbox export"):
        base.check(made)


@pytest.mark.attack("arguments")
@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("extendet.pt", "out.pt", r"extendet.pt: no such file; .* did you mean 'extended.pt'"),
        (".", "out.pt", "a folder, no file"),
        ("broken.pt", "out.pt", "broken.pt"),
        ("detector.pt", "out.pt", "detector.pt: yolo11n is a stock model already; there is nothing to do"),
        ("segment.pt", "out.pt", "segment.pt: yolo11n-seg is a stock model already"),
        ("anchor.pt", "out.pt", "anchor.pt: .* is no detector that was trained with extend="),
        ("extended.pt", "out.txt", "out.txt: give the file to write the suffix .pt"),
        ("extended.pt", "extended.pt", "would overwrite the model itself"),
        ("extended.pt", "link.pt", "would overwrite the model itself"),
        ("extended.pt", "folder.pt", "a folder; give the name of a file"),
        ("extended.pt", "nowhere/out.pt", "there is no folder .*nowhere; make it first"),
        ("extended.pt", "full.pt", "full.pt: cannot be written"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(source, target, message, extended, tmp_path):
    if target == "full.pt" and not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("no full device here")
    for name, kind in (("detector", "yolo11n"), ("segment", "yolo11n-seg"), ("anchor", "yolov5n-anchor")):
        if source == f"{name}.pt":
            YOLO(f"{kind}.yaml").save(tmp_path / source)
    (tmp_path / "extended.pt").write_bytes(extended["yolo26n"].best.read_bytes())
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "link.pt").hardlink_to(tmp_path / "extended.pt")
    (tmp_path / "full.pt").symlink_to("/dev/full")
    before = {path: path.read_bytes() for path in Path(tmp_path).iterdir() if path.is_file()}
    with pytest.raises(TintboxError, match=message) as caught:
        export_stock(tmp_path / source, tmp_path / target)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in Path(tmp_path).iterdir() if path.is_file()} == before
