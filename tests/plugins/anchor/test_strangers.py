"""Untrusted classic checkpoints: no code in any of their fields runs, and every error is reported in one line."""

import math
import os
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.modules.conv import Conv as TodaysConv

from tintbox import limits
from tintbox.checkpoint_archive import open_checkpoint
from tintbox.errors import TintboxError
from tintbox.plugins.anchor import conversion, records, stand_ins, unpickler
from tintbox.plugins.anchor.importing import import_legacy


def code(canary):
    """Text that would have a side effect if evaluated, wherever it is placed: in a value, an argument, a name."""
    return f"0.1) if __import__('pathlib').Path({str(canary)!r}).touch() or True else nn.LeakyReLU(0.1"


def plain(canary):
    return f"__import__('pathlib').Path({str(canary)!r}).touch()"


@pytest.fixture
def leaky(classic):
    """The classic model with LeakyReLU activations."""
    model, save = classic
    slope = nn.LeakyReLU(0.1)
    for module in model.modules():
        if hasattr(module, "act"):
            module.act = slope
    return model, slope, save


@pytest.mark.attack("code in a file")
def test_the_text_of_a_slope_is_not_evaluated(leaky, tmp_path, cli):
    model, slope, save = leaky
    canary = tmp_path / "ran"
    slope.negative_slope = code(canary)
    file = save({"model": model}, tmp_path / "evil.pt")
    with pytest.raises(TintboxError, match=r"the slope is 0.1.* if __import__.*, not a number from 0 to 10"):
        import_legacy(file, tmp_path / "new.pt")
    status, text = cli("predict", "model=evil.pt", "source=none.jpg")
    assert status == 1 and "the slope is" in text
    assert not canary.exists() and not (tmp_path / "new.pt").exists()


@pytest.mark.attack("code in a file")
def test_a_report_with_pictures_does_not_evaluate_it(leaky, tmp_path):
    from tintbox.plugins.detector import load_detector

    model, slope, save = leaky
    slope.negative_slope = code(tmp_path / "ran")
    with pytest.raises(TintboxError, match="the slope is"):
        load_detector(save({"model": model}, tmp_path / "best.pt"))
    assert not (tmp_path / "ran").exists()


def test_a_slope_is_taken_over(leaky, tmp_path):
    model, slope, save = leaky
    slope.negative_slope = 0.25
    imported = YOLO(import_legacy(save({"model": model}, tmp_path / "old.pt"), tmp_path / "new.pt")).model
    assert imported.model[0].act.negative_slope == 0.25
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = model(picture)[..., :4].transpose(1, 2)
        torch.testing.assert_close(imported.float().eval()(picture)[0][:, :4], expected, rtol=1e-4, atol=1e-3)
    assert type(TodaysConv.default_act) is nn.SiLU, "Ultralytics' default for all other models"


def places(value, path=(), seen=None):
    """Yield the path of every field of every record and container."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, torch.Tensor):
        return
    seen.add(id(value))
    inside = value.state if isinstance(value, records.Record) else value
    keys = list(inside) if isinstance(inside, dict) else range(len(inside)) if isinstance(inside, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(inside[key], (*path, key), seen)


def put(value, path, new):
    """Put a value at a path."""
    for key in path[:-1]:
        value = value.state[key] if isinstance(value, records.Record) else value[key]
    (value.state if isinstance(value, records.Record) else value)[path[-1]] = new


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    return tmp_path_factory.mktemp("canary") / "ran"


def values(canary):
    """Values that a checkpoint could contain instead of the expected one."""
    texts = st.sampled_from([code(canary), plain(canary), "nc", "d", "torch_safe_load", "nn.Conv2d", "\x1b[2J\n"])
    numbers = st.sampled_from([-(2**70), -1, 0, 1, 3, 10**7, 2**63, 1e308, -0.5, math.nan, math.inf, True, None])
    tensors = st.sampled_from(
        [torch.ones(3), torch.ones(()), torch.zeros(0), torch.ones(2, 2, 2).half(), torch.full((2, 2, 2), float("nan"))]
    )
    record = stand_ins.TABLE["models.common.Conv"]
    others = st.sampled_from([record(), record, torch.float32])
    leaves = st.one_of(texts, texts, numbers, tensors, others, st.text(max_size=8), st.integers(), st.floats())
    inner = st.lists(leaves, max_size=4) | st.dictionaries(st.integers(-1, 5) | st.text(max_size=4), leaves, max_size=3)
    return st.one_of(leaves, leaves, inner, st.lists(inner, max_size=3))


@pytest.mark.attack("code in a file")
@settings(
    deadline=None, max_examples=300, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_field_may_hold_anything(leaky, tmp_path, canary, data):
    file = tmp_path / "old.pt"
    if not file.exists():
        model, _, save = leaky
        save({"model": model}, file)
    with open_checkpoint(file) as archive:
        content = unpickler.Reader(archive.pickle(), archive).load()["model"]
    for _ in range(data.draw(st.integers(1, 2))):
        put(content, data.draw(st.sampled_from(sorted(places(content), key=str))), data.draw(values(canary)))
    try:
        model = conversion.convert(content, file)
    except TintboxError as error:
        assert "\n" not in str(error) and "\x1b" not in str(error) and len(str(error)) < 600
    else:
        assert isinstance(model, nn.Module)
    assert not canary.exists(), "code of the file ran"
    assert not TodaysConv.default_act._forward_hooks
    assert type(TodaysConv.default_act) is nn.SiLU


BAD = {  # change to the model -> error message
    "names": (lambda m: setattr(m, "names", {"a": "cat"}), "its class names have cat under a, not a text"),
    "name": (lambda m: setattr(m, "names", [["cat"], "dog"]), r"its class names have \['cat'\] under 0"),
    "eps": (lambda m: delattr(m.model[0].bn, "eps"), "the eps of model.0.bn is None, not a number from 0 to 1"),
    "repeats": (lambda m: m.yaml["backbone"][1].__setitem__(1, 10**7), "the repeats of row 1 is 10000000, not"),
    "depth": (lambda m: m.yaml.update(depth_multiple=1e6), "depth_multiple is 1000000.0, not a number from 0.01 to 10"),
    "width": (lambda m: m.yaml.update(width_multiple=10), "weights model.0.conv.weight are .8, 3, 3, 3. in the file"),
    "channels": (lambda m: m.yaml["backbone"][0][3].__setitem__(0, 65536), "would make 65536x128x128 numbers of a"),
    "rows": (lambda m: m.yaml.update(backbone=m.yaml["backbone"] * 100), "its description has 303 rows; 200 are"),
    "padding": (lambda m: m.yaml["backbone"][0][3].append(9999), "a layer Conv2d would make 8x10126x10126 numbers"),
    "layer": (lambda m: m.yaml["backbone"][0].__setitem__(2, "torch_safe_load"), "what its layer torch_safe_load does"),
    "classes": (lambda m: setattr(m.model[5], "nc", 10**9), "the number of classes is 1000000000, not a whole number"),
    "levels": (lambda m: setattr(m.model[5], "stride", torch.zeros(2)), "a stride is 0.0, not a number from 1"),
    "expanded": (
        lambda m: setattr(m.model[0].conv, "weight", nn.Parameter(torch.zeros(1).half().expand(8, 3, 30000, 30000))),
        r"a tensor in it of shape \(8, 3, 30000, 30000\) is expanded from 1 numbers",
    ),
    "shared": (
        lambda m: setattr(m.model[1][1].cv2.conv, "weight", m.model[1][0].cv2.conv.weight),
        "several of its weights are the same numbers of the file",
    ),
}  # fmt: skip


@pytest.mark.attack("import-legacy inputs")
@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_named(classic, tmp_path, name):
    model, save = classic
    change, message = BAD[name]
    change(model)
    file, target = save({"model": model}, tmp_path / "old.pt"), tmp_path / "new.pt"
    target.write_text("what was there")
    with pytest.raises(TintboxError, match=message) as error:
        import_legacy(file, target)
    assert str(error.value).startswith(f"{file}: ") and "\n" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == [target, file] and target.read_text() == "what was there"


@pytest.mark.attack("import-legacy inputs")
def test_a_file_that_may_not_be_read_is_not_called_damaged(classic, tmp_path, monkeypatch):
    model, save = classic
    file = save({"model": model}, tmp_path / "old.pt")
    opened = os.open

    def refuse(path, *rest, **words):
        if str(path) == str(file):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **words)

    monkeypatch.setattr(Path, "open", lambda path, *a, **k: refuse(path))
    with pytest.raises(TintboxError, match=r"old.pt: cannot be read \(Permission denied\)$"):
        import_legacy(file, tmp_path / "new.pt")


def repacked(file, pickled):
    """Replace the pickle in a checkpoint."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, pickled(content) if name.endswith("/data.pkl") else content)
    return file


START = b"\x80\x02cmodels.yolo\nModel\n"
LOOP = b")\x81q\x00}X\x08\x00\x00\x00_modules}K\x01h\x00ssb."  # a module that contains itself
PICKLES = {
    "deep": (lambda raw: b"\x80\x02}cmodels.yolo\nModel\n)" + b"\x85" * 200_000 + b"K\x01s.", "tuples inside each"),
    "far": (lambda raw: START + b"r\xff\xff\xff\x7f.", "at a place far beyond the others"),
    "long": (lambda raw: START + b"}0" * limits.PICKLE_INSTRUCTIONS + b".", "instruction"),
    "protocol 4": (lambda raw: b"\x80\x04\x95" + bytes(8) + START[2:] + b".", "instruction FRAME"),
    "name": (lambda raw: raw.replace(b"cmodels.common\nConv\n", b"cposix\nsystem\n"), "names posix.system, which is"),
    "dunder": (lambda raw: raw.replace(b"cmodels.common\nConv\n", b"cmodels.common\n__reduce__\n"), "names models.com"),
    "stack": (lambda raw: START + b"sssss.", "damaged, or more than layers and numbers"),
    "itself": (lambda raw: START + LOOP, "no layers in it"),
}


@pytest.mark.attack("import-legacy inputs")
@pytest.mark.parametrize("name", PICKLES)
def test_pickles_that_are_refused(classic, tmp_path, name):
    model, save = classic
    make, message = PICKLES[name]
    file = repacked(save({"model": model}, tmp_path / "old.pt"), make)
    with pytest.raises(TintboxError, match=message) as error:
        import_legacy(file, tmp_path / "new.pt")
    assert "\n" not in str(error.value) and sorted(tmp_path.iterdir()) == [file]


@pytest.mark.attack("import-legacy inputs")
@settings(
    deadline=None, max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bytes_in_file_and_pickle(classic, tmp_path, data):
    whole = tmp_path / "whole.pt"
    if not whole.exists():
        model, save = classic
        save({"model": model}, whole)
    file = tmp_path / "old.pt"
    file.write_bytes(whole.read_bytes())

    def spoiled(raw):
        raw = bytearray(raw)
        for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=5)):
            raw[place] = data.draw(st.integers(0, 255))
        return bytes(raw)

    if data.draw(st.booleans()):
        repacked(file, spoiled)
    else:
        file.write_bytes(spoiled(file.read_bytes()))
    before = file.read_bytes()
    try:
        conversion.checkpoint(file)
    except TintboxError as error:
        assert "\n" not in str(error)
    assert file.read_bytes() == before


@pytest.mark.attack("code in a file")
@pytest.mark.parametrize("key", ["activation", "row", "argument"])
def test_a_models_yaml_is_not_evaluated(tiny_model, tmp_path, key):
    import yaml

    spec = yaml.safe_load(tiny_model.read_text())
    text = plain(tmp_path / "ran")
    if key == "activation":
        spec["activation"] = text
    elif key == "row":
        spec["backbone"][0][2] = "torch_safe_load"
    else:
        spec["backbone"][0][3][1] = text
    (tmp_path / "evil-anchor.yaml").write_text(yaml.safe_dump(spec))
    with pytest.raises((TintboxError, TypeError, SyntaxError)):
        YOLO(tmp_path / "evil-anchor.yaml")
    assert not (tmp_path / "ran").exists()
