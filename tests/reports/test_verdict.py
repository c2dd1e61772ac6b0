"""The verdict: which run is best, and whether that may be chance."""

import math

import pytest

from tintbox.reports import metrics, pairs, seeds
from tintbox.reports.entries import gather
from tintbox.reports.verdict import verdict


def told(*folders):
    (section,), _ = gather([str(folder) for folder in folders])
    criterion = metrics.criterion(section)
    kept = pairs.evaluate_again(section.entries, criterion.kind) if criterion.kind else {}
    cells = [] if metrics.other_data(section) else seeds.settings(section.entries, criterion.values)
    return verdict(section, criterion, kept, cells)


def run(made, name, *values, **arguments):
    return made(name, arguments, **{"metrics__mAP50-95(B)": values})


def test_one_run(made):
    assert told(run(made, "a", 0.25, 0.5)) == ("a has mAP50-95 at the best epoch 0.500.", "")


def test_without_intervals(made):
    claim, chance = told(run(made, "a", 0.25, 0.5), run(made, "b", 0.75, 0.5, lr0=1))
    assert claim == "b is best by mAP50-95 at the best epoch: 0.750, ahead of a with 0.500."
    assert chance == "Without intervals or several seeds nothing says whether that is chance."


def test_equal(made):
    same = "Their numbers are the same in every epoch: what differs between them had no effect."
    claim = "a and b are equal by mAP50-95 at the best epoch: 0.500."
    assert told(run(made, "a", 0.5), run(made, "b", 0.5)) == (claim, same)
    assert told(run(made, "c", 0.25, 0.5), run(made, "d", 0.3, 0.5))[1] == ""
    assert told(run(made, "e", 0.25), *(run(made, name, 0.5) for name in "fgh"))[0].startswith("f, g and h are equal")
    many = [run(made, f"i{i}", 0.5, lr0=i) for i in range(5)]
    assert told(*many)[0].startswith("5 runs are equal")


def test_other_data(made):
    claim, chance = told(run(made, "a", 0.5), run(made, "b", 0.75, data="more.yaml"))
    assert claim == "No run is called best."
    assert chance.endswith("because they differ in data: gone.yaml, more.yaml.")
    claim, chance = told(*(made(f"p{k}", {"task": "colorize", "palette": k}, metrics__accuracy=[0.5]) for k in (4, 24)))
    assert chance.endswith("because they differ in palette: 4, 24.")


def test_a_dataset_written_in_two_ways_is_one(made, tmp_path, monkeypatch):
    (tmp_path / "d.yaml").touch()
    monkeypatch.chdir(tmp_path)
    claim, _ = told(run(made, "a", 0.5, data="d.yaml"), run(made, "b", 0.75, data=str(tmp_path / "d.yaml")))
    assert claim.startswith("b is best")


def test_intervals(detector, copy):
    low, near = copy(detector, "low", ap=(0.25, 0.2, 0.3)), copy(detector, "near", ap=(0.5, 0.28, 0.6))
    high = copy(detector, "high", ap=(0.75, 0.65, 0.8))
    claim, chance = told(low, near)
    assert claim == "near is best by COCO AP on val: 0.500 [0.280, 0.600], ahead of low with 0.250 [0.200, 0.300]."
    assert chance == "The 95% intervals overlap, so that may be chance."
    claim, chance = told(low, high, near)
    assert claim.startswith("high is best") and "ahead of near" in claim
    assert chance == "The 95% intervals are apart, so that is more than the chance of the images."


def test_equal_predictions_are_equal(detector, copy):
    claim, chance = told(detector, copy(detector, "twin", lr0=0.5))
    assert claim.startswith("woken and twin are equal by COCO AP on val")
    assert chance.endswith("what differs between them had no effect.")


def test_no_winner_by_what_is_not_shown(made):
    """`lr0=0.001,0.01` with an optimizer that ignores it: all runs are equal, also over seeds; +0.0000 does not win."""
    assert told(run(made, "a", 0.5), run(made, "b", 0.50004, lr0=1))[0].startswith("b and a are equal by")
    folders = [run(made, f"{lr0}-{s}", 0.3 + s / 8, lr0=lr0, seed=s) for lr0 in (0.001, 0.01) for s in (0, 1, 2)]
    claim, chance = told(*folders)
    assert claim == "lr0=0.001 and lr0=0.01 are equal by mAP50-95 at the best epoch: 0.425 in the mean over seeds."
    assert chance == "Their numbers are the same in every epoch: what differs between them had no effect."


def test_a_bound_that_would_be_shown_as_zero_has_more_digits(detector, copy, made):
    """As in `tintbox compare`, which calls the same difference better."""
    first, second = copy(detector, "first", ap=(0.5, 0.4, 0.6)), copy(detector, "second", ap=(0.7, 0.6002, 0.8))
    claim, chance = told(first, second)
    assert claim.endswith("0.7000 [0.6002, 0.8000], ahead of first with 0.5000 [0.4000, 0.6000].")
    assert chance == "The 95% intervals are apart, so that is more than the chance of the images."
    values = {"a": (0.356, 0.4, 0.444), "b": (0.456, 0.5, 0.544)}
    folders = [run(made, f"{k}{s}", v, lr0=k, seed=s) for k, own in values.items() for s, v in enumerate(own)]
    half = 2.776445 * math.sqrt(2 * 0.044**2 / 3)  # t(0.975, 4)
    said = f"+0.1000 [{0.1 - half:+.4f}, {0.1 + half:+.4f}] (95%, Welch's t over seeds) is more than the chance of the"
    assert said in told(*folders)[1]


def test_over_seeds(made):
    """Welch's interval by its formula, with Student's t from a table."""
    one, two = (0.5, 0.52, 0.54), (0.4, 0.42, 0.44)  # the same variance, so 4 degrees of freedom
    folders = [
        run(made, f"{name}{seed}", value, lr0=lr0, seed=seed)
        for name, lr0, values in (("a", 0.1, two), ("b", 0.2, one))
        for seed, value in enumerate(values)
    ]
    claim, chance = told(*folders)
    assert claim == (
        "lr0=0.2 is best by mAP50-95 at the best epoch: 0.520 (n=3) in the mean over seeds, "
        "ahead of lr0=0.1 with 0.420 (n=3)."
    )
    half = 2.776445 * math.sqrt(2 * 0.02**2 / 3)  # t(0.975, 4)
    assert chance == (
        f"The difference of +0.100 [{0.1 - half:+.3f}, {0.1 + half:+.3f}] (95%, Welch's t over seeds) "
        "is more than the chance of the seeds."
    )
    (section,), _ = gather([str(folder) for folder in folders])
    cells = seeds.settings(section.entries, metrics.criterion(section).values)
    assert [(cell.title, cell.mean) for cell in cells] == [
        ("lr0=0.2", pytest.approx(0.52)),
        ("lr0=0.1", pytest.approx(0.42)),
    ]
    assert cells[0].spread == pytest.approx(0.02)


def test_too_few_seeds(made):
    folders = [run(made, f"a{s}", 0.5 + s / 8, seed=s) for s in (0, 1)] + [run(made, "b", 0.9, lr0=1)]
    claim, chance = told(*folders)
    assert claim.startswith("lr0=1 is best") and chance == "There are too few seeds to say whether that is chance."


def test_repeats_of_a_seed_are_one_seed(made):
    """They would narrow the interval, though they say nothing of other seeds."""
    values = {("a", 0): (0.5, 0.52), ("a", 1): (0.55,), ("b", 0): (0.4, 0.4), ("b", 1): (0.4,)}
    folders = [
        run(made, f"{name}{seed}{i}", value, lr0=name, seed=seed)
        for (name, seed), repeats in values.items()
        for i, value in enumerate(repeats)
    ]
    half = 12.706205 * math.sqrt(0.04**2 / 2 / 2)  # t(0.975, 1): only one of the two has a spread
    claim, chance = told(*folders)
    assert "0.530 (n=2)" in claim and "0.400 (n=2)" in claim
    assert f"+0.130 [{0.13 - half:+.3f}, {0.13 + half:+.3f}] (95%, Welch's t over seeds) may be chance" in chance
    assert told(*(folder for folder in folders if "1" not in folder.name[:2]))[1].startswith("Without intervals")


def test_a_run_that_goes_on(made):
    _, chance = told(run(made, "a", 0.5, epochs=9), run(made, "b", 0.75))
    assert chance.endswith("Not all is in: a still training or interrupted.")
