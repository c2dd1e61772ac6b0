"""Without any of tintbox's options, training a detector equals stock Ultralytics bit for bit."""

import json

import pytest

TRAIN = """
import json, sys, hashlib, torch
from ultralytics import YOLO
data, folder, task = sys.argv[1:]
model = YOLO({"detect": "yolo11n.yaml", "e2e": "yolo26n.yaml"}[task])
model.train(data=data, epochs=2, imgsz=64, batch=4, seed=3, workers=0, plots=False, project=folder, name="run")
last = torch.load(f"{folder}/run/weights/last.pt", weights_only=False)["model"]
digest = hashlib.sha256(b"".join(v.numpy().tobytes() for v in last.state_dict().values())).hexdigest()
rows = [line.split(",") for line in open(f"{folder}/run/results.csv")]
names = [m for m in sys.modules if m in ("tintbox.plugins.freeze.training", "tintbox.plugins.loss.training")]
print(json.dumps({"digest": digest, "rows": [r[:1] + r[2:] for r in rows], "modules": names}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("task", ["detect", "e2e"])
def test_training_without_options_is_bit_for_bit_stock(forked, fruit, tmp_path, task):
    results = []
    for disable in ("0", "1"):
        done = forked("-c", TRAIN, fruit, tmp_path / disable, task, env={"TINTBOX_DISABLE": disable})
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
    assert results[0]["digest"] == results[1]["digest"]
    assert results[0]["rows"] == results[1]["rows"]
    assert results[0]["modules"] == []
