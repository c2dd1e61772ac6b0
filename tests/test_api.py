"""The public interface: what it offers, what it costs, and that it is documented."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import tintbox
from tintbox.errors import TintboxError
from tintbox.studies import command

NAMES = [name for name in tintbox.__all__ if name != "__version__"]
RUN = {"model": "yolo11n.yaml", "data": "fruitbowl.yaml", "epochs": 1}
PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_all_is_what_the_page_documents():
    assert sorted(tintbox.__all__) == tintbox.__all__
    assert set(tintbox.__all__) <= set(dir(tintbox))
    assert tintbox.UNet and dir(tintbox).count("UNet") == 1
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if name not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_types_and_says_what_it_is(name):
    thing = getattr(tintbox, name)
    assert getattr(tintbox, name) is thing
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in signature.parameters.values())
        assert "Raises:" in thing.__doc__


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="module 'tintbox' has no attribute 'evalute'; it offers"):
        _ = tintbox.evalute


@pytest.mark.smoke
def test_importing_costs_neither_torch_nor_ultralytics(python):
    heavy = "[m for m in ('torch', 'numpy', 'ultralytics', 'yaml', 'tintbox.plugins.host') if m in sys.modules]"
    assert python("-c", f"import sys, tintbox; print({heavy})").stdout.strip() == "[]"
    parts = "from tintbox import ClassificationBCE, FreezePlan, Palette, UNet"
    assert python("-c", f"import sys; {parts}; print('ultralytics' in sys.modules)").stdout.strip() == "False"


def test_names_are_seen_by_type_checkers():
    source = Path(tintbox.__file__).read_text(encoding="utf-8")
    seen = re.search(r"if TYPE_CHECKING:\n((?:    .*\n)+)", source)[1]
    assert set(re.findall(r"\b(\w+)(?:,|$)", re.sub(r"from \S+ import", "", seen), re.MULTILINE)) == set(NAMES)


@pytest.fixture(scope="module")
def given():
    """What the public functions take, where nothing is wrong."""
    pixels = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)
    truth = {"image_id": [1], "category_id": [1], "bbox": [[1, 1, 5, 5]]}
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 3, 1))
    return {
        "pixels": pixels,
        "palette": tintbox.Palette.fit(pixels, k=4),
        "truth": truth,
        "found": {**truth, "score": [0.5]},
        "network": network,
        "plan": tintbox.FreezePlan.from_spec(network, freeze="0"),
    }


@pytest.mark.attack("arguments")
@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda _: tintbox.Palette.load(3), "palette 3: give a name, e.g. horses24, or a path"),
        (lambda _: tintbox.Palette.fit(3, k=2), "pixels are of type int; give a numpy array"),
        (lambda g: tintbox.Palette.fit(g["pixels"], k="x"), "k='x': a palette needs a whole number"),
        (lambda g: tintbox.Palette.fit(g["pixels"], k=2, seed=-1), "seed=-1: give a whole number from 0 to 4294967295"),
        (lambda g: tintbox.Palette.fit(g["pixels"], k=2, seed=None), "seed=None: give a whole number"),
        (lambda g: tintbox.Palette.fit(g["pixels"], k=2, scale=[]), "scale=[]; give a positive number"),
        (lambda _: tintbox.Palette(3), "colours have shape"),
        (lambda g: g["palette"].save(3), "palette path '3': give it the suffix .yaml"),
        (lambda g: g["palette"].encode(3), "image is of type int"),
        (lambda g: g["palette"].decode(3), "x is of type int"),
        (lambda _: tintbox.ClassificationBCE(smoothing="x"), "smoothing=x: give a number from 0 to 1"),
        (lambda _: tintbox.ClassificationBCE(pos_weight="x"), "pos_weight=x: give a number, or one per class"),
        (lambda _: tintbox.FreezePlan.from_spec(3), "the model is of type int; give a PyTorch module"),
        (lambda g: tintbox.FreezePlan.from_spec(g["network"], freeze_bn=np.ones(3)), "give auto, true or false"),
        (lambda g: tintbox.FreezePlan.from_spec(g["network"], epochs="x"), "epochs=x: give a whole number of 1"),
        (lambda g: g["plan"].apply("x"), "epoch=x: give its number, counted from 0"),
        (lambda g: g["plan"].parameter_groups("x"), "lr=x: give a number, e.g. 0.001"),
        (lambda _: tintbox.UNet("x", 4, 4, 1), "kernel='x': UNet needs a whole number from 2 to 65536"),
        (lambda _: tintbox.UNet(3, 10**30, 4, 1), "UNet needs a whole number from 1 to 65536"),
        (lambda g: tintbox.evaluate(3, g["found"]), "truth is of type int"),
        (lambda g: tintbox.evaluate(g["truth"], 3), "detections is of type int"),
        (lambda g: tintbox.evaluate(g["truth"], g["found"], iou_type=np.ones(3)), "give one of bbox, segm"),
        (lambda g: tintbox.evaluate(g["truth"], g["found"], seed="x"), "seed=x: give a whole number"),
        (lambda g: tintbox.evaluate(g["truth"], g["found"], resamples=0).plot(3), "plot: file=3: give a path"),
        (lambda g: tintbox.evaluate(g["truth"], g["found"], resamples=0).plot(what=3), "plot: no plot '3'"),
        (lambda _: tintbox.compare(3, 3), "compare: a is of type int; give what tintbox.evaluate returns"),
        (lambda _: tintbox.report(3), "folders=3: give the folder of a run, or a list of them"),
        (lambda _: tintbox.report("none", out=3), "out=3: the page is HTML"),
        (lambda _: tintbox.report("none", split=np.ones(3)), "no such split (train, val"),
        (lambda _: tintbox.report("none", n="x"), "n=x: give a whole number"),
        (lambda _: tintbox.study(**RUN, workers="x"), "workers=x: give a whole number of 1 or more"),
        (lambda _: tintbox.study(**RUN, ray=3), "ray=3: give the address of a cluster"),
        (lambda _: tintbox.study(**RUN, yes="no"), "yes=no: give True or False"),
    ],
)
def test_values_of_a_wrong_type_or_out_of_range_are_told_in_a_line(call, line, given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TintboxError, match=re.escape(line)) as error:
        call(given)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_numbers_may_be_numpy_s(given, tmp_path, monkeypatch):
    one, two, four = np.int64(1), np.int64(2), np.int64(4)
    assert tintbox.Palette.fit(given["pixels"], k=four, seed=two, scale=np.float32(255)) == tintbox.Palette.fit(
        given["pixels"], k=4, seed=2, scale=255
    )
    network = tintbox.UNet(two, four, four, one)
    assert type(network.num_in_channels) is int and type(network.layer1[0].out_channels) is int
    spec = {"freeze": np.array(["0"]), "unfreeze": {np.float32(0.5): np.str_("all")}, "lr_scale": {"1": np.float64(2)}}
    plan = tintbox.FreezePlan.from_spec(given["network"], **spec, epochs=four)
    assert plan.stages[0][0] == 2 and plan.factors == {"1.weight": 2, "1.bias": 2}
    with pytest.raises(TintboxError, match="none: no such folder"):
        tintbox.report("none", n=two, seed=one, conf=np.float32(0.5), imgsz=np.array([64, 64]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "train", lambda folder, grid, notes, workers, ray: (grid, workers))
    grid, workers = tintbox.study(
        **{**RUN, "epochs": two}, optimizer="AdamW", lr0=np.linspace(1e-3, 2e-3, 2), batch=[four, 8], seed=range(2),
        workers=two, yes=np.bool_(True),
    )  # fmt: skip
    assert repr(grid.varied) == "{'lr0': [0.001, 0.002], 'batch': [4, 8], 'seed': [0, 1]}"
    assert repr((grid.fixed["epochs"], workers)) == "(2, 2)"


def test_paths_may_begin_at_the_home_folder(given, trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    given["palette"].save("~/p.yaml")
    assert tintbox.Palette.load("~/p.yaml") == given["palette"]
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(TintboxError, match=r"truth\.json: no images"):
        tintbox.evaluate("~/truth.json", given["found"])
    tintbox.evaluate(given["truth"], given["found"], resamples=0).plot("~/plot")
    (tmp_path / "run").symlink_to(trained, target_is_directory=True)
    assert tintbox.report("~/run", "~/page.html", pictures=False) == tmp_path / "page.html"
    monkeypatch.setattr(command, "train", lambda folder, *_: folder)
    assert tintbox.study(**RUN, project=Path("~/studies"), name="one") == tmp_path / "studies/one"
    (tmp_path / "d.yaml").write_text("train: .\nval: .\nnames: [a]\n")
    assert tintbox.study(**{**RUN, "data": "~/d.yaml"}, project="~/studies", name="two") == tmp_path / "studies/two"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["d.yaml", "p.yaml", "page.html", "plot.png", "run", "truth.json"]


def test_a_report_of_one_folder(trained, tmp_path):
    page = tintbox.report(trained, tmp_path / "page.html", pictures=False)
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_a_study_of_two_runs(tiny_data, tmp_path, monkeypatch):
    """The one of the page, with its report."""
    (block,) = (text for text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if "tintbox.study(" in text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_bytes(tiny_data.read_bytes())
    names = {}
    exec(compile(block, "block", "exec"), names)
    folder = names["folder"]
    assert folder.resolve() == tmp_path / "studies" / "both"
    assert len((folder / "study.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert names["page"].read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    with pytest.raises(TintboxError, match="'batches' is no argument of `yolo train`; did you mean 'batch'"):
        tintbox.study(model="yolo11n.yaml", data=tiny_data, batches=[1, 2])
