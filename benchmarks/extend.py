"""Adding new classes to a detector, by several methods: AP of old, new and all classes, and the cost.

    python benchmarks/extend.py --model yolo11n.pt --old coco-val.yaml --new cards.yaml boards.yaml bccd.yaml
    python benchmarks/extend.py --model yolo11n.pt --old coco-val.yaml --new cards.yaml --small --seeds 0
    python benchmarks/extend.py --model yolo11n.pt --old coco-val.yaml --new boards.yaml --small --costs
    python benchmarks/extend.py --model yolo11n.pt --old coco-val.yaml --small --report --differences

`plain` fine-tunes the whole model; `freeze10` and `freeze` freeze its first ten layers, or backbone and neck; `pseudo`
trains on the new images with the old model's boxes added to the new labels; all others are values of `extend=`.
Datasets in `cards.yaml+boards.yaml` are added one after the other. The weights of the last epoch are validated. "All"
is both validation sets together; objects of one set's classes are not labelled in the other set's images.

``--costs`` measures milliseconds and seconds, which mean something only if nothing else runs: all methods take turns
on the first dataset, and the first epoch of a run is left out.

``--differences`` validates the runs' weights on the new classes once more, and prints the differences in AP from
`plain` of the same seed, with intervals over images and seeds. The peak memory is that of a run's process
until it is trained.

Every run is a folder with a ``result.json``; finished runs are kept, so a killed benchmark continues where it stopped.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import extend_data
import machine
import runs

METHODS: dict[str, dict[str, Any]] = {
    "original": {},
    "plain": {},
    "freeze10": {"freeze": 10},
    "freeze": {"freeze": ["backbone", "neck"]},
    "pseudo": {},
}
FORKS = ("head", "slim", "neck", "true", "backbone[5:]", "backbone[2:]")
RECIPE = {"optimizer": "AdamW", "lr0": 0.002, "nbs": 16, "warmup_bias_lr": 0.0}
SMALL = {"imgsz": 320, "epochs": 15, "batch": 16}
TURNS = 3  # of every method, in `time_alone`
ROUNDS = 15  # timed predictions of a model


def title(new: str) -> str:
    """Return the name of one dataset, or of several added one after the other."""
    return "+".join(Path(part).stem for part in new.split("+"))


def arguments(method: str) -> dict[str, Any]:
    """Return a method's training arguments."""
    return METHODS.get(method, {"extend": method == "true" or method})


def train(args: argparse.Namespace, method: str, data: str, seed: int, model: str, folder: Path) -> list[float]:
    """Train a method on one dataset; return the seconds of every epoch. The weights are in ``folder``."""
    from ultralytics import YOLO

    yolo, times = YOLO(model), []
    yolo.add_callback("on_train_epoch_start", lambda trainer: times.append([time.perf_counter()]))
    yolo.add_callback("on_train_epoch_end", lambda trainer: times[-1].append(time.perf_counter()))
    yolo.train(
        **{**RECIPE, **runs.settings(args.set), **arguments(method)}, data=data, epochs=args.epochs, imgsz=args.imgsz,
        batch=args.batch, seed=seed, workers=args.workers, plots=False, val=False, cache="ram",
        project=str(folder.parent), name=folder.name, exist_ok=True,
    )  # fmt: skip
    return [end - start for start, end in times]


def run(args: argparse.Namespace, method: str, new: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train a method on one dataset, or on several one after the other; return the validation results."""
    from ultralytics import YOLO

    parts, seconds, model = new.split("+"), [], args.model
    sets, every = extend_data.unions(args.old, parts, folder / "data")
    for i, data in enumerate(parts if method != "original" else []):
        trained = data
        if method == "pseudo":
            trained = extend_data.pseudo(model, data, every, folder / "data" / f"pseudo{i}", args.imgsz)
        seconds = train(args, method, trained, seed, model, folder / f"train{i}")
        model = str(folder / f"train{i}" / "weights" / "last.pt")
    result: dict[str, Any] = {"method": method, "new": new, "seed": seed}
    result["epoch"] = statistics.median(seconds) if seconds else None
    result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 if seconds else None  # GiB
    names = list(YOLO(model).names.values())
    for reconcile in (False, True) if "extend" in arguments(method) else (None,):
        more = {} if reconcile is None else {"reconcile": reconcile}
        if names == every[: len(names)]:
            found = {part: evaluate(args, model, data, folder / "val", **more) for part, data in sets.items()}
        else:  # it knows only the last dataset's classes, with their ids there
            found = {"old": [0.0, 0.0, 0.0], "new": evaluate(args, model, parts[-1], folder / "val"), "all": None}
        result["reconcile" if reconcile else "exact"] = found
    return {**result, **cost(model, args.imgsz)}


def evaluate(args: argparse.Namespace, model: str, data: str, folder: Path, **more: Any) -> list[float]:
    """Return COCO AP of a model on a dataset, and the bounds of its interval."""
    from ultralytics import YOLO

    found = YOLO(model).val(
        data=data, imgsz=args.imgsz, batch=args.batch, workers=args.workers, plots=False, verbose=False,
        coco_eval={"resamples": args.resamples, "explain": False}, project=str(folder), name="v", exist_ok=True, **more,
    ).coco["bbox"]  # fmt: skip
    return [float(found.values[0]), *(map(float, found.intervals[0]) if args.resamples else ())]


def cost(model: str, imgsz: int) -> dict[str, float]:
    """Return a model's GFLOPs at 640 pixels, its parameters, and milliseconds per image, fused, at batch size 1."""
    import torch
    from ultralytics import YOLO
    from ultralytics.utils.torch_utils import get_flops

    network = YOLO(model).model.eval()
    costs = {"GFLOPs": get_flops(network, 640), "parameters": sum(p.numel() for p in network.parameters())}
    network.fuse(verbose=False)
    x, times = torch.rand(1, 3, imgsz, imgsz), []
    with torch.inference_mode():
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            network(x)
            times.append(1000 * (time.perf_counter() - begin))
    return {**costs, "ms": statistics.median(times)}


def time_alone(args: argparse.Namespace) -> str:
    """Return the table of what prediction and training cost by method, in runs of a few epochs that take turns."""
    methods = [method for method in args.methods if method != "pseudo"]  # trains as `plain`, on more boxes
    epochs: dict[str, list[float]] = {method: [] for method in methods}
    images: dict[str, list[float]] = {method: [] for method in methods}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TURNS):
            for method in methods if turn % 2 == 0 else reversed(methods):
                model, place = args.model, Path(folder) / f"{method}-{turn}"
                if method != "original":
                    epochs[method] += train(args, method, args.new[0], turn, model, place)[1:]
                    model = str(place / "weights" / "last.pt")
                images[method].append(cost(model, args.imgsz)["ms"])
    rows = [[m, machine.spread(images[m]), machine.spread(epochs[m]) if epochs[m] else ""] for m in methods]
    return runs.tabulate(["method", "ms per image", "s per epoch"], rows)


def figures(results: list[dict], mode: str, part: str) -> str:
    """Return the AP of some runs in percent: mean and standard deviation, or for one run its interval."""
    found = [r[mode][part] for r in results if r.get(mode, {}).get(part)]
    if not found:
        return ""
    if len(found) > 1:
        return runs.mean([100 * ap[0] for ap in found])
    ap, *ends = (f"{100 * v:.1f}" for v in found[0])
    return f"{ap} ({' to '.join(ends)})" if ends else ap


def table(results: list[dict]) -> str:
    """Return the Markdown table of the runs on one dataset."""
    header = ["method", "n", "old AP", "new AP", "all AP", "GFLOPs", "parameters", "ms", "s an epoch", "GiB"]
    rows = []
    for method in dict.fromkeys(r["method"] for r in results):
        own = [r for r in results if r["method"] == method]
        one = own[0]
        costs = [f"{one['GFLOPs']:.1f}", f"{one['parameters'] / 1e6:.2f} M", f"{one['ms']:.0f}"]
        epochs = [r["epoch"] for r in own if r["epoch"]]
        costs.append(f"{statistics.median(epochs):.1f}" if epochs else "")
        peaks = [r["memory"] for r in own if r.get("memory")]
        costs.append(f"{statistics.median(peaks):.2f}" if peaks else "")
        for mode in ("exact", "reconcile"):
            if mode in one:
                aps = [figures(own, mode, part) for part in ("old", "new", "all")]
                title = method + (", reconcile" if mode == "reconcile" else "")
                rows.append([title, str(len(own)), *aps, *costs])
    return runs.tabulate(header, rows)


def differences(results: dict[str, dict], root: Path, datasets: dict[str, str]) -> str:
    """Return a line per method: the difference in new AP from `plain`, over all seeds that both have.

    Args:
        results: By name of the run's folder.
        root: Where these are.
        datasets: What is given as ``--new``, by its title.
    """
    from ultralytics import YOLO

    folders = {(r["new"], r["method"], r["seed"]): root / name for name, r in results.items()}
    for (new, method, _), folder in folders.items():
        if method != "original" and not (folder / "new" / "annotations.json").is_file():
            parts = datasets[new].split("+")
            YOLO(folder / f"train{len(parts) - 1}" / "weights" / "last.pt").val(
                data=parts[-1], plots=False, verbose=False, save_json=True, project=str(folder), name="new",
                coco_eval={"resamples": 0, "explain": False}, exist_ok=True,
            )  # fmt: skip
    lines = []
    for new, method in dict.fromkeys((new, method) for new, method, _ in folders):
        seeds = [seed for data, of, seed in folders if (data, of) == (new, method)]
        pairs = [(folders[new, method, seed], folders.get((new, "plain", seed))) for seed in seeds]
        pairs = [(ours, plain) for ours, plain in pairs if plain]
        if method not in ("original", "plain") and pairs:
            (value, *bounds), _ = runs.intervals(pairs, "new")
            lines.append(f"{new}, {method} - plain, {len(pairs)} seeds: {100 * value:+.1f} {runs.span(bounds)}")
    return "\n".join(lines)


def draw(results: list[dict], file: Path) -> None:
    """Plot new AP against GFLOPs of the forks, one line per dataset, and fine-tuning of the whole model as dashes.

    Bars are the standard deviations over seeds, where there are several.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    named: dict[str, float] = {}  # fork -> GFLOPs, of which the number of classes takes little
    for number, name in enumerate(dict.fromkeys(r["new"] for r in results)):
        found: dict[str, list[float]] = {}
        for r in results:
            if r["new"] == name and r["method"] != "original":
                found.setdefault(r["method"], []).append(100 * r["exact"]["new"][0])
        flops = {r["method"]: r["GFLOPs"] for r in results}
        forks = sorted((m for m in found if "extend" in arguments(m)), key=flops.__getitem__)
        means = {method: statistics.mean(aps) for method, aps in found.items()}
        spread = [statistics.stdev(found[m]) if len(found[m]) > 1 else 0 for m in forks]
        x, y, colour = [flops[m] for m in forks], [means[m] for m in forks], f"C{number}"
        axes.errorbar(x, y, spread, fmt="o-", color=colour, capsize=3, label=f"{name}: extend=")
        named.update({fork: flops[fork] for fork in forks})
        if "plain" in means:
            axes.axhline(means["plain"], color=colour, linestyle="--", label=f"{name}: fine-tuning, old classes lost")
    axes.secondary_xaxis("top").set_xticks([*named.values()], [*named])
    axes.margins(x=0.12)
    axes.set(xlabel="GFLOPs of the whole model at 640 pixels", ylabel="AP of the new classes, percent")
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=110)


def main() -> None:
    """Run the benchmark."""
    parser = runs.make_parser(__doc__, "runs/extend", epochs=50, imgsz=640, batch=16, resamples=1000)
    parser.add_argument("--model", default="yolo11n.pt", help="the trained checkpoint to extend")
    parser.add_argument("--old", required=True, help="a dataset YAML; its val split evaluates the old classes")
    parser.add_argument(
        "--new", nargs="+", default=["cards.yaml", "boards.yaml", "bccd.yaml", "cards.yaml+boards.yaml"]
    )
    parser.add_argument("--methods", nargs="+", default=[*METHODS, *FORKS], metavar="METHOD")
    parser.add_argument("--small", action="store_true", help=" ".join(f"--{k} {v}" for k, v in SMALL.items()))
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="training arguments for all methods")
    parser.add_argument("--workers", type=int, default=1, help="loader processes per run")
    parser.add_argument("--figure", type=Path, help="file for the plot of new AP against GFLOPs")
    parser.add_argument("--costs", action="store_true", help="only time prediction and three epochs of each method")
    parser.add_argument("--differences", action="store_true", help="print differences from `plain` with intervals")
    args = parser.parse_args()
    if args.small:
        vars(args).update(SMALL)
    print(machine.describe(), flush=True)
    if args.costs:
        args.epochs = 3
        print(f"\n{Path(args.model).stem}, {args.new[0]}, {args.imgsz} pixels; median (lowest to highest)\n")
        print(time_alone(args))
        return
    jobs = {}
    for new in args.new:
        for method in args.methods:
            for seed in args.seeds[: 1 if method == "original" else None]:
                what = [Path(args.model).stem, title(new), f"{args.epochs}x{args.imgsz}", *args.set, method, str(seed)]
                jobs[runs.folder_name(*what)] = partial(run, args, method, new, seed)
    found = runs.run_all(jobs, args, lambda name, r: f"{name}: new {figures([r], 'exact', 'new')}")
    found = {name: {**result, "new": title(result["new"])} for name, result in found.items()}
    results = list(found.values())
    if args.figure:
        draw(results, args.figure)
    for new in args.new:
        print(f"\n{Path(args.model).stem}, {new}, {args.epochs} epochs at {args.imgsz} pixels, AP in percent\n")
        print(table([r for r in results if r["new"] == title(new)]))
    if args.differences:
        print(f"\n{differences(found, args.root, {title(new): new for new in args.new})}")


if __name__ == "__main__":
    main()
