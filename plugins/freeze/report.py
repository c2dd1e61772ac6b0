"""The report of a freeze plan: a table in the log, ``freeze.json`` and ``freeze.png`` in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import nn
from ultralytics.utils import LOGGER

from tintbox import atomic, figures
from tintbox.errors import value_text
from tintbox.plugins.freeze import selection, selectors
from tintbox.plugins.freeze.plan import FreezePlan
from tintbox.plugins.wrappers import unwrap

FROZEN, TRAINED = "#c3c8ce", "#2a6fb0"
DPI = 120
HEADINGS = ("group", "layers", "parameters", "trained", "lr factor", "BatchNorm")


def report(trainer: Any, plan: FreezePlan) -> None:
    """Log the table of the run's first epoch; save the data and plot of all stages to the run's folder."""
    model, epochs, first = unwrap(trainer.model), trainer.epochs, trainer.start_epoch
    rows = group_rows(model, plan, first, epochs)
    LOGGER.info(f"\ntintbox: what trains in {selection.title(model)} from epoch {first + 1} of {epochs}")
    LOGGER.info("\n".join(table(rows)))
    for epoch, woken in plan.schedule(epochs):
        if not woken & plan.start:
            LOGGER.warning(f"unfreeze has no effect in epoch {epoch + 1}: what it selects is not frozen")
        elif epoch > first:
            LOGGER.info(f"Epoch {epoch + 1} will unfreeze {describe(model, woken & plan.frozen(epoch - 1, epochs))}")
    LOGGER.info("")
    never = plan.frozen(epochs, epochs)
    if trainer.args.lr_scale is not None and plan.factors and never.issuperset(plan.factors):
        LOGGER.warning(f"lr_scale={value_text(trainer.args.lr_scale)} has no effect: all of it stays frozen")
    folder = Path(trainer.save_dir)
    content = as_dict(model, plan, epochs, vars(trainer.args))
    atomic.write_text(folder / "freeze.json", json.dumps(content, indent=1))
    if trainer.args.plots:
        picture(model, plan, epochs, content["layers"], folder / "freeze.png")


def tell_woken(trainer: Any, plan: FreezePlan, woken: Iterable[str]) -> None:
    """Log what a stage of the schedule has unfrozen."""
    model = unwrap(trainer.model)
    left = sizes(model, plan.frozen(trainer.epoch, trainer.epochs))
    LOGGER.info(f"\ntintbox: epoch {trainer.epoch + 1} unfreezes {describe(model, woken)}; {left:,} stay frozen")


def sizes(model: nn.Module, names: Iterable[str]) -> int:
    """Return the number of elements in the named parameters."""
    chosen = set(names)
    return sum(p.numel() for name, p in model.named_parameters() if name in chosen)


def describe(model: nn.Module, names: Iterable[str]) -> str:
    """Describe parameters, e.g. ``1,234 parameters of neck and backbone (layers 3-8, 10)``."""
    chosen = set(names)
    holding = {layer for name, _ in model.named_parameters() if (layer := selection.layer_of(name)) is not None}
    touched = {selection.layer_of(name) for name in chosen}
    parts = []
    for group, layers in _parts(model).items():
        there = [layer for layer in layers if layer in holding]
        inside = [layer for layer in there if layer in touched]
        if inside:
            parts.append(group if inside == there else f"{group} (layers {_spans(inside, there)})")
    return f"{sizes(model, chosen):,} parameters" + (f" of {' and '.join(parts)}" if parts else "")


def _parts(model: nn.Module) -> dict[str, range]:
    """Return the groups that partition the layers: backbone, neck and head, or else ``all``."""
    known = selection.groups(model)
    return {name: layers for name, layers in known.items() if name != "all"} or known


def _spans(some: list[int], layers: list[int]) -> str:
    """Format some of the layers as ``0-4, 9``; a span may include layers without parameters."""
    spans: list[list[int]] = []
    for layer in some:
        if spans and layers.index(layer) == layers.index(spans[-1][-1]) + 1:
            spans[-1].append(layer)
        else:
            spans.append([layer])
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def group_rows(model: nn.Module, plan: FreezePlan, epoch: int, epochs: int) -> list[dict[str, Any]]:
    """Return a row per group: name, layers, parameters, those that train, learning-rate factors, frozen BatchNorms."""
    frozen = plan.frozen(epoch, epochs)
    still = plan.frozen_norms(frozen)
    rows = []
    for group, layers in _parts(model).items():
        names = [name for name in plan.names if selection.layer_of(name) in layers]
        norms = [norm for norm in plan.norms if selection.layer_of(norm) in layers]
        count, asleep = sizes(model, names), sizes(model, frozen.intersection(names))
        factors = sorted({plan.factors.get(name, 1.0) for name in names if name not in frozen})
        rows.append(
            {
                "group": group,
                "layers": [layers[0], layers[-1]],
                "parameters": count,
                "trained": count - asleep,
                "lr_factors": factors,
                "batchnorms": len(norms),
                "batchnorms_frozen": sum(norm in still for norm in norms),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the rows as lines of text with aligned columns."""
    lines: list[tuple[str, ...]] = [HEADINGS]
    for row in rows:
        low_high = sorted({f"{row['lr_factors'][i]:.3g}" for i in (0, -1)}, key=float) if row["lr_factors"] else ["-"]
        first, last = row["layers"]
        share = row["trained"] / row["parameters"] if row["parameters"] else 0.0
        lines.append(
            (
                row["group"],
                f"{first}-{last}" if last > first else str(first),
                f"{row['parameters']:,}",
                f"{100 * share:.1f}%",
                " to ".join(low_high),
                f"{row['batchnorms_frozen']} of {row['batchnorms']} frozen" if row["batchnorms"] else "none",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in lines]


def starts(plan: FreezePlan, epochs: int) -> list[int]:
    """Return the epochs in which the set of trained parameters changes, counted from 0 and starting with 0."""
    return sorted({0, *(epoch for epoch, woken in plan.schedule(epochs) if woken & plan.start)})


def layer_rows(model: nn.Module, plan: FreezePlan, epochs: int) -> list[dict[str, Any]]:
    """Return a row per layer: index, type, parameters, and how many of them train in each stage."""
    rows = []
    for index, layer in enumerate(model.model):  # type: ignore[arg-type]  # a sequence of layers
        names = {name for name in plan.names if selection.layer_of(name) == index}
        trained = [sizes(model, names - plan.frozen(epoch, epochs)) for epoch in starts(plan, epochs)]
        kind = type(layer).__name__
        rows.append({"layer": index, "type": kind, "parameters": sizes(model, names), "trained": trained})
    return rows


def as_dict(model: nn.Module, plan: FreezePlan, epochs: int, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the report as plain data; epochs count from 0."""
    stages = []
    for epoch in starts(plan, epochs):
        frozen = plan.frozen(epoch, epochs)
        groups = group_rows(model, plan, epoch, epochs)
        stages.append({"epoch": epoch, "groups": groups, "frozen": [name for name in plan.names if name in frozen]})
    return {
        "model": selection.title(model),
        "epochs": epochs,
        "arguments": {name: arguments.get(name) for name in selectors.ARGUMENTS},
        "stages": stages,
        "layers": layer_rows(model, plan, epochs),
    }


def picture(model: nn.Module, plan: FreezePlan, epochs: int, rows: list[dict[str, Any]], file: Path) -> None:
    """Draw a bar for each of `layer_rows`: what is frozen and trained by parameters and, with a schedule, by epochs."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    stages = [*starts(plan, epochs), epochs]
    many = len(stages) > 2
    figure = Figure(figsize=(10 if many else 7, 1.6 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots(1, 2 if many else 1, sharey=True, squeeze=False)[0]
    places = [row["layer"] for row in rows]
    frozen = [row["parameters"] - row["trained"][0] for row in rows]
    axes[-1].barh(places, frozen, color=FROZEN)
    axes[-1].barh(places, [row["trained"][0] for row in rows], left=frozen, color=TRAINED)
    axes[-1].set(xlabel="parameters" + (" (colours: first epoch)" if many else ""))
    axes[-1].xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if many:
        for stage, (first, last) in enumerate(pairwise(stages)):
            for row in rows:
                if row["parameters"]:  # trained fraction of the bar's height
                    share = row["trained"][stage] / row["parameters"]
                    bottom = row["layer"] - 0.4
                    axes[0].bar(first, 0.8 * share, last - first, bottom, align="edge", color=TRAINED)
                    rest = 0.8 * (1 - share)
                    axes[0].bar(first, rest, last - first, bottom + 0.8 * share, align="edge", color=FROZEN)
            axes[0].axvline(first, color="white", linewidth=1)
        axes[0].set(xlim=(0, epochs), xlabel="epochs", xticks=sorted({*stages}))
    labels = [f"{row['layer']} {row['type']}" for row in rows]
    axes[0].set_yticks(places, labels, fontsize=8)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    for name, layers in _parts(model).items():
        side = axes[-1].get_yaxis_transform()
        axes[-1].text(1.01, layers[0], name, transform=side, ha="left", va="center", fontsize=9)
        for axis in axes:
            axis.axhline(layers[0] - 0.5, color="0.7", linewidth=0.8)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    handles = [Patch(color=FROZEN, label="frozen"), Patch(color=TRAINED, label="trained")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(f"What trains in {selection.title(model)}")
    figures.save(figure, file, DPI)
