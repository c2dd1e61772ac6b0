"""The assignment's report: ``assignment.md`` and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tintbox import atomic
from tintbox.assignment import figures, tables
from tintbox.assignment.plan import FULL, KERNELS, PARTS, Plan
from tintbox.assignment.published import NETWORKS
from tintbox.run_folder import RunFolder

REPORT = "report.html"  # written by `tintbox report`


class Page:
    """A Markdown page under construction, and the folder of its figures."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.parts = folder, list[str]()
        (folder / "figures").mkdir(parents=True, exist_ok=True)

    def add(self, *texts: str) -> None:
        """Add paragraphs."""
        self.parts += texts

    def figure(self, name: str, what: str) -> Path:
        """Add a figure, and return the path for its file."""
        self.add(f"![{what}](figures/{name})")
        return self.folder / "figures" / name

    def save(self) -> Path:
        """Write the page."""
        file = self.folder / "assignment.md"
        atomic.write_text(file, "\n\n".join(self.parts) + "\n")
        return file


def write(
    folder: Path,
    plan: Plan,
    parts: str,
    runs: Mapping[str, Mapping[str, RunFolder]],
    before: tuple[float, float] | None,
) -> Path:
    """Write the report into the studies' folder, and return its Markdown file.

    ``runs`` is name of the study -> varied value -> its run; ``before`` is the detector's mAP50 and mAP50-95 before
    fine-tuning.
    """
    page = Page(folder)
    published = plan.data == FULL.data and plan.epochs == FULL.epochs and plan.batch == FULL.batch
    some = next(run for group in runs.values() for run in group.values())
    page.add(
        "# The assignment",
        f"{plan.data}, {plan.epochs} epochs, batches of {plan.batch}, seed {plan.seed}; the assignment's protocol "
        "(`recipe-seed.yaml`). Figures are the last epoch's, of the averaged weights that Ultralytics validates.",
        environment(some),
        f"[{REPORT}]({REPORT}) has the same runs with curves to look into.",
    )
    if not published:
        page.add(
            "The assignment's own figures are of other data or settings than these, so they do not stand beside them."
        )
    networks = runs.get("networks", {})
    for letter, network in zip("ABC", NETWORKS.values()):
        if letter in parts:
            page.add(f"## Part {letter}: {PARTS[letter]}")
            network_part(page, network, networks, published=published)
            if letter == "A":
                page.add("How large it is, and what doubling the side of the image does to it:", tables.complexity())
            if letter == "B":
                studies_part(page, plan, runs)
    if "D" in parts and before:
        detector_part(page, plan, runs["detector"]["run"], before)
    return page.save()


def environment(run: RunFolder) -> str:
    """Return the versions and hardware of a run in one line."""
    found = run.environment
    versions = ", ".join(f"{name} {version}" for name, version in found.get("versions", {}).items())
    processor, cores = found.get("processor", "unknown processor"), found.get("cores", "?")
    return f"{versions}; {processor}, {cores} cores, {found.get('device', '')}"


def network_part(page: Page, network: str, networks: Mapping[str, RunFolder], *, published: bool) -> None:
    """Add a network's curves and images, and its comparison with the previous networks."""
    names = list(NETWORKS.values())
    run = networks[network]
    figures.learning(
        page.figure(f"{network}.png", f"loss and accuracy of {network} by epoch"), run, network, published=published
    )
    page.add("Images of the validation split: grey, truth in palette colours, prediction.")
    samples = sorted((run.folder / "samples").glob("*.png"))
    if samples:
        target = page.figure(f"{network}-pictures.png", f"what {network} paints")
        atomic.write_bytes(target, samples[-1].read_bytes())
    before = {name: networks[name] for name in names[: names.index(network) + 1] if name in networks}
    page.add(tables.networks(before, published=published))
    if len(before) > 1:
        other = list(before)[-2]
        page.add(sentence(network, run, other, before[other]))
    if len(before) == len(NETWORKS):
        file = page.figure("networks.png", "validation loss and accuracy of the three networks by epoch")
        figures.comparison(file, before, published=published)


def sentence(network: str, run: RunFolder, other: str, beside: RunFolder) -> str:
    """Return a sentence that compares two networks after the last epoch."""
    (loss, accuracy), (loss_before, accuracy_before) = tables.last_values(run), tables.last_values(beside)
    points = 100 * (accuracy - accuracy_before)
    higher, lower = f"{abs(points):.1f}", f"{abs(loss - loss_before):.3f}"
    place = (
        "as accurate as" if float(higher) == 0 else f"{higher} points of accuracy {'above' if points > 0 else 'below'}"
    )
    way = "equal" if float(lower) == 0 else f"{lower} {'lower' if loss < loss_before else 'higher'}"
    return f"{network} is {place} {other}, and its loss {way}; one seed each."


def studies_part(page: Page, plan: Plan, runs: Mapping[str, Mapping[str, RunFolder]]) -> None:
    """Add Part B's studies: kernels and batch sizes."""
    kernels = {"3": runs["networks"]["ConvTransposeNet"]}
    kernels |= {str(k): runs["kernels"][f"colorize-convt-k{k}"] for k in KERNELS}
    batches = runs["batches"]
    best = max(batches, key=lambda size: tables.last_values(batches[size])[1])
    page.add(
        "### Kernels",
        "The side of the convolutions' kernels; their padding keeps the output as large as the input.",
        tables.effect_of("kernel", kernels),
        "### Batch size",
        f"The same {plan.epochs} epochs at the same learning rate, so that a larger batch takes fewer steps.",
        tables.effect_of("batch", batches),
        f"Batches of {best} end with the greatest accuracy.",
    )
    source = page.folder / "batches" / "batch.png"
    if source.is_file():
        target = page.figure("batches.png", "validation loss and accuracy against the batch size")
        atomic.write_bytes(target, source.read_bytes())


def detector_part(page: Page, plan: Plan, run: RunFolder, before: tuple[float, float]) -> None:
    """Add Part D: the fine-tuned detector and its predictions."""
    from tintbox.reports.show import show

    name = Path(plan.weights).name if plan.weights else "a detector trained on the same images"
    page.add(
        f"## Part D: {PARTS['D']}",
        f"{name} on {plan.detection} at {plan.detection_size} pixels: the first ten layers frozen, the classification "
        "BCE among the losses (`recipe-assignment.yaml`).",
        tables.detector(before, run, published=plan.detection == FULL.detection),
    )
    file = page.figure("detector.jpg", "labelled boxes on the left, predicted ones on the right")
    weights = run.weights
    if weights:
        show(weights, plan.detection, n=2, imgsz=plan.detection_size, seed=plan.seed, out=file)
