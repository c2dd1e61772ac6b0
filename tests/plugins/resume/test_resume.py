"""A stopped tintbox run continues as if it had not been stopped."""

import csv
import shlex

import pytest
import torch
from ultralytics import YOLO

pytestmark = pytest.mark.attack("resume")


EPOCHS = 4


def rows(run):
    with (run / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k.strip() != "time"} for row in csv.DictReader(file)]


def weights(run):
    return torch.load(run / "weights/last.pt", weights_only=False)["model"].state_dict()


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "kind",
    [
        "colorize",
        "frozen",
        "fast",
        pytest.param("closing", marks=pytest.mark.slow),
        pytest.param("end-to-end", marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(train, kind, fruit, tmp_path):
    whole = train(kind, fruit, tmp_path / "whole")
    resumed = train(kind, fruit, tmp_path / "resumed", stop=2)
    YOLO(resumed / "weights/last.pt").train(resume=True)
    assert rows(resumed) == rows(whole)
    assert len(rows(whole)) == EPOCHS
    assert same(weights(resumed), weights(whole))


@pytest.mark.slow
def test_a_stock_ultralytics_goes_on_from_it(copy, forked_yolo):
    run = copy("frozen")
    done = forked_yolo(
        "detect", "train", "resume=True", f"model={run / 'weights/last.pt'}", f"save_dir={run}",
        env={"TINTBOX_DISABLE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3", "4"]
    checkpoint = torch.load(run / "weights/last.pt", weights_only=False)
    assert checkpoint["epoch"] == -1 and checkpoint["optimizer"] is None


def test_rows_that_are_trained_again_are_not_there_twice(copy):
    run = copy("colorize")
    lines = (run / "results.csv").read_bytes().splitlines(keepends=True)
    three = b"3" + lines[2][1:]
    (run / "results.csv").write_bytes(b"".join(lines) + three + three[: len(three) // 2])
    YOLO(run / "weights/last.pt").train(resume=True, save_dir=str(run))
    after = (run / "results.csv").read_bytes().splitlines(keepends=True)
    assert after[:3] == lines and after[3] != three
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("how", ["resume model=", "resume="])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:9999] + b"?" + b[10000:]])
def test_a_torn_last_names_the_best(how, damage, copy, cli):
    run = copy("colorize")
    last, best = run / "weights/last.pt", run / "weights/best.pt"
    last.write_bytes(damage(last.read_bytes()))
    status, said = cli("colorize", "train", *f"{how}{last}".split())
    assert status == 1 and "Traceback" not in said
    line = said.splitlines()[-1]
    assert f"{last} is damaged" in line and f"yolo train resume model={best}" in line


@pytest.mark.parametrize("kind", ["colorize", "plain"])
def test_the_command_that_a_torn_last_names_goes_on_from_the_best(train, kind, fruit, tmp_path, cli):
    run = train(kind, fruit, tmp_path / "a folder", stop=2)
    (run / "weights/last.pt").write_bytes(b"PK")
    task = "colorize" if kind == "colorize" else "detect"
    status, said = cli(task, "train", "resume=True", f"model={run / 'weights/last.pt'}")
    assert status == 1 and said.splitlines()[-1].startswith("yolo: ")
    status, said = cli(*shlex.split(said.split("`")[1])[1:])
    assert status == 0, said
    assert [row["epoch"] for row in rows(run)][-1] == str(EPOCHS)
    assert YOLO(run / "weights/last.pt").ckpt["epoch"] == -1


def test_where_both_are_torn_only_the_damage_is_told(copy, cli):
    run = copy("colorize")
    for name in ("last.pt", "best.pt"):
        (run / "weights" / name).write_bytes(b"")
    status, said = cli("colorize", "train", "resume", f"model={run / 'weights/last.pt'}")
    assert status == 1 and "resume model=" not in said.splitlines()[-1]
