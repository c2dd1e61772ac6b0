"""The commands for models."""

import json
import sys
from pathlib import Path

import pytest

TINTBOX = Path(sys.executable).with_name("tintbox")


def test_complexity_as_json_and_as_a_table(forked):
    done = forked(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=32", "--json")
    assert done.returncode == 0, done.stderr
    total = json.loads(done.stdout)["total"]
    k, nf, nc, nic = 3, 32, 24, 1
    assert total == {
        "weights": k**2 * (nic * nf + 4 * nf**2 + nf * nc + nc**2) + 12 * nf + 4 * nc,
        "outputs": 2880 * nf + 3328 * nc,
        "connections": k**2 * (1024 * nic * nf + 640 * nf**2 + 256 * nf * nc + 1024 * nc**2) + 2432 * nf + 2048 * nc,
    }
    shown = forked(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=32").stdout
    assert f"{total['connections']:,}" in shown
    larger = forked(TINTBOX, "complexity", "model=colorize-pool.yaml", "imgsz=[64, 64]", "--json")
    doubled = json.loads(larger.stdout)["total"]
    assert doubled["weights"] == total["weights"]
    assert doubled["outputs"] == 4 * total["outputs"]
    assert doubled["connections"] == 4 * total["connections"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["modl=colorize-pool.yaml"], "did you mean 'model'"),
        (["colorize-pool.yaml"], "write key=value"),
        (["imgsz=32"], "model= is missing"),
        (["model=colorize-poll.yaml"], "did you mean 'colorize-pool.yaml'"),
        (["model=colorize-pool.yaml", "imgsz=zero"], "imgsz=zero"),
        (["model=colorize-pool.yaml", "imgsz=-3"], "imgsz=-3"),
        (["model=yolo11n.yaml"], "yolo11n.yaml is a detect model"),
        (["model=nothing.pt"], "nothing.pt"),
    ],
)
def test_mistakes_are_one_line(words, message, capfd, monkeypatch, tmp_path):
    from tintbox.cli import app as cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tintbox", "complexity", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("tintbox: ")
    assert message in line


def test_import_and_export_hand_their_words_on(monkeypatch):
    from typer.testing import CliRunner

    from tintbox.cli import app
    from tintbox.plugins.anchor import importing
    from tintbox.plugins.extend import stock
    from tintbox.plugins.transfer import export

    calls = []
    monkeypatch.setattr(importing, "import_legacy", lambda *words, **keys: calls.append((words, keys)) or "new.pt")
    monkeypatch.setattr(export, "export_backbone", lambda *words: calls.append((words, {})) or "out.pt")
    monkeypatch.setattr(stock, "export_stock", lambda *words: calls.append((words, {})) or "stock.pt")
    runner = CliRunner()
    assert runner.invoke(app.app, ["import-legacy", "a.weights", "b.pt", "cfg=x.cfg"]).output.strip() == "new.pt"
    assert runner.invoke(app.app, ["export-backbone", "a.pt", "b.pt"]).output.strip() == "out.pt"
    assert runner.invoke(app.app, ["export-stock", "model=c.pt", "out=d.pt"]).output.strip() == "stock.pt"
    assert calls == [
        (("a.weights", "b.pt"), {"cfg": "x.cfg", "names": None}), (("a.pt", "b.pt"), {}), (("c.pt", "d.pt"), {}),
    ]  # fmt: skip
