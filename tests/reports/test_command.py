"""`tintbox report` end to end: one self-contained page, and one line for a mistake."""

import html.parser
import re
import shutil

import pytest

from tintbox.errors import TintboxError
from tintbox.reports import command, curves
from tintbox.reports.command import LIMIT, report
from tintbox.reports.scripts import encode, plotly

from .conftest import section


class Reader(html.parser.HTMLParser):
    """Collects the elements of a page with their attributes, and its visible text."""

    def __init__(self):
        super().__init__()
        self.elements, self.words, self.inside = [], [], []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.words.append(data)

    def handle_endtag(self, tag):
        self.inside = None


def read(file):
    reader = Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader, " ".join(" ".join(reader.words).split())


@pytest.fixture(scope="module")
def page(detector, stock, trained, tmp_path_factory):
    """A report on a colouriser and two detectors with the same name, one of them stock."""
    out = tmp_path_factory.mktemp("page") / "new" / "report.html"
    return report([str(detector), str(stock), str(trained)], out=out, n=2)


def test_nothing_is_loaded_from_elsewhere(page):
    assert LIMIT > page.stat().st_size > 4_000_000  # Plotly alone is this large
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]
    reader, _ = read(page)
    for tag, attributes in reader.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base"), tag
        assert tag != "script" or "src" not in attributes
        for key, value in attributes.items():
            assert key not in ("src", "href", "srcset", "action") or value.startswith(("data:", "#")), (tag, key, value)
    text = page.read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in text
    assert text.count("* plotly.js v") == 1


def test_what_the_page_says(page, detector, stock):
    reader, text = read(page)
    assert "The runs are of 2 tasks, whose figures cannot be compared" in text
    assert "Detection: 2 runs" in text and "Colourisation: one run" in text
    first, second = (f"{folder.parent.name}/woken" for folder in (detector, stock))
    assert f"{second} is best by mAP50-95 at the best epoch: 0.125, ahead of {first}" in text
    assert f"{second}: no COCO evaluation" in text and f"{second}: no environment.json" in text
    for heading in ("Summary", "What differs", "Curves", "AP by class", "Errors", "Freeze schedule", "Images"):
        assert heading in text
    images = [attributes for tag, attributes in reader.elements if tag == "img"]
    assert len(images) == 2 * 3 + 2 * 3  # truth and two predictions; grey, truth and a prediction
    assert all(image["alt"] and image["src"].startswith("data:image/webp;base64,") for image in images)
    assert ("html", {"lang": "en"}) in reader.elements
    assert all("scope" in attributes for tag, attributes in reader.elements if tag == "th")


def test_texts_are_text(detector, copy, tmp_path):
    """Names of runs and classes, and values of arguments, that contain HTML."""
    evil = "<script>alert(1)<img src=x onerror=alert(2)>"
    run = copy(detector, evil, project='"><b onclick="alert(3)">', lr0="</script><script>alert(4)</script>")
    file = report([str(detector), str(run)], out=tmp_path / "r.html", pictures=False)
    reader, text = read(file)
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("script") == 3 and "b" not in tags and "img" not in tags
    assert not any(key.startswith("on") for _, attributes in reader.elements for key in attributes)
    assert evil in text and "<b>gr&een</b>" in text and "</script><script>alert(4)</script>" in text


def test_without_pictures(detector, tmp_path, monkeypatch):
    monkeypatch.setattr("tintbox.plugins.detector.load_detector", None)
    file = report([str(detector)], out=tmp_path / "r.html", pictures=False)
    reader, text = read(file)
    assert "Images" not in text and "img" not in [tag for tag, _ in reader.elements]


def test_only_results(made, tmp_path):
    """A folder with only args.yaml and results.csv is shown as far as possible."""
    run = made("bare", {"freeze": 10}, **{"metrics__mAP50-95(B)": [0.25, 0.5]})
    _, text = read(report([str(run)], out=tmp_path / "r.html"))
    assert "bare has mAP50-95 at the best epoch 0.500" in text
    assert "bare: no COCO evaluation" in text
    assert "bare: no images: data=gone.yaml: 'gone.yaml' does not exist" in text
    assert "bare: freeze=10; no freeze.json" in text
    assert "not recorded" in text


def test_the_limit_holds(detector, copy, tmp_path, monkeypatch):
    runs = [str(detector), str(copy(detector, "second"))]
    whole = report(runs, out=tmp_path / "whole.html").stat().st_size
    bare = report(runs, out=tmp_path / "bare.html", pictures=False).stat().st_size
    limit = bare + 50_000 + (whole - bare) // 8
    monkeypatch.setattr("tintbox.reports.command.LIMIT", limit)
    file = report(runs, out=tmp_path / "r.html")
    assert file.stat().st_size <= limit
    monkeypatch.setattr("tintbox.reports.command.LIMIT", bare)
    with pytest.raises(TintboxError, match=f"^2 runs .* more than {bare:,} bytes without .*; compare fewer runs"):
        report(runs, out=tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()


@pytest.mark.parametrize("early", [True, False])
def test_too_many_runs_are_told_with_how_many_fit(made, tmp_path, monkeypatch, early):
    """Before the work if the curves alone are too large."""
    runs = [str(made(f"r{i}", **{"metrics__mAP50-95(B)": [0.5, 0.25]})) for i in range(24)]
    figures = [(figure.data, figure.layout) for figure in curves.curves(section(*runs))]
    drawn = len(encode(figures)) + 24 * command.LEAST
    monkeypatch.setattr(command, "MARGIN", 0)
    monkeypatch.setattr(command, "LIMIT", len(plotly()) + (drawn // 2 if early else drawn + 1000))
    if early:
        monkeypatch.setattr("tintbox.reports.page.content", None)
    with pytest.raises(TintboxError, match=r"^24 runs would make .*; compare fewer runs, about [0-9]+ fit$") as caught:
        report(runs, out=tmp_path / "none.html", pictures=False)
    fitting = int(str(caught.value).split()[-2])
    assert fitting in (11, 12) if early else 0 < fitting < 24


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"out": "r.pdf"}, r"out=r.pdf: the page is HTML; give a file that ends in .html or .htm"),
        ({"out": "."}, r"out=. is a folder; give a file, e.g. report.html"),
        ({"out": "file/r.html"}, r"out=file/r.html: cannot be written \((File exists|Not a directory)\)"),
        ({"out": "/proc/r.html"}, r"out=/proc/r.html: cannot be written \(.*\)"),
        ({"n": 0}, r"n=0: give a whole number of 1 or more"),
        ({"seed": 1.5}, r"seed=1.5: give a whole number of 0 or more"),
        ({"conf": 2}, r"conf=2: give a number from 0 to 1"),
        ({"imgsz": [64, 8]}, r"imgsz=8: give a whole number from 32 to 4096"),
        ({"imgsz": 100000}, r"imgsz=100000: give a whole number from 32 to 4096"),
        ({"split": "foo"}, r"split=foo: no such split \(train, val, test, minival\)"),
        ({"split": "foo", "pictures": False}, r"split=foo: no such split .*"),
        ({"imgsz": []}, r"imgsz=\[\]: give a side in pixels, or \[height, width\]"),
        ({"images": []}, r"images=\[\]: the list is empty; name images, or leave it out"),
        ({"images": ["nosuch.png"]}, r"images=nosuch.png: no image of that name in split 'val' .*"),
        ({"pictures": "yes"}, r"pictures=yes: give true or false"),
        ({"folders": ["nosuch"]}, r"nosuch: no such folder"),
        ({"folders": []}, r"no runs are named; give .*"),
    ],
)
def test_mistakes(values, line, detector, tmp_path, monkeypatch):
    """Each gives one line, and an existing report stays unchanged."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "report.html").write_text("the last one")
    with pytest.raises(TintboxError) as error:
        report(**{"folders": [str(detector)], **values})
    assert re.fullmatch(line, str(error.value)), str(error.value)
    assert (tmp_path / "report.html").read_text() == "the last one"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "report.html"]


def test_a_full_disk_is_told_before_the_work(forked, tmp_path):
    """The process may not write files over a megabyte, so there is no room for the page."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "from pathlib import Path\n"
        "from tintbox.reports.command import check_room\n"
        "check_room(Path('report.html'))\n"
        "print('at work')\n"
    )
    (tmp_path / "report.html").write_text("the last one")
    done = forked("-c", code)
    assert "TintboxError: out=report.html: cannot be written (File too large)" in done.stderr and done.stdout == ""
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "the last one")]


def test_a_failure_leaves_nothing_behind(detector, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tintbox.reports.page.content", fail)
    with pytest.raises(KeyboardInterrupt):
        report([str(detector)], out=tmp_path / "r.html", pictures=False)
    assert list(tmp_path.iterdir()) == []


def test_the_run_folders_stay_as_they_are(detector, tmp_path):
    run = shutil.copytree(detector, tmp_path / "run")
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    report([str(run)], out=tmp_path / "r.html", n=1)
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before
