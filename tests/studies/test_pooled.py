"""Cells of a study with folds, from synthetic runs: metrics, intervals and differences over all pictures."""

import csv
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from pycocotools import mask

from tintbox import run_folder
from tintbox.errors import TintboxError
from tintbox.folds.files import Folds
from tintbox.plugins.coco_eval import bootstrap, seeds
from tintbox.plugins.coco_eval.data.detections import Detections
from tintbox.plugins.coco_eval.data.truth import Truth
from tintbox.plugins.coco_eval.evaluation import evaluate
from tintbox.plugins.coco_eval.metrics import overall
from tintbox.studies import command, crossed_table, pooled
from tintbox.studies.cells import Result
from tintbox.studies.grid import parse
from tintbox.studies.outcome import Outcome
from tintbox.studies.pooled import CrossedCell, Pools

GRID = parse(["model=a.yaml", "data=d.yaml", "folds=2", "freeze=None,backbone,10", "seed=0,1", "plots=False"])
PICTURES = [f"/data/{i:02}.jpg" for i in range(10)]
FOLDS = Folds(PICTURES, [i % 2 for i in range(10)], PICTURES, ["train"] * 10)
BLUR = {None: 6, "backbone": 2, 10: 6}  # offset of a cell's boxes in pixels


def write_run(folder, run):
    """Write the files of a fold's run: its arguments, two epochs, and predictions for its pictures."""
    fold, seed, freeze = (run.settings[key] for key in ("fold", "seed", "freeze"))
    truth = np.random.default_rng(1)
    boxes = truth.uniform([0, 0, 20, 20], [50, 50, 45, 45], (len(PICTURES), 3, 4)).round(2)
    noise = np.random.default_rng([seed, 7]).normal(0, BLUR[freeze], boxes.shape)
    mine = [i for i in range(len(PICTURES)) if FOLDS.folds[i] == fold]
    images, annotations, rows = [], [], []
    for image, i in enumerate(mine, start=1):
        images.append({"id": image, "file_name": f"{i:02}.jpg", "width": 100, "height": 100})
        for k, box in enumerate(boxes[i].tolist()):
            row = {"image_id": image, "category_id": 1 + k % 2}
            annotations.append({**row, "bbox": box})
            rows.append(
                {**row, "bbox": (np.array(box) + noise[i, k]).clip(1).tolist(), "score": 0.9 - 0.01 * i - 0.1 * k}
            )
    folder.mkdir(parents=True)
    names = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    content = {"images": images, "annotations": annotations, "categories": names}
    (folder / "annotations.json").write_text(json.dumps(content))
    (folder / "predictions.json").write_text(json.dumps(rows))
    (folder / "image_ids.json").write_text(json.dumps({PICTURES[i]: image for image, i in enumerate(mine, start=1)}))
    (folder / "args.yaml").write_text(
        yaml.safe_dump({"task": "detect", "epochs": 2, "data": "fold.yaml", "seed": seed})
    )
    lines = [
        "epoch,time,train/box_loss,metrics/mAP50-95(B),val/box_loss",
        f"1,3,{2 + fold},0,0",
        f"2,{6 + fold},1,0.5,2",
    ]
    (folder / "results.csv").write_text("\n".join(lines) + "\n")


def made(folder, grid=GRID, lacking=()):
    """The results of the study; some of its runs are missing."""
    found = []
    for run in grid.runs():
        if run.name in lacking:
            found.append(Result(run, None, None))
            continue
        write_run(folder / run.name, run)
        found.append(Result(run, Outcome("finished", arguments=run.arguments), run_folder.read(folder / run.name)))
    return found


def evaluation(folder):
    truth = Truth.read(folder / "annotations.json")
    return evaluate(truth, Detections.read(folder / "predictions.json", truth))


def test_numbers_over_all_pictures_and_seeds(tmp_path):
    pools = Pools(tmp_path, GRID, FOLDS)
    cells = pools.update(made(tmp_path))
    assert [cell.settings for cell in cells] == [{"freeze": value} for value in (None, "backbone", 10)]
    first, second, third = cells
    one = [evaluation(tmp_path / f"freeze_None-seed_{seed}") for seed in (0, 1)]
    other = [evaluation(tmp_path / f"freeze_backbone-seed_{seed}") for seed in (0, 1)]
    assert one[0].images == 10 and sum(one[0].truths) == 30
    assert first.estimate("bbox").value == pytest.approx(np.mean([e["AP"] for e in one]), abs=1e-12)
    gaps = np.array([overall(b.samples)[:, 0] - overall(a.samples)[:, 0] for a, b in zip(one, other)])
    values = np.array([b["AP"] - a["AP"] for a, b in zip(one, other)])
    expected = seeds.difference_interval(gaps, values, support=10)
    gap = second.difference(first, "bbox")
    assert (gap.value, gap.low, gap.high) == pytest.approx((values.mean(), *expected), abs=1e-12)
    assert gap.low > 0.1, "boxes that are nearer are better beyond chance"
    same = third.difference(first, "bbox")
    assert same.value == same.low == same.high == 0
    for found in (*first.seeds.values(), *third.seeds.values()):
        found["bbox"].support.setflags(write=True)
        found["bbox"].support[:] = 1
    assert third.difference(first, "bbox") == same, "equal, from however few images"
    assert not first.estimate("bbox").bounded
    assert first.seconds == {0: 13.0, 1: 13.0}, "both folds together"


def test_equal_settings_whose_seeds_differ_are_told_apart_rarely():
    """A seed has a standard deviation of four image standard errors; by the images alone it was four times in ten."""
    generator, images = np.random.default_rng(0), 40
    weights = bootstrap.draw(images, 500).T / images

    def cell(*rows):
        found = {}
        for seed, (value, samples) in enumerate(rows):
            numbers = np.repeat(samples[:, None, None], 12, 2)
            settings, support = SimpleNamespace(level=0.95), np.full((2, 12), images)
            one = {"samples": numbers, "values": np.full(12, value), "settings": settings, "support": support}
            found[seed] = {"bbox": SimpleNamespace(**one, fingerprint="")}
        return CrossedCell({}, {}, found, {})

    apart, repeats = 0, 200
    for _ in range(repeats):
        hard = generator.normal(0, math.sqrt(images), images)
        own = generator.normal(0, 4, 3)
        gap = cell(*((hard.mean() + x, weights @ hard + x) for x in own)).difference(
            cell(*[(0, np.zeros(500))] * 3), "bbox"
        )
        apart += bool(bootstrap.is_sure(gap.bounds))
    assert apart / repeats < 0.12


def test_the_tables(tmp_path):
    pools = Pools(tmp_path, GRID, FOLDS)
    results = made(tmp_path, lacking=["freeze_10-seed_1-fold_0"])
    crossed_table.save(tmp_path, results, pools)
    cells = pools.update(results)
    text = (tmp_path / "study.md").read_text()
    assert "over all 10 images, each predicted by the run of 2 that had not learnt from it; 95% intervals" in text
    assert "mean ± standard deviation over the seeds, whose chance is in the intervals of differences" in text
    assert "\nWith one seed (freeze=10), a verdict is on these trainings and says nothing about others" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[0][:7] == ["freeze", "n", "AP", "interval", "against the first", "interval of that", "verdict"]
    assert [row[:2] for row in rows[2:]] == [["None", "2"], ["backbone", "2"], ["10", "1"]]
    assert [row[6] for row in rows[2:]] == ["", "better", "equal"]
    assert "1 of 12 runs are not there yet." in text
    with (tmp_path / "study.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert float(table[1]["against_first"]) == pytest.approx(cells[1].difference(cells[0], "bbox").value)
    with (tmp_path / "runs.csv").open() as stream:
        assert [row["fold"] for row in csv.DictReader(stream)] == ["0", "1"] * 6


def test_verdicts_from_one_seed_say_so(tmp_path):
    whole = made(tmp_path)
    crossed_table.save(tmp_path, whole, Pools(tmp_path, GRID, FOLDS))
    assert "one seed" not in (tmp_path / "study.md").read_text()
    single = [one if one.run.settings["seed"] == 0 else Result(one.run, None, None) for one in whole]
    crossed_table.save(tmp_path, single, Pools(tmp_path, GRID, FOLDS))
    assert "\nWith one seed, a verdict is on these trainings" in (tmp_path / "study.md").read_text()


def test_cells_that_cannot_be_compared_say_why(tmp_path):
    results = made(tmp_path, lacking=["freeze_None-seed_1-fold_0", "freeze_10-seed_0-fold_0"])
    file = tmp_path / "freeze_backbone-seed_0-fold_1/annotations.json"
    content = json.loads(file.read_text())
    content["annotations"].pop()
    file.write_text(json.dumps(content))
    crossed_table.save(tmp_path, results, Pools(tmp_path, GRID, FOLDS))
    text = (tmp_path / "study.md").read_text()
    end = "is not compared with the first: "
    assert f"\n- freeze=backbone {end}the dataset's labels have changed between their runs.\n" in text
    assert f"\n- freeze=10 {end}they have no seed in common.\n" in text


def add_masks(folder):
    """Make a fold's run one of a segmentation: its masks are its boxes."""
    content, rows = (json.loads((folder / name).read_text()) for name in ("annotations.json", "predictions.json"))
    for row in content["annotations"]:
        x, y, width, height = row["bbox"]
        row["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    for row in rows:
        row["segmentation"] = mask.frPyObjects(np.array([row["bbox"]]), 100, 100)[0]
        row["segmentation"]["counts"] = row["segmentation"]["counts"].decode()
    (folder / "annotations.json").write_text(json.dumps(content))
    (folder / "predictions.json").write_text(json.dumps(rows))
    (folder / "args.yaml").write_text((folder / "args.yaml").read_text().replace("detect", "segment"))


def test_a_seed_that_finds_nothing_has_masks_all_the_same(tmp_path):
    results = made(tmp_path)
    for run in GRID.runs():
        if run.settings["freeze"] is None and run.settings["seed"] == 1:
            (tmp_path / run.name / "predictions.json").write_text("[]")
        add_masks(tmp_path / run.name)
    results = [replace(one, found=run_folder.read(tmp_path / one.run.name)) for one in results]
    pools = Pools(tmp_path, GRID, FOLDS)
    cells = pools.update(results)
    assert cells[0].values("segm")[0] > cells[0].values("segm")[1] == 0
    assert cells[1].difference(cells[0], "segm").value > 0
    crossed_table.save(tmp_path, results, pools)
    assert "## masks" in (tmp_path / "study.md").read_text()
    with (tmp_path / "study.csv").open() as stream:
        assert [row["iou_type"] for row in csv.DictReader(stream)] == ["bbox", "segm"] * 3


def test_a_cell_is_an_ordinary_folder_of_a_run(tmp_path):
    Pools(tmp_path, GRID, FOLDS).update(made(tmp_path))
    folder = tmp_path / "freeze_None-seed_0"
    run = run_folder.read(folder)
    assert run.arguments["data"] == "d.yaml" and run.arguments["seed"] == 0
    assert run.curves["train/box_loss"] == [2.5, 1.0] and run.curves["time"] == [6.0, 13.0]
    assert math.isnan(run.curves["metrics/mAP50-95(B)"][0]) and run.curves["metrics/mAP50-95(B)"][1] == 0.5
    assert run.best == 1
    assert json.loads((folder / "pooled.json").read_text())["runs"] == [f"{folder.name}-fold_{fold}" for fold in (0, 1)]


def write_curves(folder, *rows):
    """Write the epochs of a fold's run: time, loss of training, metric, loss of validation."""
    lines = ["epoch,time,train/box_loss,metrics/mAP50-95(B),val/box_loss"]
    lines += [",".join(map(str, (epoch, *row))) for epoch, row in enumerate(rows, start=1)]
    folder.mkdir()
    (folder / "args.yaml").write_text("task: detect")
    (folder / "results.csv").write_text("\n".join(lines))
    return run_folder.read(folder)


def test_runs_of_several_lengths_are_averaged_over_their_own_last_epochs(tmp_path):
    """With `time=`, a run may end without a validation; its zeros are no numbers. A resumed run's time begins anew."""
    ended = write_curves(tmp_path / "a", (3, 4, 0, 0), (5, 3, 0, 0), (2, 2, 0.5, 1.5))
    stopped = write_curves(tmp_path / "b", (3, 4, 0, 0), (6, 1, 0, 0))
    stale = write_curves(tmp_path / "c", (3, 4, 0.25, 3), (7, 6, 0.25, 3))
    head, first, last = pooled.mean_curves([ended, stopped, stale])
    assert head == ["epoch", "time", "train/box_loss", "metrics/mAP50-95(B)", "val/box_loss"]
    assert first == pytest.approx([1, 9, 4, math.nan, math.nan], nan_ok=True)
    assert last == pytest.approx([2, 7 + 6 + 7, 3, 0.5, 1.5])
    assert last[1] == sum(run.seconds for run in (ended, stopped, stale))
    *_, last = pooled.mean_curves([stopped, stale])
    assert last == pytest.approx([2, 13, 3.5, math.nan, math.nan], nan_ok=True)


def test_groups_change_the_intervals_and_not_the_value(tmp_path):
    alone = Pools(tmp_path / "a", GRID, FOLDS).update(made(tmp_path / "a"))[0].estimate("bbox")
    grouped = Folds(PICTURES, FOLDS.folds, ["x", "y"] * 5, FOLDS.splits)
    together = Pools(tmp_path / "b", GRID, grouped).update(made(tmp_path / "b"))[0].estimate("bbox")
    assert together.value == alone.value
    assert (together.low, together.high) != (alone.low, alone.high)


@pytest.mark.attack("folds")
@pytest.mark.parametrize("file", ["predictions.json", "annotations.json", "image_ids.json"])
@pytest.mark.parametrize("raw", ["", "{}", "[", None])
def test_a_damaged_fold_costs_its_cell_only(tmp_path, file, raw):
    results = made(tmp_path)
    broken = tmp_path / "freeze_10-seed_0-fold_1" / file
    broken.unlink()
    if raw is not None:
        broken.write_text(raw)
    pools = Pools(tmp_path, GRID, FOLDS)
    cells = pools.update(results)
    assert [len(cell.seeds) for cell in cells] == [2, 2, 1]
    assert file in pools.problems["freeze_10-seed_0"]
    crossed_table.save(tmp_path, results, pools)
    assert "- freeze_10-seed_0: its folds cannot be put together: " in (tmp_path / "study.md").read_text()


@pytest.mark.attack("folds")
def test_without_its_baseline_a_study_says_what_it_compares_with(tmp_path):
    results = made(tmp_path)
    for one in results:
        one.outcome.write(tmp_path / one.run.name)
    for seed in (0, 1):
        (tmp_path / f"freeze_None-seed_{seed}-fold_1" / "predictions.json").write_text("")
    with pytest.raises(TintboxError, match=r"freeze_None-seed_0: its folds cannot be put together: .*predictions.json"):
        command.show(tmp_path, GRID, Pools(tmp_path, GRID, FOLDS))
    text = (tmp_path / "study.md").read_text()
    instead = "; differences are against freeze=backbone in its place."
    assert f"The first setting, freeze=None, has no result{instead}" in text
    for seed in (0, 1):
        (tmp_path / f"freeze_10-seed_{seed}-fold_1" / "predictions.json").write_text("")
    crossed_table.save(tmp_path, results, Pools(tmp_path, GRID, FOLDS))
    assert "The first setting, freeze=None, has no result.\n" in (tmp_path / "study.md").read_text()
