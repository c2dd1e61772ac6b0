"""The page in a real browser: Chromium, headless, that is allowed no network."""

import shutil

import pytest

from tintbox.report.command import report

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 20
READY = "document.querySelectorAll('.plot').length === document.querySelectorAll('.plot[data-ready]').length"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(detector, stock, trained, tmp_path_factory):
    """A report on two detectors and a colouriser, whose names would be HTML."""
    folder = tmp_path_factory.mktemp("runs") / "<script>document.title='broken'<b>"
    shutil.copytree(detector, folder)
    return report([str(folder), str(stock), str(trained)], out=tmp_path_factory.mktemp("page") / "report.html", n=2)


@pytest.fixture
def page(browser, file):
    """The page, opened; whatever it complains about or asks for fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, complaints, requests = context.new_page(), [], []
    opened.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(file.as_uri())
    wait_for(opened, READY)
    yield opened
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
    context.close()


def wait_for(page, condition):
    """Wait until an expression is true; Playwright's own waiting needs the `eval` that the page forbids itself."""
    for _ in range(SECONDS * 20):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within {SECONDS} s: {condition}")


def traces(page):
    """How many traces each figure of curves draws, by the figure's id."""
    count = "figures => Object.fromEntries(figures.map(f => [f.id, f.querySelectorAll('.scatterlayer .trace').length]))"
    return page.eval_on_selector_all(".plot[id*='-curve-']", count)


def until(page, expected):
    """Wait until the figures draw so many traces; Plotly draws one after the other."""
    for _ in range(SECONDS * 20):
        if (found := traces(page)) == expected:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within {SECONDS} s: {found}, expected {expected}")


def shown(page, run):
    """How many elements about a run are visible, and how many there are."""
    found = page.locator(f"main [data-run='{run}']").filter(visible=True)
    return found.count(), page.locator(f"main [data-run='{run}']").count()


def test_curves_are_drawn(page):
    found = traces(page)
    assert len([name for name in found if name.startswith("section-0-")]) >= 8
    assert len([name for name in found if name.startswith("section-1-")]) >= 5
    assert all(count > 0 for count in found.values()), found
    # Every trace is a line or points with a place on the page, not an empty group.
    empty = "g => g.getBBox().width + g.getBBox().height === 0 && !g.querySelector('.point')"
    assert page.eval_on_selector_all(".scatterlayer .trace", f"groups => groups.filter({empty}).length") == 0
    assert page.locator("#section-0-errors-bbox .barlayer .trace").count() == 1
    picture = page.screenshot(full_page=True)
    assert len(picture) > 100_000


def test_a_run_is_switched_off_and_on(page):
    before, (visible, there) = traces(page), shown(page, 0)
    others = shown(page, 1)[0]
    assert 0 < visible <= there  # rows in the folded arguments are there, and not visible
    box = page.locator("input[data-toggle='0']")
    box.uncheck()
    halved = {name: count / 2 if name.startswith("section-0-") else count for name, count in before.items()}
    until(page, halved)
    assert shown(page, 0)[0] == 0 and shown(page, 1)[0] == others
    box.check()
    until(page, before)
    assert shown(page, 0)[0] == visible


def test_the_legend_switches_too(page):
    legend = page.locator("#section-0-curve-0 .legend .traces").nth(1)
    legend.locator(".legendtoggle").click(force=True)
    wait_for(page, "!document.querySelector(\"input[data-toggle='1']\").checked")
    assert shown(page, 1)[0] == 0
    page.locator("#section-0-curve-0 .legend .traces").nth(1).locator(".legendtoggle").click(force=True)
    wait_for(page, "document.querySelector(\"input[data-toggle='1']\").checked")
    assert shown(page, 1)[0] > 0


def test_names_are_text(page):
    assert page.title().startswith("<script>document.title='broken'<b> against ")
    assert page.locator("label", has_text="<script>document.title='broken'<b>").count() == 1
    legend = page.locator("#section-0-curve-0 .legend .traces text").first
    assert legend.text_content() == "<script>document.title='broken'<b>"
    assert page.locator("#section-0-classes-bbox .ytick text").all_text_contents() == ["red", "<b>gr&een</b>"]


def test_dark_and_narrow(browser, file):
    context = browser.new_context(viewport={"width": 360, "height": 700}, color_scheme="dark")
    page = context.new_page()
    page.goto(file.as_uri())
    wait_for(page, READY)
    assert page.evaluate("document.documentElement.scrollWidth") == 360  # wide tables scroll in their own boxes
    ink = "getComputedStyle(document.querySelector('#section-0-curve-0 .xtick text')).fill"
    assert page.evaluate(ink) == "rgb(231, 234, 237)"
    page.emulate_media(color_scheme="light")
    wait_for(page, f"{ink} === 'rgb(27, 31, 36)'")
    context.close()
