"""The page in a browser: an installed Chromium, driven by Playwright. Without one these tests are skipped."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.analysis.example_page import HOSTILE, LABELS, TASKS, example_page, hostile_page
from vitamin.analysis.page import print_page, render_page
from vitamin.analysis.page.data import readable
from vitamin.analysis.page.printing import find_browser

pytestmark = [
    pytest.mark.skipif(
        find_browser() is None, reason="no Chromium or Chrome is installed: apt-get install chromium"
    ),
    pytest.mark.xdist_group("browser"),
]

CHARTS = ".chart"
LINES = """number => {
  const paths = document.querySelector("figure.curves .chart").querySelectorAll('path[stroke^="var(--method"]');
  return new Set([...paths].map(one => one.getAttribute("stroke"))).size === number;
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {
        "example": example_page(),
        "hostile": hostile_page(),
        "small": example_page(LABELS[:3], TASKS[:2], runs=110),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(render_page(page), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@dataclass
class Opened:
    """A page in the browser, and what it complained of and asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _open(context: BrowserContext, file: Path) -> Opened:
    opened = Opened(context.new_page())
    page = opened.page
    page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("dialog", lambda dialog: opened.errors.append(dialog.message))
    page.goto(file.as_uri())
    drawn = page.locator(f"{CHARTS} svg")
    expect(drawn).to_have_count(page.locator(CHARTS).count(), timeout=20_000)
    return opened


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    made = browser.new_context(
        **{"viewport": {"width": 1300, "height": 900}, **getattr(request, "param", {})}
    )
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, files: dict[str, Path]) -> Page:
    return _open(context, files["example"]).page


def _table(page: Page, name: str) -> Locator:
    return page.locator(f".block.table[data-name={name}]")


def _column(table: Locator, place: int) -> list[str]:
    return [text.strip() for text in table.locator(f"tbody tr > :nth-child({place})").all_inner_texts()]


@pytest.mark.parametrize("name", ["example", "hostile"])
def test_no_error_and_no_request(context: BrowserContext, files: dict[str, Path], name: str) -> None:
    opened = _open(context, files[name])
    assert opened.errors == []
    assert opened.requests == [files[name].as_uri()]
    assert opened.page.evaluate(OVERFLOW) == 0
    if name == "hostile":
        assert opened.page.locator("img").count() == 0
        assert opened.page.title().startswith("</script><script>document.title=")
        labels = opened.page.locator("#chooser label").all_inner_texts()
        assert " ".join(labels[0].split()) == " ".join(readable(HOSTILE).split())
        opened.page.locator("#chooser input").first.uncheck()
        assert _table(opened.page, "scores").locator("thead th:visible").count() == len(labels)
        opened.page.locator("figure.curves details.data summary").click()
        rows = opened.page.locator("figure.curves details.data tbody tr")
        expect(rows.first).to_be_visible()  # filled by the toggle event, which comes in its own time
        assert opened.errors == []


def test_sorting(page: Page) -> None:
    scores = _table(page, "scores")
    head = scores.locator("thead th").nth(1)
    button = head.get_by_role("button")
    assert head.get_attribute("aria-sort") is None
    button.click()
    values = [float(text.split()[0]) for text in _column(scores, 2)]
    assert values == sorted(values, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    button.press("Enter")
    assert [float(text.split()[0]) for text in _column(scores, 2)] == sorted(values)
    assert head.get_attribute("aria-sort") == "ascending"
    scores.locator("thead th").nth(0).get_by_role("button").click()
    assert _column(scores, 1) == sorted(TASKS)
    assert head.get_attribute("aria-sort") is None


def test_runs_are_sorted_and_filtered_beyond_those_shown(page: Page) -> None:
    runs = _table(page, "runs")
    assert runs.locator("tbody tr").count() == 15
    assert "1 to 15 of 250" in runs.locator(".pager").inner_text()
    runs.get_by_role("button", name="More rows").click()
    assert runs.locator("tbody tr").count() == 100
    assert runs.get_by_role("button", name="Fewer rows").evaluate("one => one === document.activeElement")
    runs.locator("thead th").nth(4).get_by_role("button").click()
    assert _column(runs, 5)[:3] == ["96.5", "96.5", "95.5"]
    field = runs.get_by_role("searchbox")
    field.fill("DIVERGED nan")
    assert runs.locator("tbody tr").count() == 5
    assert set(_column(runs, 4)) == {"diverged"}
    assert "5 of 250 rows" in runs.locator(".controls").inner_text()
    field.fill("no such run")
    assert runs.locator("tbody").inner_text().strip() == "No rows."
    field.fill("")
    runs.locator("thead th").nth(0).get_by_role("button").click()
    runs.get_by_role("button", name="Last").click()
    assert _column(runs, 1) == [f"run-{place:05}" for place in range(200, 250)]
    assert "201 to 250 of 250" in runs.locator(".pager").inner_text()
    assert runs.get_by_role("link", name="run-00249").get_attribute("href") == (
        "../runs/TD3%2BODT%20%28rl_coefficient%3D0.1%29/run-00249"
    )


def test_choosing_methods(page: Page) -> None:
    def expect_lines(number: int) -> None:
        page.wait_for_function(LINES, arg=number)  # Vega draws in its own time

    scores, summary, runs = (_table(page, name) for name in ("scores", "summary", "runs"))
    expect_lines(len(LABELS))
    page.get_by_label("ODT", exact=True).uncheck()
    assert scores.locator("thead th:visible").all_inner_texts()[1:3] == [LABELS[0], LABELS[2]]
    assert scores.locator("tbody tr").first.locator("> :visible").count() == len(LABELS)
    assert _visible(summary) == len(LABELS) - 1
    assert "ODT" not in _column(runs, 3)
    assert "200 of 250 rows" in runs.locator(".controls").inner_text()
    expect(page.locator("#count")).to_have_text("4 of 5")
    expect_lines(len(LABELS) - 1)
    page.get_by_role("button", name="None", exact=True).click()
    expect_lines(0)
    assert _visible(summary) == 0
    page.get_by_role("button", name="All", exact=True).press("Enter")
    expect_lines(len(LABELS))
    assert _visible(summary) == len(LABELS)


def _visible(table: Locator) -> int:
    return table.locator("tbody tr:visible").count()


def test_what_a_chart_says_where_it_is_pointed_at(page: Page) -> None:
    chart = page.locator("figure.curves .chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    for share in (0.5, 0.55):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 80)
    tip = page.locator("#vg-tooltip-element")
    expect(tip).to_be_visible()
    said = " ".join(tip.inner_text().split())
    assert re.search(r"environment steps [\d,]+ method \S+.* mean [\d.]+ interval [\d.]+ to [\d.]+ n 3", said)


def test_numbers_of_a_figure(page: Page) -> None:
    figure = page.locator("figure.improvement")
    figure.locator("details.data summary").click()
    rows = figure.locator("details.data tbody tr")
    expect(rows).to_have_count(
        len(LABELS) * (len(LABELS) - 1) // 2
    )  # filled by the toggle event, in its own time
    assert rows.first.locator("> *").all_inner_texts() == [
        "mujoco (4 tasks)", "TD3+ODT", "ODT", "0.6", "0.4", "0.8"
    ]  # fmt: skip


def test_light_and_dark(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('figure.curves .chart path[stroke-width=\"2\"]')).stroke"
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    light = page.evaluate(line)
    page.get_by_role("button", name="Dark page").click()
    assert page.evaluate(background) == "rgb(20, 24, 29)"
    assert page.evaluate(line) != light
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"  # the reader has chosen
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("context", [{"viewport": {"width": 375, "height": 812}}], indirect=True)
@pytest.mark.parametrize("name", ["example", "hostile"])
def test_phone(context: BrowserContext, files: dict[str, Path], name: str) -> None:
    page = _open(context, files[name]).page
    assert page.evaluate(OVERFLOW) == 0
    scroll = _table(page, "scores").locator(".scroll")
    assert scroll.evaluate("one => one.scrollWidth > one.clientWidth")
    chooser = page.locator("#chooser")
    assert not chooser.locator("fieldset").is_visible()
    chooser.locator("summary").click()
    chooser.locator("input").first.uncheck()
    assert page.evaluate(OVERFLOW) == 0
    page.keyboard.press("Escape")
    assert not chooser.locator("fieldset").is_visible()


def test_print(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 between its margins
    assert page.evaluate(OVERFLOW) == 0
    for hidden in ("aside", ".tools", ".controls >> nth=0", ".pager >> nth=0"):
        assert not page.locator(hidden).first.is_visible()
    wide = "all => all.filter(one => one.scrollWidth > one.parentElement.clientWidth + 1).length"
    assert page.locator("table").evaluate_all(wide) == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert _table(page, "runs").locator("tbody tr").count() == 250
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert _table(page, "runs").locator("tbody tr").count() == 15


def test_pdf(files: dict[str, Path], tmp_path: Path) -> None:
    pdf = print_page(files["example"], tmp_path / "report.pdf")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 5


@pytest.mark.parametrize(
    "context",
    [
        {"color_scheme": "light", "bypass_csp": True},
        {"color_scheme": "dark", "bypass_csp": True, "viewport": {"width": 375, "height": 812}},
    ],
    indirect=True,
    ids=["light and wide", "dark and narrow"],
)
def test_axe_finds_nothing_serious(context: BrowserContext, files: dict[str, Path]) -> None:
    page = _open(context, files["small"]).page
    page.locator("figure.improvement details.data summary").click()
    _table(page, "runs").get_by_role("searchbox").fill("diverged")  # fewer rows to look at
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], rule["help"], [node["html"][:200] for node in rule["nodes"][:3]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("#chooser input").first.focus()
    page.keyboard.press("Space")
    assert not page.locator("#chooser input").first.is_checked()
