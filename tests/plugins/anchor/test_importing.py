"""Import of a classic detector from its file to a checkpoint for current Ultralytics."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.limits import CFG_BYTES
from tintbox.plugins.anchor import importing
from tintbox.plugins.anchor.importing import import_legacy


@pytest.mark.smoke
def test_an_imported_model_says_what_the_classic_one_does(classic, tmp_path):
    model, save = classic
    beside = {"best_fitness": np.array([0.5]), "opt": {"save_dir": Path("runs")}, "fitness": np.float64(0.5)}
    content = {"epoch": -1, "model": model, "ema": None, "optimizer": None, "date": "2021-01-01", **beside}
    source = save(content, tmp_path / "old.pt")
    imported = YOLO(import_legacy(source, tmp_path / "new.pt"))
    direct = YOLO(source)
    picture = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = model(picture)
        expected = torch.cat((expected[..., :4], expected[..., 4:5] * expected[..., 5:]), -1).transpose(1, 2)
        for yolo in (imported, direct):
            torch.testing.assert_close(yolo.model.eval()(picture)[0], expected, rtol=1e-5, atol=1e-4)
    assert imported.names == direct.names == {0: "cat", 1: "dog"}
    assert imported.task == direct.task == "detect"
    assert imported.model.yaml["anchors"] == [[8, 12, 20, 16], [40, 24, 48, 64]]
    parameters = [*torch.load(tmp_path / "new.pt", weights_only=False)["model"].parameters()]
    assert {(p.dtype, p.requires_grad) for p in parameters} == {(torch.float16, False)}


def test_what_is_no_classic_checkpoint_is_told_in_one_line(classic, tmp_path):
    model, save = classic
    whole = save({"model": model}, tmp_path / "whole.pt")
    cases = {
        "numbers": ({"a": torch.ones(2)}, "no classic YOLOv3 or YOLOv5 checkpoint"),
        "part": ({"model": model.model[0]}, "holds a models.common.Conv"),
        "text": (b"not a pickle at all", "no classic YOLOv3"),
        "cut": (whole.read_bytes()[:2000], "damaged or truncated"),
        "half": (whole.read_bytes()[:-2000], "damaged or truncated"),
        "current": (YOLO("yolov5n-anchor.yaml").model, "a current one needs no import"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / f"{name}.pt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save(content, path)
        with pytest.raises(TintboxError, match=message) as error:
            import_legacy(path, tmp_path / "new.pt")
        assert "\n" not in str(error.value)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "torn.pt", "w") as torn:
        for name in archive.namelist():
            torn.writestr(name, archive.read(name)[: 500 if name.endswith("data.pkl") else None])
    with pytest.raises(TintboxError, match="damaged"):
        import_legacy(tmp_path / "torn.pt", tmp_path / "new.pt")
    with pytest.raises(TintboxError, match=r"no such file; did you mean 'whole\.pt'"):
        import_legacy(tmp_path / "whol.pt", tmp_path / "new.pt")
    with pytest.raises(TintboxError, match=r"ends in \.pt"):
        import_legacy(whole, tmp_path / "new.onnx")


def test_import_on_the_command_line(tmp_path, forked):
    done = forked("-m", "tintbox", "import-legacy", "old.pt", "new.pt")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "tintbox: old.pt: no such file"
    done = forked("-m", "tintbox", "import-legacy", "old.pt", "new.pt", "cgf=x")
    assert done.stderr.strip().splitlines()[-1].endswith("did you mean 'cfg'?")


def test_a_model_is_kept_in_half_precision_where_that_changes_no_weight():
    exact = nn.Linear(2, 2)
    with torch.no_grad():
        for p in exact.parameters():
            p.copy_(p.half().float())
    assert importing._compact(exact).weight.dtype == torch.float16
    other = nn.Linear(2, 2)
    with torch.no_grad():
        other.bias[0] = 1 / 3
    assert importing._compact(other).weight.dtype == torch.float32


def test_names_are_the_lines_of_a_file(tmp_path):
    file = tmp_path / "x.names"
    file.write_bytes(b"\xef\xbb\xbf cat \r\n\r\ndog\n\n")
    assert importing._lines(file) == ["cat", "dog"]
    with pytest.raises(TintboxError, match="a folder, no file"):
        importing._lines(tmp_path)
    with pytest.raises(TintboxError, match="no such file"):
        importing._lines(tmp_path / "none")
    file.write_bytes(b"x\n" * (CFG_BYTES // 2 + 1))
    with pytest.raises(TintboxError, match=r"cannot be read \(larger than 1 MiB\)"):
        importing._lines(file)


def test_mistakes_are_told_before_anything_is_read(tmp_path):
    source = tmp_path / "old.pt"
    source.write_bytes(b"anything")
    link = tmp_path / "link.pt"
    link.symlink_to(source)
    (tmp_path / "a.onnx").touch()
    for given, message in (
        ((source, source), "would overwrite the file itself; give another name"),
        ((source, link), "would overwrite the file itself"),
        ((source, tmp_path / "n.pt", "x.cfg"), "has its layers and class names within; cfg= and names= are for"),
        ((tmp_path / "a.onnx", tmp_path / "n.pt"), "give a classic .pt, or the .weights of Darknet"),
        ((tmp_path / "old", tmp_path / "n.pt"), "no such file; did you mean 'old.pt'"),
        ((tmp_path / ("x" * 300), tmp_path / "n.pt"), "no such file"),
    ):
        with pytest.raises(TintboxError) as caught:
            importing.import_legacy(*given)
        assert message in str(caught.value) and "\n" not in str(caught.value)
    assert source.read_bytes() == b"anything" and not (tmp_path / "n.pt").exists()
