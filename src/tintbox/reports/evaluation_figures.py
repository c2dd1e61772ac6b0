"""The figures of COCO evaluations: AP by class, cost of errors, precision by recall."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tintbox.plugins.coco_eval.bootstrap import Estimate
from tintbox.plugins.coco_eval.metrics import TITLES
from tintbox.plugins.coco_eval.tables import number
from tintbox.reports.entries import Entry
from tintbox.reports.figures import Figure, as_json_numbers, colour, layout, quote, trace
from tintbox.reports.tables import parts_of

LEAST_GAIN = 0.05  # minimum AP range of the error and class axes, so that tiny values look tiny
CLASSES = 40  # maximum number in the figure; the table has all


def class_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return AP by class, a point with its interval per run; None if no run has a COCO evaluation."""
    found = parts_of(entries, kind)
    counts = {name: count for _, part in found for name, (count, _) in part.classes.items() if count}
    names = sorted(counts, key=lambda name: -counts[name])[:CLASSES]
    names = [name for name in counts if name in names]
    if not names:
        return None
    data = []
    for place, (entry, part) in enumerate(found):
        shift = (place - (len(found) - 1) / 2) * 0.6 / len(found)
        values = [part.classes[name][1] if name in part.classes else Estimate(math.nan) for name in names]
        bars = {
            "type": "data", "symmetric": False, "color": colour(entry), "thickness": 1.5, "width": 0,
            "array": as_json_numbers([max(v.high - v.value, 0.0) for v in values]),
            "arrayminus": as_json_numbers([max(v.value - v.low, 0.0) for v in values]),
        }  # fmt: skip
        y = [index + shift for index in range(len(names))]
        point = trace(entry, as_json_numbers([v.value for v in values]), y, mode="markers", error_x=bars)
        point["marker"] = {**point["marker"], "size": 8}
        texts = [f"{quote(name)}: {number(value.value)}" for name, value in zip(names, values)]
        data.append({**point, "text": texts, "hovertemplate": "%{text}"})
    shape = layout(
        f"AP of {TITLES[kind]}", 90 + len(names) * max(24, 9 * len(found)), hovermode="closest",
        showlegend=len(found) > 1, margin={"l": 44, "r": 12, "t": 36, "b": 40},
    )  # fmt: skip
    ticks = {"tickvals": list(range(len(names))), "ticktext": [quote(name) for name in names]}
    shape["yaxis"] |= {**ticks, "range": [len(names) - 0.5, -0.5], "zeroline": False}
    highs = [v.high if v.bounded else v.value for _, part in found for _, v in part.classes.values()]
    if not max((high for high in highs if math.isfinite(high)), default=0.0) > LEAST_GAIN:
        shape["xaxis"]["range"] = [0, LEAST_GAIN]  # nothing is found; Plotly's default range would be -1 to 1
    rest = f", the {CLASSES} with most objects" if len(counts) > CLASSES else ""
    label = f"AP of each class for {', '.join(entry.name for entry, _ in found)}; the table below has the numbers"
    return Figure(f"AP of {TITLES[kind]} by class{rest}", label, data, shape)


def error_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return bars of the cost of each kind of error; None if no run has it."""
    found = [(entry, part) for entry, part in parts_of(entries, kind) if part.errors]
    if not found:
        return None
    kinds = list(dict.fromkeys(error for _, part in found for error in part.errors))
    data = [
        {
            "type": "bar", "orientation": "h", "name": quote(entry.name), "meta": entry.index,
            "legendgroup": str(entry.index), "marker": {"color": colour(entry)}, "y": [quote(k) for k in kinds],
            "x": as_json_numbers([part.errors.get(error, (math.nan, 0))[0] for error in kinds]),
        }
        for entry, part in found
    ]  # fmt: skip
    measure = found[0][1].measure
    shape = layout(f"{measure} to gain", 110 + len(kinds) * max(24, 10 * len(found)), hovermode="closest")
    shape["yaxis"] |= {"autorange": "reversed"}
    most = max([LEAST_GAIN, *(gain for _, part in found for gain, _ in part.errors.values() if math.isfinite(gain))])
    shape["xaxis"] |= {"range": [0, 1.05 * most], "tickformat": "~g"}
    label = f"{measure} to gain without errors of a kind for {', '.join(entry.name for entry, _ in found)}"
    return Figure("What each kind of error costs", label, data, shape)


def precision_figure(entries: Sequence[Entry], kind: str) -> Figure | None:
    """Return precision by recall at IoU 0.5, averaged over classes; None if no run has it."""
    found = [(entry, part) for entry, part in parts_of(entries, kind) if part.precision]
    if not found:
        return None
    data = [trace(e, as_json_numbers(part.recall), as_json_numbers(part.precision), mode="lines") for e, part in found]
    shape = layout("recall", 320)
    shape["yaxis"] |= {"range": [0, 1.02]}
    label = f"Precision by recall for {', '.join(entry.name for entry, _ in found)}"
    return Figure("Precision by recall, IoU 0.5, mean over classes", label, data, shape)
