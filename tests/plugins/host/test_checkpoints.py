"""Checkpoints, including stock ones, are written atomically, with the same content as stock's."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ultralytics import YOLO

from tintbox import atomic, checkpoint_file
from tintbox.errors import TintboxError
from tintbox.plugins.host.checkpoints import WholePath

from ...tiny_models import YOLO11N

REPO = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.attack("kills")

FULL = """
import resource, signal, sys
from pathlib import Path
from ultralytics import YOLO
from ultralytics.utils.torch_utils import strip_optimizer
data, folder = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit fails, as on a full disk
last = Path(folder, "run/weights/last.pt")

def fill(trainer):
    if trainer.epoch == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

model = YOLO("yolo11n.yaml")
model.add_callback("on_train_epoch_end", fill)
for attempt in (
    lambda: model.train(data=data, epochs=3, imgsz=32, batch=4, workers=0, plots=False, project=folder, name="run"),
    lambda: strip_optimizer(last),
):
    try:
        attempt()
    except (OSError, RuntimeError):
        print("failed")
"""


def test_a_full_disk_tears_nothing(forked, fruit, tmp_path):
    done = forked("-c", FULL, fruit, tmp_path)
    assert done.stdout.splitlines().count("failed") == 2, done.stderr
    weights = tmp_path / "run/weights"
    assert sorted(file.name for file in weights.iterdir()) == ["best.pt", "last.pt"]
    assert all(checkpoint_file.is_whole(file) for file in weights.iterdir())
    assert torch.load(weights / "last.pt", weights_only=False)["epoch"] == 0


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_full_disk_is_told_in_a_line_of_a_run_of_ours(forked, fruit, tmp_path, epoch):
    code = (
        "import resource, signal, sys; from ultralytics import YOLO; from ultralytics.cfg import entrypoint\n"
        "from ultralytics.utils.callbacks.base import default_callbacks\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "def fill(trainer):\n"
        f"    if trainer.epoch == {epoch}: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "default_callbacks['on_train_epoch_end'].append(fill)\n"
        "entrypoint()"
    )
    words = ("epochs=3", "imgsz=32", "batch=4", "workers=0", "plots=False", f"project={tmp_path}", "name=run")
    done = forked("-c", code, "train", "model=yolo11n.yaml", f"data={fruit}", "freeze=backbone", *words)
    last = tmp_path / "run/weights/last.pt"
    then = f"continue with: yolo train resume model={last}" if epoch else "start again"
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    best = last.with_name("best.pt")  # the first to be written, as every epoch is as good as the others
    assert done.stderr.splitlines()[-1] == (f"yolo: {best}: cannot be written (File too large); make room, then {then}")


@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
def test_a_run_without_room_for_a_checkpoint_goes_on_with_nothing_lost(name, fruit, tmp_path, monkeypatch):
    """As if killed between the two: last.pt is written last, so the epoch is trained again, and best.pt is its."""
    write, full = atomic.write_bytes, []

    def fill(file, data):
        if full and Path(file).name == name:
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        write(file, data)

    monkeypatch.setattr(atomic, "write_bytes", fill)
    model, last = YOLO(YOLO11N), tmp_path / "run/weights/last.pt"
    model.add_callback("on_train_epoch_end", lambda trainer: full.extend([1] * (trainer.epoch == 1)))
    with pytest.raises(TintboxError, match=f"{name}: cannot be written .* continue with: yolo train resume model="):
        model.train(data=str(fruit), epochs=2, imgsz=32, batch=4, workers=0, plots=False, freeze="backbone",
                    project=str(tmp_path), name="run")  # fmt: skip
    found = {each: torch.load(last.with_name(each), weights_only=False)["epoch"] for each in ("best.pt", "last.pt")}
    assert found == {"best.pt": int(name == "last.pt"), "last.pt": 0}
    full.clear()
    YOLO(last).train(resume=True)
    assert sorted(file.name for file in last.parent.iterdir()) == ["best.pt", "last.pt"]
    assert torch.load(last.with_name("best.pt"), weights_only=False)["epoch"] == -1, "a finished run's"


@pytest.mark.parametrize("arguments", [{}, {"cls_focal": 2.0, "amp": "auto"}])
def test_checkpoints_hold_the_arguments_of_stock(arguments, fruit, tmp_path):
    from ultralytics import YOLO
    from ultralytics.utils import DEFAULT_CFG_PATH, YAML

    yolo, found = YOLO("yolo11n.yaml"), []
    yolo.add_callback("on_model_save", lambda trainer: found.append(torch.load(trainer.last, weights_only=False)))
    settings = {"data": str(fruit), "epochs": 1, "imgsz": 32, "batch": 4, "workers": 0, "plots": False}
    yolo.train(project=str(tmp_path), name="run", **settings, **arguments)
    found += [torch.load(tmp_path / "run" / "weights" / name, weights_only=False) for name in ("last.pt", "best.pt")]
    stock = YAML.load(DEFAULT_CFG_PATH).keys() | {"save_dir", "task"}
    for content in found:
        assert content["train_args"].keys() <= stock and content["train_args"]["amp"] is True
        assert dict((content["ema"] or content["model"]).args).keys() <= stock
    assert yolo.trainer.ema.ema.args.extend is False, "the network's own stay"


def test_saved_bytes_are_those_that_torch_writes(tmp_path):
    content = {"model": torch.arange(5), "name": "x"}
    torch.save(content, tmp_path / "last.pt")
    (tmp_path / "stock").mkdir()
    torch.save.__wrapped__(content, tmp_path / "stock" / "last.pt")
    assert (tmp_path / "last.pt").read_bytes() == (tmp_path / "stock" / "last.pt").read_bytes()
    stream = io.BytesIO()
    torch.save(content, stream)
    assert torch.load(io.BytesIO(stream.getvalue()))["name"] == "x"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["last.pt", "stock"]


def test_paths_made_from_a_whole_path_are_whole_too(tmp_path):
    (tmp_path / "epoch3.pt").write_bytes(b"old")
    (tmp_path / "link.pt").hardlink_to(tmp_path / "epoch3.pt")
    file = WholePath(tmp_path) / "epoch3.pt"
    assert file.write_bytes(b"new") == 3
    assert file.read_bytes() == b"new"
    assert (tmp_path / "link.pt").read_bytes() == b"old", "written in place"


def test_the_next_save_removes_what_a_killed_one_left(tiny_data, tmp_path):
    from ultralytics import YOLO

    weights = tmp_path / "run" / "weights"
    code = f"""
import os, signal
from tintbox import atomic
os.makedirs({str(weights)!r})
with atomic.replacing({str(weights / "last.pt")!r}, keep_name=True):
    with atomic.replacing({str(weights / "epoch1.pt")!r}):
        os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    left = list(weights.iterdir())
    assert len(left) == 2
    for part in left:  # this process started before the killed one, unlike a resumed run
        os.utime(part, (1, 1))
    YOLO("colorize-pool.yaml").train(
        data=str(tiny_data),
        epochs=1,
        imgsz=32,
        palette=4,
        plots=False,
        project=str(tmp_path),
        name="run",
        exist_ok=True,
    )
    assert sorted(file.name for file in weights.iterdir()) == ["best.pt", "last.pt"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_kills(python):
    """A shorter `benchmarks/kills.py`, with tintbox only."""
    done = python(REPO / "benchmarks" / "kills.py", "--here", "--n", 16)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("saving:", "stripping:"))]
    assert len(lines) == 2 and all("n = 8, torn 0 " in line for line in lines), done.stdout + done.stderr
