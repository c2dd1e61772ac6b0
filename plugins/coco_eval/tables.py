"""The tables of evaluations and comparisons, as text and as HTML."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape as escape_html
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tintbox.errors import counted, escape_controls
from tintbox.plugins.coco_eval.bootstrap import ROUNDING, is_sure, least_support
from tintbox.plugins.coco_eval.metrics import IOU_THRESHOLDS, KEYS, METRICS, TITLES, Metric, column

if TYPE_CHECKING:
    from tintbox.plugins.coco_eval.comparison import Comparison
    from tintbox.plugins.coco_eval.errors.tide import Explanation
    from tintbox.plugins.coco_eval.evaluation import Evaluation

NONE, EQUAL = "n/a", "equal"
DIGITS, MOST_DIGITS = 3, 9  # decimals; more than DIGITS only for significant differences too small to show otherwise
CLASS_COLUMNS = ("AP", "AP50", "AP75", "AR100")  # in the logged table; the files have all twelve
HUGE = 1e6  # numbers from here on are shown in scientific notation
MOST_CLASSES = 30  # shown in a table; of more, only the ENDS at its top and at its bottom
ENDS = 10
LONGEST = 60  # maximum length of a class name in characters; longer ones are cut


@dataclass(frozen=True)
class Table:
    """Rows under headings, the first ``left`` columns left-aligned; a ``title`` above and a ``note`` below, if any."""

    headings: Sequence[str]
    rows: list[Sequence[str]] = field(repr=False)
    left: int = 1
    title: str = ""
    note: str = ""

    def text(self) -> str:
        """Return the table as text with aligned columns."""
        shown = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for i, heading in enumerate(self.headings):
            shown.add_column(Text(heading), justify="left" if i < self.left else "right", no_wrap=True)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        stream = io.StringIO()
        # In a notebook, rich would display the table immediately, ahead of the text that it belongs to.
        Console(file=stream, width=400, color_system=None, force_jupyter=False).print(shown)
        above, below = [self.title] if self.title else [], ["", self.note] if self.note else []
        return "\n".join([*above, *(line.rstrip() for line in stream.getvalue().splitlines()), *below])

    def html(self) -> str:
        """Return the table as HTML."""

        def row(cells: Sequence[str], tag: str) -> str:
            sides = ["left" if i < self.left else "right" for i in range(len(cells))]
            shown = (f'<{tag} style="text-align:{s}">{escape_html(c)}</{tag}>' for s, c in zip(sides, cells))
            return f"<tr>{''.join(shown)}</tr>"

        title, note = (f"<p>{escape_html(said)}</p>" if said else "" for said in (self.title, self.note))
        body = "".join(row(cells, "td") for cells in self.rows)
        return f"{title}<table><thead>{row(self.headings, 'th')}</thead><tbody>{body}</tbody></table>{note}"


def make_legible(name: str, most: int = LONGEST) -> str:
    """Return a class name on one line, without control characters and cut if it is too long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def meaning(metric: Metric) -> str:
    """Describe a metric, e.g. ``IoU 0.50:0.95, small, 100 detections``."""
    levels = IOU_THRESHOLDS[[0, -1] if metric.iou is None else [metric.iou]]
    iou = ":".join(f"{level:.2f}" for level in levels)
    return f"IoU {iou}, {metric.area}, {counted(metric.max_detections, 'detection')}"


def number(value: float, sign: str = "", digits: int = DIGITS) -> str:
    """Format a metric's value with three decimals or more, ``n/a`` if it is not finite."""
    if not math.isfinite(value):
        return NONE
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}{'f' if abs(value) < HUGE else 'g'}}"  # no -0.000


def span(bounds: np.ndarray, sign: str = "", digits: int = DIGITS) -> str:
    """Format an interval as ``[low, high]``; empty if there is none."""
    return "" if not np.isfinite(bounds).all() else f"[{', '.join(number(bound, sign, digits) for bound in bounds)}]"


def digits_of(bounds: np.ndarray) -> int:
    """Return how many decimals to show of a difference: if it excludes zero, enough that no bound is shown as zero."""
    if not is_sure(bounds):
        return DIGITS
    least = float(np.abs(bounds).min())
    return next((digits for digits in range(DIGITS, MOST_DIGITS) if round(least, digits)), MOST_DIGITS)


def text(found: Mapping[str, Evaluation], *, classes: bool = True) -> str:
    """Return the tables of evaluations by IoU type as text, with the class tables if ``classes``.

    What these leave out is said to be in coco.csv.
    """
    tables = (tables_of(evaluation, classes=classes, rest="coco.csv") for evaluation in found.values())
    parts = [table.text() for table in chain.from_iterable(tables)]
    return "\n" + "\n\n".join(parts) + "\n"


def html(found: Mapping[str, Evaluation]) -> str:
    """Return the tables of evaluations by IoU type as HTML."""
    return "".join(table.html() for evaluation in found.values() for table in tables_of(evaluation))


def tables_of(evaluation: Evaluation, *, classes: bool = True, rest: str = "") -> list[Table]:
    """Return the tables of an evaluation: the twelve numbers, the classes, and the errors.

    Of many classes, only the worst and the best are shown, above the numbers, which are what stays on a terminal; the
    others are in the file ``rest``.
    """
    head = f"COCO evaluation of {TITLES[evaluation.iou_type]}: {evaluation.images:,} images, "
    head += f"{sum(evaluation.truths):,} objects"
    if evaluation.settings.resamples:
        head += f"; {intervals_text(evaluation)}"
    rows: list[Sequence[str]] = [
        (metric.key, meaning(metric), number(value), span(bounds))
        for metric, value, bounds in zip(METRICS, evaluation.values, evaluation.intervals)
    ]
    found = [Table(("metric", "over", "value", "interval"), rows, left=2, title=head)]
    if classes and len(evaluation.names) > 1:
        found.append(_class_table(evaluation, rest))
    if evaluation.errors:
        found.append(_error_table(evaluation.errors))
    return [*found[1:], found[0]] if classes and len(evaluation.names) > MOST_CLASSES else found


def intervals_text(evaluation: Evaluation, drawn: str = "images") -> str:
    """Describe how the intervals were computed from what was ``drawn``, and from how few images there are none."""
    settings, least = evaluation.settings, least_support(evaluation.settings.level)
    few = ((evaluation.support > 0) & (evaluation.support < least)).any()
    none = f", none where fewer than {least} of them have an object" if few else ""
    return f"{100 * settings.level:g}% intervals from {settings.resamples:,} resamples of the {drawn}{none}"


def _class_table(evaluation: Evaluation, rest: str) -> Table:
    columns = [column(key) for key in CLASS_COLUMNS]
    rows: list[Sequence[str]] = [
        (make_legible(name), f"{count:,}", span(bounds[0]), *(number(values[i]) for i in columns))
        for name, count, values, bounds in zip(
            evaluation.names, evaluation.truths, evaluation.classes, evaluation.class_intervals
        )
    ]
    headings, title = ("class", "objects", "AP interval", *CLASS_COLUMNS), ""
    if len(rows) > MOST_CLASSES:
        order = _in_order(evaluation.classes[:, 0])
        first, last = order[:ENDS], order[ENDS:][-ENDS:]
        worst_and_best = f"the {len(first)} worst and the {len(last)} best of {len(rows):,} classes"
        title = f"AP of {TITLES[evaluation.iou_type]}: {worst_and_best}"
        others = sum(evaluation.truths) - sum(evaluation.truths[k] for k in (*first, *last))
        rows = _abbreviated(rows, first, last, rest, f"{others:,}")
    return Table(headings, rows, title=title)


def _in_order(values: np.ndarray) -> np.ndarray:
    """Return the places of the values that are not NaN, in ascending order."""
    return np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]  # NaN is last


def _abbreviated(
    rows: Sequence[Sequence[str]], first: np.ndarray, last: np.ndarray, rest: str, *more: str
) -> list[Sequence[str]]:
    """Return the first and the last rows, and between them how many others the file ``rest`` has, and ``more``."""
    left_out = f"... {len(rows) - len(first) - len(last):,} others" + (f": {rest}" if rest else "")
    cells = [left_out, *more]
    cells += [""] * (len(rows[0]) - len(cells))
    return [*(rows[k] for k in first), cells, *(rows[k] for k in last)]


def _error_table(errors: Explanation) -> Table:
    loss = errors.overall
    rows: list[Sequence[str]] = [(kind, number(gain), f"{loss.count[kind]:,}") for kind, gain in loss.gain.items()]
    return Table((f"error (AP50 {number(loss.ap)})", "AP50 to gain", "errors"), rows)


def comparison_text(comparison: Comparison) -> str:
    """Return the tables of a comparison as text; what they leave out is said to be in compare.csv."""
    return "\n" + "\n\n".join(table.text() for table in comparison_tables(comparison, "compare.csv")) + "\n"


def comparison_tables(comparison: Comparison, rest: str = "") -> list[Table]:
    """Return the tables of a comparison: the twelve numbers, and the AP of every class.

    Of many classes, only those that differ most are shown, above the numbers; the others are in the file ``rest``.
    """
    first, second = comparison.first, comparison.second
    names = [escape_controls(name) for name in comparison.names]
    head = f"{names[1]} against {names[0]}, {TITLES[first.iou_type]}: {first.images:,} images"
    if first.settings.resamples:
        head += "; " + intervals_text(first).replace("intervals", "intervals of the difference")
    columns = (*names, "difference", "interval", "verdict")
    values = zip(KEYS, first.values, second.values, comparison.values, comparison.intervals)
    numbers = Table(("metric", *columns), [_difference(*row) for row in values], title=head)
    if len(first.names) == 1:
        return [numbers]
    classes = zip(first.names, first.classes, second.classes, comparison.classes, comparison.class_intervals)
    rows = [_difference(make_legible(name), a[0], b[0], d[0], bounds[0]) for name, a, b, d, bounds in classes]
    rarely = round(1 / (1 - first.settings.level))
    note = f"Of classes that are equal in truth, about one in {rarely} is called better or worse."
    note *= any(row[-1] not in ("", EQUAL) for row in rows)
    if len(rows) <= MOST_CLASSES:
        return [numbers, Table(("AP of class", *columns), rows, note=note)]
    differences = comparison.classes[:, 0]
    most = _in_order(-np.abs(differences))[: 2 * ENDS]
    most = most[differences[most] != 0]
    title = f"AP of {TITLES[first.iou_type]}: the {len(most)} of {len(rows):,} classes that differ most"
    most = most[np.argsort(differences[most], kind="stable")]
    worse, better = np.split(most, [np.count_nonzero(differences[most] < 0)])
    shown = _abbreviated(rows, worse, better, rest)
    return [Table(("AP of class", *columns), shown, title=title, note=note), numbers]


def _difference(name: str, first: float, second: float, difference: float, bounds: np.ndarray) -> Sequence[str]:
    """Return one row of a comparison table."""
    digits = digits_of(bounds)
    shown = number(difference, "+", digits), span(bounds, "+", digits)
    return name, number(first), number(second), *shown, verdict(difference, bounds)


def verdict(difference: float, bounds: np.ndarray) -> str:
    """Return in words whether a difference is distinguishable from zero; empty if unknown."""
    if np.isnan(bounds).any():
        return ""
    if np.abs([difference, *bounds]).max() <= ROUNDING:
        return EQUAL
    if not is_sure(bounds):
        return "may be chance"
    return "better" if difference > 0 else "worse"
