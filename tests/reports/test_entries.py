"""The runs of a report, their names, and messages about folders that are not runs."""

import pytest
import yaml

from tintbox.errors import TintboxError
from tintbox.reports.entries import gather
from tintbox.reports.freezing import schedules

ACCURACY = {"metrics__mAP50-95(B)": [0.25, 0.5, 0.375]}


def test_names_are_as_long_as_needed(made, tmp_path):
    runs = [made("a/train", **ACCURACY), made("b/train", **ACCURACY), made("other", **ACCURACY)]
    (section,), left_out = gather([*map(str, runs), f"{runs[0]}/", f"{runs[0]}/../train"])  # the first one three times
    assert [entry.name for entry in section.entries] == ["a/train", "b/train", "other"]
    assert left_out == []


def test_the_folder_itself(made, monkeypatch):
    monkeypatch.chdir(made("here", **ACCURACY))
    (section,), _ = gather(["."])
    assert section.entries[0].name == "here"


def test_tasks_are_apart(made):
    first, second = made("one", **ACCURACY), made("three", **ACCURACY)
    other = made("two", {"task": "colorize"}, metrics__accuracy=[0.5])
    sections, _ = gather([str(first), str(other), str(second)])
    found = [(s.task, [(e.index, e.place, e.name) for e in s.entries]) for s in sections]
    assert found == [("detect", [(0, 0, "one"), (1, 1, "three")]), ("colorize", [(2, 0, "two")])]


def test_a_folder_of_runs_stands_for_them(made, tmp_path):
    for number in (10, 9, 2):
        made(f"all/train{number}", **ACCURACY)
    waiting = made("all/waiting", **ACCURACY)
    (waiting / "results.csv").write_text("epoch,time\n")
    (made("all/dead", **ACCURACY) / "results.csv").unlink()  # as after a kill in the first epoch
    (tmp_path / "all" / "pictures").mkdir()
    (section,), left_out = gather([str(tmp_path / "all")])
    assert [entry.name for entry in section.entries] == ["train2", "train9", "train10"]
    dead, unfinished = left_out
    assert "dead has no finished epoch: results.csv is missing" in dead
    assert "waiting has no finished epoch in results.csv" in unfinished


def test_a_study_has_its_own_order(made, tmp_path):
    for batch in (32, 8):
        made(f"study/batch_{batch}", {"batch": batch}, **ACCURACY)
    (tmp_path / "study" / "study.yaml").write_text(yaml.safe_dump({"task": "detect", "batch": [32, 8, 4]}))
    (section,), left_out = gather([str(tmp_path / "study")])
    assert [entry.name for entry in section.entries] == ["batch_32", "batch_8"]
    assert left_out == [f"{tmp_path / 'study'}: batch_4: without a result so far"]


def test_a_study_without_a_result(made, tmp_path):
    (tmp_path / "study" / "batch_8").mkdir(parents=True)  # its process has only just started
    (tmp_path / "study" / "study.yaml").write_text(yaml.safe_dump({"task": "detect", "batch": [8, 4]}))
    with pytest.raises(TintboxError, match=r"study: none of the 2 runs of this study has a finished epoch yet$"):
        gather([str(tmp_path / "study")])
    (made("study/batch_4", **ACCURACY) / "results.csv").unlink()
    with pytest.raises(TintboxError, match=r"study: none of its 1 runs can be shown, e\.g\. .*batch_4 has no finished"):
        gather([str(tmp_path / "study")])


def test_runs_further_below_are_found(made, tmp_path):
    for name in ("runs/solo", "runs/detect/train", "runs/detect/train2", "runs/segment/x/y/train", "runs/.old/train"):
        made(name, **ACCURACY)
    made("runs/solo/inner", **ACCURACY)
    (tmp_path / "runs/detect/loop").symlink_to(tmp_path / "runs")
    ((section,), left_out) = gather([str(tmp_path / "runs")])
    found = [str(entry.run.folder.relative_to(tmp_path / "runs")) for entry in section.entries]
    assert found == ["solo", "detect/train", "detect/train2", "segment/x/y/train"] and not left_out
    ((section,), _) = gather([str(tmp_path / "runs/detect/train"), str(tmp_path / "runs/segment")])
    assert len(section.entries) == 2
    (made("runs/pose/train", **ACCURACY) / "results.csv").unlink()
    ((section,), left_out) = gather([str(tmp_path / "runs")])
    assert len(section.entries) == 4 and "pose: none of its 1 runs can be shown, e.g. " in left_out[0]


def test_what_is_no_run(made, tmp_path):
    run = made("train", **ACCURACY)
    (run / "weights").mkdir()
    (tmp_path / "empty").mkdir()
    with pytest.raises(TintboxError, match=r"empty is no training run: args.yaml and results.csv missing$"):
        gather([str(run), str(tmp_path / "empty")])
    with pytest.raises(TintboxError, match=r"missing; did you mean '.*train'\?$"):
        gather([str(run / "weights")])
    with pytest.raises(TintboxError, match=r"trian: no such folder; did you mean 'train'\?$"):
        gather([str(tmp_path / "trian")])
    (run / "results.csv").unlink()
    with pytest.raises(TintboxError, match=r"train has no finished epoch: results.csv is missing; "):
        gather([str(run)])
    with pytest.raises(TintboxError, match="no runs are named"):
        gather([])


def test_broken_files_are_no_failure(made):
    run = made("train", **ACCURACY)
    (run / "coco.json").write_text('{"bbox": {"metrics": 3}}')
    (run / "freeze.json").write_text('{"stages": [], "epochs": 2}')
    (run / "environment.json").write_text("[")
    (section,), _ = gather([str(run)])
    entry = section.entries[0]
    assert entry.coco is None and "coco.json cannot be read (KeyError: " in entry.coco_problem
    assert schedules([entry]) == ([], []) and entry.run.environment == {}


def test_an_unfinished_run(made, detector, copy):
    assert gather([str(made("short", {"epochs": 9}, **ACCURACY))])[0][0].entries[0].state.startswith("still training")
    # The same with checkpoints that Ultralytics has stripped, as it does at the end.
    assert gather([str(copy(detector, "early", epochs=9))])[0][0].entries[0].state == "stopped early"
    assert gather([str(detector)])[0][0].entries[0].state == ""


def test_pooled_folds_have_ended(made):
    folder = made("folds", {"epochs": 9}, metrics__accuracy=[0.5])
    (section,), _ = gather([str(folder)])
    assert section.entries[0].state == "still training or interrupted"
    (folder / "pooled.json").touch()
    (section,), _ = gather([str(folder)])
    assert section.entries[0].state == "stopped early"


UNREADABLE = {
    "the folder": ("run", 0o000), "its files": ("run/args.yaml", 0o000), "results": ("run/results.csv", 0o000),
    "no search": ("run", 0o444), "the folder above": ("", 0o000),
}  # fmt: skip


@pytest.mark.attack("report inputs")
@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_folder_is_one_line(forked, made, tmp_path, kind):
    """A root user is switched to an unprivileged one."""
    run = made("all/run", **{"metrics__mAP50-95(B)": [0.25, 0.5]})
    place, mode = UNREADABLE[kind]
    locked = run.parent / place
    whole = made("all/whole", **{"metrics__mAP50-95(B)": [0.25, 0.5]})
    code = (
        "import contextlib, os, sys\n"
        "from tintbox.cli import app\n"
        "_, whole, run = sys.argv\n"
        "def report(folder):\n"
        "    sys.argv = ['tintbox', 'report', folder, 'out=r.html', 'pictures=False']\n"
        "    app.main()\n"
        "with contextlib.suppress(SystemExit): report(whole)\n"  # loads files that only their owner may read
        "os.geteuid() or os.setresuid(65534, 65534, 65534)\n"
        "report(run)\n"
    )
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    before = locked.stat().st_mode
    locked.chmod(mode)
    try:
        done = forked("-c", code, whole, run)
    finally:
        locked.chmod(before)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("tintbox: ") and "Permission denied" in line, line
