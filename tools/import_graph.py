"""Draw the layers and their imports, from the code itself: ``python tools/import_graph.py docs/architecture.svg``.

The layers are those of import-linter's contract in pyproject.toml, which `make check` enforces; the arrows are the
imports that grimp finds, including those inside functions. Arrows that a longer path implies are left out, and so are
imports of the base layer, which are always allowed. Needs Python 3.11 or later.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import grimp
import tomllib
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

REPO = Path(__file__).resolve().parent.parent
LAYERS = "Arrows point down"  # the contract's name
HIDDEN = {"__main__"}
COLOURS = {"plugins": "#d7ebe4", "other": "#e8e3f4", "base": "#eeeeee"}
WIDTH, HEIGHT, GAP = 1.9, 0.62, 1.1  # of a box, and distance of the rows, in inches
ASIDE = (0.4, -2.3, 2.4, -1.2, 0.6, 3.0, -3.2)


def layers() -> list[list[str]]:
    """Return the contract's rows, top to bottom, each with the names of its modules relative to ``tintbox``."""
    settings = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c["name"] == LAYERS)
    rows = [[name.strip() for name in row.replace("|", ":").split(":")] for row in contract["layers"]]
    return [row for row in rows if not set(row) <= HIDDEN]


def arrows(rows: list[list[str]]) -> tuple[dict[str, set[str]], dict[str, int]]:
    """Return the imports of each box, without the base layer, and its number of modules."""
    graph = grimp.build_graph("tintbox")
    boxes = {f"tintbox.{name}": name for row in rows for name in row}
    box_of = {}
    for module in graph.modules:
        parts = module.split(".")
        parents = [".".join(parts[:n]) for n in range(len(parts), 1, -1)]
        if box := next((boxes[parent] for parent in parents if parent in boxes), None):
            box_of[module] = box
    found: dict[str, set[str]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    for module, box in box_of.items():
        count[box] += 1
        imported = {box_of[other] for other in graph.find_modules_directly_imported_by(module) if other in box_of}
        found[box] |= imported - {box} - set(rows[-1])
    level = {name: number for number, row in enumerate(rows) for name in row}
    down = {box: {other for other in others if level[other] >= level[box]} for box, others in found.items()}
    up = {box: others - down[box] for box, others in found.items()}
    return {box: direct(box, down) | up[box] for box in found}, count


def direct(box: str, down: Mapping[str, set[str]]) -> set[str]:
    """Return the boxes that a box imports, without those that it also imports indirectly."""
    return down[box] - set().union(*(reach(other, down) for other in down[box]))


def reach(start: str, down: Mapping[str, set[str]]) -> set[str]:
    """Return everything that ``start`` imports, directly or indirectly; there are no cycles."""
    return down.get(start, set()).union(*(reach(other, down) for other in down.get(start, set())))


def draw(file: Path) -> None:
    """Write the picture."""
    rows = layers()
    imports, count = arrows(rows)
    rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tintbox", "font.family": "sans-serif"})
    figure = Figure(figsize=(10.5, GAP * len(rows)))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-5.25, 5.25), ylim=(-GAP * len(rows) + GAP / 2, GAP / 2), frame_on=False)
    axes.set_axis_off()
    place = {}
    for level, row in enumerate(rows[:-1]):
        for i, name in enumerate(row):
            # Rows with a single box are moved aside, so that most arrows pass them.
            aside = ASIDE[level % len(ASIDE)] if len(row) == 1 else 0
            apart = min(2.5, (10.3 - WIDTH) / max(1, len(row) - 1))
            place[name] = (aside + (i - (len(row) - 1) / 2) * apart, -GAP * level)
            text = f"{name.removeprefix('plugins.')}\n{count[name]} module{'s' * (count[name] > 1)}"
            box(axes, *place[name], text, name)
    base = f"base layer: {', '.join(sorted(rows[-1]))}"
    box(axes, 0, -GAP * (len(rows) - 1), base, "base", 9.5)
    for name, others in sorted(imports.items()):  # sorted, for a reproducible file
        for other in sorted(others):
            (x, y), (to_x, to_y) = place[name], place[other]
            up = to_y > y
            side = HEIGHT / 2 if up else -HEIGHT / 2
            axes.annotate(
                "", (to_x, to_y - side), (x, y + side), zorder=2,
                arrowprops={"arrowstyle": "->", "color": "#c05a2b" if up else "#5a6b78", "lw": 1.1,
                            "linestyle": "--" if up else "-", "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    figure.savefig(file, metadata={"Date": None})
    # The background stays opaque: a reader's theme changes the page's colours, but not the picture's.
    file.write_text("\n".join(line.rstrip() for line in file.read_text(encoding="utf-8").splitlines()) + "\n", "utf-8")


def box(axes: object, x: float, y: float, text: str, name: str, width: float = WIDTH) -> None:
    """Draw a box centred at (x, y), coloured by its folder."""
    kind = "base" if name == "base" else name.partition(".")[0]
    patch = FancyBboxPatch(
        (x - width / 2, y - HEIGHT / 2), width, HEIGHT, boxstyle="round,pad=0.02",
        facecolor=COLOURS.get(kind, COLOURS["other"]), edgecolor="#5a6b78", linewidth=0.8, zorder=3,
    )  # fmt: skip
    axes.add_patch(patch)  # type: ignore[attr-defined]
    axes.text(x, y, text, ha="center", va="center", fontsize=9, color="#22303a", zorder=4)  # type: ignore[attr-defined]


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
