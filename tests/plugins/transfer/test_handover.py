"""The hand-over between colourisers and detectors: what is transferred, logged and refused."""

import json

import pytest
import torch
import yaml
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.transfer import handover


def trunk(state, last):
    return {k: v for k, v in state.items() if not k.startswith(f"model.{last}.")}


@pytest.mark.parametrize("name", ["yolov8n", "yolo11n", "yolo26n", "yolov3-tiny"])
def test_the_layers_are_the_detectors_own(name):
    detector, colouriser = YOLO(f"{name}.yaml").model, YOLO(f"{name}-colorize.yaml").model
    last = len(detector.model) - 1
    want, have = (trunk(m.state_dict(), last) for m in (detector, colouriser))
    assert {k: v.shape for k, v in want.items()} == {k: v.shape for k, v in have.items()}
    assert len(colouriser.model) == len(detector.model)
    assert colouriser.model[last].f == sorted(detector.model[last].f, reverse=name == "yolov3-tiny")
    assert all(getattr(m, "momentum", 0.03) == 0.03 for m in colouriser.modules() if "BatchNorm" in type(m).__name__)
    assert colouriser(torch.rand(1, 3, 64, 96)).shape == (1, 313, 16, 24)


def test_a_trunk_computes_what_the_detector_computes():
    detector, colouriser = YOLO("yolo11n.yaml").model.eval(), YOLO("yolo11n-colorize.yaml").model.eval()
    handover.take_over(colouriser, detector, "x")
    seen = {}
    for name, model in (("detector", detector), ("colouriser", colouriser)):
        model.model[-1].register_forward_pre_hook(lambda m, inputs, name=name: seen.update({name: list(inputs[0])}))
        with torch.no_grad():
            model(torch.manual_seed(0) and torch.rand(1, 3, 64, 64))
    for a, b in zip(seen["detector"], seen["colouriser"], strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", ["", "-seg", "-pose", "-obb"])
@pytest.mark.smoke
def test_all_of_backbone_and_neck_is_taken_and_nothing_of_the_head(kind, colouriser, log):
    source, target = YOLO(colouriser).model, YOLO(f"yolo11n{kind}.yaml").model
    last = len(target.model) - 1
    before = {k: v.clone() for k, v in target.state_dict().items()}
    target.load(source)
    after = target.state_dict()
    for key, value in source.state_dict().items():
        if not key.startswith(f"model.{last}."):
            assert torch.equal(after[key], value), key
    assert all(torch.equal(after[k], before[k]) for k in before if k.startswith(f"model.{last}."))
    said = [line for line in log if "took over" in line]
    count = len(trunk(before, last))
    assert len(said) == 1
    assert f"took over {count} of {count} tensors (" in said[0]
    assert "in the backbone" in said[0]
    assert "in the neck" in said[0]
    assert "best.pt" in said[0]


def test_a_neck_is_taken_as_far_as_it_agrees(colouriser):
    source, target = YOLO(colouriser).model, YOLO("yolo11n.yaml").model
    target.model[16] = YOLO("yolo11s.yaml").model.model[16]  # a neck that differs from layer 16 on
    match = handover.check(source, target, "x")
    assert {int(name.split(".")[1]) for name in match.taken} == {0, *range(1, 11), 13}
    assert match.differing == []
    assert len(match.taken) < len(match.wanted)


def test_training_from_a_colouriser(cli, colouriser, fruit, tmp_path):
    words = ("epochs=1", "imgsz=64", "batch=4", "workers=0", "plots=False", f"project={tmp_path}", "name=run")
    source = YOLO(colouriser).model.state_dict()
    code, text = cli(
        "detect", "train", "model=yolo11n.yaml", f"data={fruit}", f"pretrained={colouriser}", "freeze=backbone", *words
    )
    assert code == 0, text
    assert "took over 378 of 378 tensors (240 of 240 in the backbone, 138 of 138 in the neck)" in text
    assert "BatchNorm statistics recomputed on 8 training images in colour" in text
    checkpoint = torch.load(tmp_path / "run/weights/last.pt", weights_only=False)["model"]
    assert not hasattr(checkpoint, handover.MARK)
    state = checkpoint.float().state_dict()
    weight = "model.2.cv1.conv.weight"
    assert torch.equal(state[weight], source[weight].half().float()), "a frozen layer is not the colouriser's"
    mean = "model.2.cv1.bn.running_mean"
    assert not torch.allclose(state[mean], source[mean], atol=1e-3), "statistics are still those of grey images"


@pytest.mark.slow
def test_the_detector_made_so_is_a_stock_checkpoint(forked, colouriser, fruit, tmp_path):
    make = (
        "import sys; from ultralytics import YOLO\n"
        "YOLO('yolo11n.yaml').train(data=sys.argv[1], pretrained=sys.argv[2], project=sys.argv[3], name='run', "
        "epochs=2, imgsz=64, batch=4, workers=0, plots=False, val=False)"
    )
    done = forked("-c", make, fruit, colouriser, tmp_path)
    assert done.returncode == 0, done.stderr
    load = (
        "import sys, json, numpy; from ultralytics import YOLO; m = YOLO(sys.argv[1])\n"
        "r = m.predict(numpy.zeros((64, 64, 3), 'uint8'), imgsz=64, verbose=False)\n"
        "print(json.dumps([m.task, len(r), [k for k in sys.modules if k.startswith('tintbox.plugins.host')]]))"
    )
    done = forked("-c", load, tmp_path / "run/weights/last.pt", env={"TINTBOX_DISABLE": "1"})
    assert json.loads(done.stdout.strip().splitlines()[-1]) == ["detect", 1, []], done.stderr


def test_a_colouriser_starts_from_a_detector(fruit, tmp_path):
    detector = YOLO("yolo11n.yaml")
    detector.save(tmp_path / "detector.pt")
    model = YOLO("yolo11n-colorize.yaml")
    weights = detector.model.half().float().state_dict()
    model.train(
        data=str(fruit), epochs=1, imgsz=32, batch=4, lr0=1e-9, weight_decay=0.0, plots=False, project=str(tmp_path),
        name="run", pretrained=str(tmp_path / "detector.pt"),
    )  # fmt: skip
    assert torch.allclose(
        model.model.state_dict()["model.2.cv1.conv.weight"], weights["model.2.cv1.conv.weight"], atol=1e-3
    )


def fails(cli, *words):
    code, text = cli(*words)
    line = [line for line in text.splitlines() if line.strip()][-1]
    assert code == 1, text
    assert "Traceback" not in text, text
    assert line.startswith("yolo: "), text
    return line


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("yolo11s.yaml", "of yolo11n does not fit yolo11s: "),
        ("yolov8n.yaml", "model=yolov8n-colorize.yaml"),
        ("yolo11s-seg.yaml", "model=yolo11s-colorize.yaml"),
    ],
)
def test_another_architecture_or_scale_is_refused(cli, colouriser, fruit, tmp_path, model, message):
    line = fails(
        cli, "train", f"model={model}", f"data={fruit}", f"pretrained={colouriser}", f"project={tmp_path}/runs"
    )
    assert message in line
    assert line.count(" against ") == 3
    assert "tensors differ, e.g. model." in line
    assert not (tmp_path / "runs").exists()


def test_a_seed_network_has_no_backbone_for_a_detector(cli, trained, fruit, tmp_path):
    weights = trained / "weights" / "best.pt"
    line = fails(
        cli, "train", "model=yolo11n.yaml", f"data={fruit}", f"pretrained={weights}", f"project={tmp_path}/runs"
    )
    assert "nothing of UNet fits yolo11n; train one with `yolo colorize train model=yolo11n-colorize.yaml`" in line
    assert not (tmp_path / "runs").exists()
    with pytest.raises(TintboxError, match="nothing of UNet fits"):
        YOLO("yolo11n.yaml").load(weights)


def test_a_detector_of_another_scale_is_refused_by_a_colouriser(cli, fruit, tmp_path):
    YOLO("yolo11s.yaml").save(tmp_path / "small.pt")
    words = ("imgsz=32", "epochs=1", f"project={tmp_path}/runs")
    line = fails(
        cli,
        "colorize",
        "train",
        "model=yolo11n-colorize.yaml",
        f"data={fruit}",
        f"pretrained={tmp_path}/small.pt",
        *words,
    )
    assert "does not fit yolo11n" in line
    line = fails(
        cli, "colorize", "train", "model=colorize-unet.yaml", f"data={fruit}", f"pretrained={tmp_path}/small.pt", *words
    )
    assert "small.pt is not a colouriser" in line
    assert not (tmp_path / "runs").exists()


def test_rebalanced_validation_needs_weights(cli, trained, colouriser, tiny_data, fruit, tmp_path):
    weights = trained / "weights" / "best.pt"
    words = ("imgsz=32", "plots=False", f"project={tmp_path}")
    line = fails(cli, "colorize", "val", f"model={weights}", f"data={tiny_data}", "rebalance=0.5", *words)
    assert "palette of best.pt has no rebalancing weights" in line
    code, text = cli("colorize", "val", f"model={colouriser}", f"data={fruit}", "rebalance=0.5", *words)
    assert code == 0, text


def test_predictions_keep_the_lightness_of_the_input(colouriser):
    from tintbox.colorization.lab import lightness

    picture = torch.randint(70, 180, (75, 101, 1), dtype=torch.uint8).repeat(1, 1, 3).numpy()
    (result,) = YOLO(colouriser).predict(picture, imgsz=64, verbose=False)
    assert result.colour.shape == picture.shape
    given, painted = (lightness(torch.tensor(p[..., ::-1].copy())) for p in (picture, result.colour))
    assert (given - painted).abs().max() < 1.0  # clipping to the gamut and rounding to 8 bits


def test_export_agrees_with_torch(colouriser, fruit, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tmp_path / "best.pt"
    file.write_bytes(colouriser.read_bytes())
    model = YOLO(file)
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = model.model.eval()(x)
    exported = model.export(format="onnx", imgsz=64)
    (ours,) = onnxruntime.InferenceSession(exported).run(None, {"images": x.numpy()})
    assert abs(ours - expected.numpy()).max() < 1e-3
    first = YOLO(file).val(data=str(fruit), imgsz=64, plots=False, project=str(tmp_path))
    again = YOLO(exported).val(data=str(fruit), imgsz=64, plots=False, project=str(tmp_path))
    assert again.auc == pytest.approx(first.auc, abs=1e-3)
    assert again.loss == pytest.approx(first.loss, rel=1e-3)


def test_run_folder_options_and_an_image_size_that_is_no_multiple_of_the_stride(cli, fruit, tmp_path):
    code, text = cli(
        "colorize", "train", "model=yolo11n-colorize.yaml", f"data={fruit}", "imgsz=50", "epochs=1", "batch=4",
        "palette=4", "rebalance=0.3", "channel_drop=1.0", f"project={tmp_path}", "name=run",
    )  # fmt: skip
    assert code == 0, text
    assert "imgsz=[50] must be multiple of max stride 32, updating to [64]" in text
    palette = yaml.safe_load((tmp_path / "run/palette.yaml").read_text())
    assert palette["rebalance"] == 0.3
    assert len(palette["weights"]) == len(palette["colours"]) == 4
    assert (tmp_path / "run/samples/epoch001.png").is_file()


def test_one_channel_is_shown_three_times_as_bright():
    from tintbox.colorization.grey import grey_input, one_channel

    rgb = torch.randint(0, 256, (64, 3, 4, 4), dtype=torch.uint8)
    grey = grey_input(rgb, 3, 255.0)
    assert torch.equal(one_channel(grey, rgb, 255.0, 0.0), grey)
    alone = one_channel(grey, rgb, 255.0, 1.0)
    kept = alone.flatten(2).abs().sum(-1) > 0
    assert (kept.sum(1) == 1).all()
    assert set(kept.int().argmax(1).tolist()) == {0, 1, 2}
    assert torch.allclose(alone.sum(1)[kept[:, 0]], 3 * rgb[kept[:, 0], 0].float() / 255)


def test_complexity_counts_the_whole_model():
    from tintbox.colorization.complexity import complexity, load_network

    network, channels = load_network("yolo11n-colorize.yaml")
    assert complexity(network, (32, 32), channels)["total"]["weights"] == sum(p.numel() for p in network.parameters())


@pytest.mark.attack("newcomer")
def test_the_line_of_the_reverse_names_the_groups_too(log):
    target, source = YOLO("yolo11n-colorize.yaml").model, YOLO("yolo11n.yaml").model
    handover.take_over(target, source, "x")
    said = next(line for line in log if "took over" in line)
    assert "took over 378 of 378 tensors (240 of 240 in the backbone, 138 of 138 in the neck) from x" in said
