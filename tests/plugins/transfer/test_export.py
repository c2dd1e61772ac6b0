"""A colouriser's backbone as a stock checkpoint."""

import json

import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError


def test_export_backbone_is_for_any_ultralytics(forked, colouriser, tmp_path):
    from tintbox.plugins.transfer.export import export_backbone

    said = export_backbone(colouriser, tmp_path / "out.pt")
    assert "378 of 378" in said
    code = (
        "import sys, json, torch; from ultralytics import YOLO\n"
        "m = YOLO('yolo11n.yaml').load(sys.argv[1]).model.state_dict()\n"
        "print(json.dumps([m['model.0.conv.weight'].flatten()[:9].tolist(), 'tintbox.plugins.host' in sys.modules]))"
    )
    done = forked("-c", code, tmp_path / "out.pt", env={"TINTBOX_DISABLE": "1"})
    weights, plugin = json.loads(done.stdout.strip().splitlines()[-1])
    assert not plugin
    expected = YOLO(colouriser).model.state_dict()["model.0.conv.weight"].flatten()[:9]
    assert weights == pytest.approx(expected.tolist(), abs=1e-3)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("missing.pt", "out.pt", "no such file"),
        ("detector.pt", "out.pt", "is no colouriser on a detector but yolo11n"),
        (".", "out.pt", "a folder, no file"),
        ("broken.pt", "out.pt", r"^\S*broken.pt: (?!\S*broken.pt: )"),
        ("detector.pt", "out.txt", "suffix .pt"),
        ("detector.pt", "detector.pt", "would overwrite the model itself"),
        ("detector.pt", "nowhere/out.pt", "there is no folder .*nowhere; make it first"),
    ],
)
def test_export_backbone_mistakes(tmp_path, source, target, message):
    from tintbox.plugins.transfer.export import export_backbone

    YOLO("yolo11n.yaml").save(tmp_path / "detector.pt")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    with pytest.raises(TintboxError, match=message) as caught:
        export_backbone(tmp_path / source, tmp_path / target)
    assert "\n" not in str(caught.value)
