"""Studies with finished or damaged folders: shown as far as they are readable, and retrained where necessary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintbox.errors import TintboxError
from tintbox.studies import command, outcome, place, table
from tintbox.studies.cells import group_by_cell
from tintbox.studies.grid import Run, parse

from .conftest import GOOD, STEADY

pytestmark = pytest.mark.attack("study inputs")


@pytest.fixture
def done(tmp_path):
    """A synthetic study of two finished runs."""
    folder = tmp_path / "runs/study/study"
    grid = parse([*GOOD, "seed=0,1"])
    folder.mkdir(parents=True)
    place.write(folder, grid)
    for run in grid.runs():
        outcome.Outcome(outcome.FINISHED, arguments=dict(run.arguments)).write(folder / run.name)
        whole_checkpoint(folder / run.name / "weights/best.pt")
        (folder / run.name / "args.yaml").write_text("task: colorize\nepochs: 2\n")
        (folder / run.name / "results.csv").write_text("epoch,time,metrics/accuracy,val/loss\n1,1,0.1,2\n2,2,0.2,1\n")
    return folder


def whole_checkpoint(file, epoch=-1):
    """Write a checkpoint as Ultralytics does, without a network."""
    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"epoch": epoch, "model": None, "train_args": {"epochs": 2}, "weights": torch.zeros(2000)}, file)


CSV = st.lists(
    st.sampled_from([b"1", b"2", b"nan", b"inf", b"-1e308", b"1e308", b"", b"x", b",", b"\n", b'"', b"\0", b"\xff"])
)
DAMAGE = st.sampled_from(["results.csv", "args.yaml", "run.json", "tintbox.yaml", "log.txt"])


@STEADY
@given(name=DAMAGE, raw=CSV.map(b"".join) | st.binary(max_size=40), header=st.booleans())
def test_damaged_folders_of_runs_are_shown_as_far_as_they_can_be_read(name, raw, header, done):
    first, second = (Run(f"seed_{seed}", {"seed": seed}, {}) for seed in (0, 1))
    file = done / first.name / name
    before = file.read_bytes() if file.is_file() else None
    head = b"epoch,time,metrics/accuracy,val/loss\n" if header and name == "results.csv" else b""
    file.write_bytes(head + raw)
    try:
        came = [command.result(done, run) for run in (first, second)]
        table.save(done, came)
        if cells := group_by_cell(came):
            command.pictures.draw(done, cells) if len(raw) % 5 == 0 else None
        outcome.reason(done / first.name, 1)
        command.find_finished(done, [first, second])
    except TintboxError:
        pytest.fail("a damaged run stops the study")
    finally:
        file.unlink()
        if before is not None:
            file.write_bytes(before)


@pytest.mark.parametrize(
    "raw",
    ["[" * 100_000, "{}", "[]", '{"state": "finished", "reason": {}}', '{"state": 3}',
     '{"state": "finished", "arguments": 3}',
     '{"state": "finished", "reason": "\\ud800", "arguments": null, "more": 1}', '"' + "x" * 2**21 + '"'],
)  # fmt: skip
def test_a_damaged_run_json_is_of_a_run_that_was_never_started(raw, tmp_path):
    (tmp_path / outcome.FILE).write_text(raw)
    assert outcome.read(tmp_path) is None


def test_a_study_that_is_done_trains_nothing(attempt, done):
    runs = {path: path.read_bytes() for path in done.glob("*/*") if path.is_file()}
    assert "2 runs, 2 of them done" in attempt(str(done), status=0)
    assert {path: path.read_bytes() for path in runs} == runs
    assert (done / "study.md").stat().st_size
    (done / "study.yaml").write_text("batch: " + "[" * 99)
    attempt(str(done))
    (done / "study.yaml").write_text("cfg: /etc/passwd\n")
    attempt(str(done))


@pytest.mark.parametrize("damage", ["empty", "cut", "middle", "text"])
def test_a_finished_run_with_a_damaged_best_is_not_finished(damage, done):
    run = parse([*GOOD, "seed=0,1"]).runs()[0]
    file = done / run.name / "weights/best.pt"
    assert list(command.find_finished(done, [run])) == [run.name]
    raw = file.read_bytes()
    broken = {
        "empty": b"", "cut": raw[:-100], "text": b"x" * len(raw),
        "middle": raw[: len(raw) // 2] + bytes(64) + b"\xff" * 64 + raw[len(raw) // 2 + 128 :],
    }  # fmt: skip
    file.write_bytes(broken[damage])
    assert command.find_finished(done, [run]) == {}


def test_what_a_run_goes_on_from(tmp_path):
    """If last.pt is damaged, best.pt is used; a finished run with a damaged best.pt has to be trained again."""
    from tintbox.studies import worker

    last, best = (tmp_path / "weights" / name for name in ("last.pt", "best.pt"))
    asked = {"epochs": 2, "batch": 4}

    def words():
        return worker.words(tmp_path, asked)

    whole_checkpoint(last, epoch=1)
    whole_checkpoint(best, epoch=0)
    assert words()[1] == f"model={last}"
    last.write_bytes(last.read_bytes()[:3000] + b"\xff" * 64 + last.read_bytes()[3064:])
    assert words()[1] == f"model={best}"
    whole_checkpoint(best)
    assert words() is None, "it was killed while it was validated for the last time"
    whole_checkpoint(last)
    best.write_bytes(b"")
    assert words() == [
        "train",
        "epochs=2",
        "batch=4",
        f"project={tmp_path.parent}",
        f"name={tmp_path.name}",
        "exist_ok=True",
    ]
    assert not last.exists()
