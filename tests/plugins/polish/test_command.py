"""`tintbox polish`: variants on the validation split, and the best one as a checkpoint."""

import hashlib
import json
import shutil

import pytest
import torch
import yaml
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.polish import command, variants
from tintbox.plugins.polish.command import polish

from ...tiny_models import YOLO11N


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def spoil(model, layers, photos, file):
    """Save a detector with three times the BatchNorm variances in some layers."""
    for layer in layers.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_var *= 3
    model.args = {"data": str(photos.data), "model": str(photos.weights), "batch": 4, "imgsz": 160}
    torch.save({"model": model.half(), "train_args": model.args, "optimizer": {"large": 1}}, file)
    return file


@pytest.fixture(scope="module")
def spoilt(photos, tmp_path_factory):
    """A good detector whose first layers' BatchNorm variances are three times what they were."""
    model = YOLO(photos.weights).model
    return spoil(model, model.model[:3], photos, tmp_path_factory.mktemp("spoilt") / "spoilt.pt")


@pytest.fixture(scope="module")
def polished(spoilt):
    before = digest(spoilt)
    found = polish(spoilt)
    assert digest(spoilt) == before
    return found


def test_spoilt_statistics_are_repaired(polished, spoilt):
    assert [(one.share, one.anew) for one in polished.found.candidates] == [
        (share, anew) for anew in (False, True) for share in variants.SHARES
    ]
    trained, averaged, *_ = polished.found.candidates
    renewed = polished.found.candidates[3]
    assert renewed.ap > trained.ap + 0.05
    assert averaged.ap > trained.ap, "a tenth of the good statistics helps, too"
    assert polished.found.best.ap == max(one.ap for one in polished.found.candidates)
    assert polished.out == spoilt.with_name("polished.pt") and polished.found.images == 16


def test_what_is_written_has_the_ap_that_chose_it(polished, photos, tmp_path):
    settings = {"imgsz": 160, "plots": False, "workers": 0, "project": str(tmp_path)}
    metrics = YOLO(polished.out).val(data=str(photos.data), **settings)
    assert metrics.box.map == pytest.approx(polished.found.best.ap, abs=1e-9)


def test_the_file_is_a_checkpoint_without_training_state(polished, photos):
    from ultralytics.nn.tasks import load_checkpoint

    model, content = load_checkpoint(polished.out)
    assert content["tintbox_polish"] == {**polished.found.best._asdict(), "start": str(photos.weights)}
    assert "optimizer" not in content and content["train_args"]["data"] == str(photos.data)
    assert len(model.names) == 80


def test_what_is_said(polished, spoilt):
    lines = command.rows(polished.found)
    assert len(lines) == 6 and lines[0] == [
        "100%",
        "as trained",
        f"{100 * polished.found.candidates[0].ap:.1f}",
        "+0.0",
    ]
    assert sum("(best)" in row[0] for row in lines) == 1
    told = command.explain(polished)
    assert "on the 16 validation images that chose it\nthat is fewer than 20: chance may have chosen\n" in told
    assert told.endswith(f"tintbox compare {spoilt} {polished.out} data=OTHER.yaml"), "there is no test split"
    content = json.loads(command.as_json(polished))
    assert content["out"] == str(polished.out) and content["best"]["ap"] == polished.found.best.ap
    assert len(content["candidates"]) == 6


def test_a_run_that_is_best_as_it_is_keeps_its_folder(tuned):
    before = sorted(tuned.run.rglob("*"))
    found = polish(tuned.run)  # random weights find nothing: all variants are equal
    assert found.out is None and not found.found.is_better
    assert sorted(tuned.run.rglob("*")) == before
    assert command.explain(found) == f"{tuned.best} is the best as it is; nothing was written"


def test_of_an_extended_model_the_newest_branch_is_polished(photos, tmp_path):
    from tintbox.plugins.extend import network

    old = YOLO(photos.weights).model
    names, old.names = list(old.names.values()), {i: f"old {i}" for i in old.names}
    extended = network.extend(old, 11, names)
    extended.joined.heads[-1].load_state_dict(extended.joined.heads[0].state_dict())
    branch = extended.model[extended.starts[-1] : -1]
    found = polish(spoil(extended, branch[:3], photos, tmp_path / "extended.pt"))
    trained, renewed = (found.found.candidates[i] for i in (0, 3))
    assert len(found.found.candidates) == 6 and renewed.ap > trained.ap + 0.02
    assert found.found.mark["start"] is None
    model = torch.load(found.out, weights_only=False)["model"]
    before, after = extended.state_dict(), model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in model.held(after)), "the old part stays as it is"
    assert not all(torch.equal(after[name], before[name]) for name in after)


def test_random_weights_have_no_start_to_average_with(tuned, fruit, tmp_path):
    content = torch.load(tuned.best, weights_only=False)
    content["train_args"]["model"] = "yolo11n.yaml"
    file = tmp_path / "scratch.pt"
    torch.save(content, file)
    assert [(one.share, one.anew) for one in polish(file, fruit).found.candidates] == [(1.0, False), (1.0, True)]
    assert len(polish(file, fruit, start=tuned.start).found.candidates) == 6


@pytest.fixture(scope="module")
def wrong(fruit, tmp_path_factory):
    """A folder of checkpoints that do not fit."""
    from tintbox.plugins.extend import network

    folder = tmp_path_factory.mktemp("wrong")
    YOLO("yolo11s.yaml").save(folder / "large.pt")
    YOLO("colorize-convt.yaml").save(folder / "colour.pt")
    plain = YOLO(YOLO11N).model
    torch.save({"model": plain.half()}, folder / "plain.pt")
    torch.save({"model": plain, "tintbox_polish": {}}, folder / "done.pt")
    torch.save({"model": plain, "train_args": {"data": "gone.yaml"}}, folder / "moved.pt")
    folders = YOLO("yolo11n-cls.yaml").model.half()
    torch.save({"model": folders, "train_args": {"data": "folder"}}, folder / "classify.pt")
    extended = network.extend(YOLO(YOLO11N).model, 11, ["new"]).half()
    torch.save({"model": extended, "train_args": {"data": str(fruit)}}, folder / "extended.pt")
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"model": "nothing.pt"}, "nothing.pt: no such run or checkpoint"),
        ({"model": "empty"}, "empty: no weights/best.pt in it"),
        ({"data": "nothing.yaml"}, "data=nothing.yaml: "),
        (
            {"data": "other.yaml"},
            r"^data=other.yaml: other classes than \S*best.pt \(\S+ instead of \S+\); give the run's",
        ),
        ({"data": "half.yaml"}, r"half.yaml: no images in split 'train'"),
        ({"model": "done.pt"}, "done.pt: is polished already"),
        ({"out": "large.pt"}, "out=large.pt: there is such a file; give another name"),
        ({"start": "nothing.pt"}, r"^start=nothing.pt: no such file$"),
        ({"start": "large.pt"}, "start=large.pt: yolo11s has other layers than yolo11n"),
        ({"start": "colour.pt"}, "start=colour.pt is a colorize model, which has no boxes"),
        ({"out": "x.txt"}, "x.txt: give the file to write the suffix .pt"),
        ({"out": f"{'x' * 300}.pt"}, r"xxx.pt: cannot be written \("),
        ({"out": "nowhere/x.pt"}, "there is no folder nowhere"),
        (
            {"model": "extended.pt", "start": "large.pt"},
            "start=large.pt: extended.pt is an extended model, which holds",
        ),
        ({"model": "plain.pt"}, "data= is missing, and plain.pt does not say what it was trained on"),
        ({"model": "classify.pt"}, "^model=classify.pt is a classify model, which has no boxes; give one of detect, "),
        ({"model": "moved.pt"}, "data=gone.yaml: .*; moved.pt was trained on it: say where it is now, by data="),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(tuned, wrong, fruit, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(wrong, tmp_path, dirs_exist_ok=True)
    (tmp_path / "empty").mkdir()
    described = yaml.safe_load(fruit.read_text())
    folder = str(fruit.parent / (described.get("path") or ""))
    names = {
        **dict(enumerate(described["names"] if isinstance(described["names"], list) else described["names"].values()))
    }
    for name, changes in (("other", {"names": {**names, 0: "else"}}), ("half", {"train": "nowhere"})):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**described, "path": folder, **changes}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TintboxError, match=message) as caught:
        polish(**{"model": tuned.run, **words})
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
