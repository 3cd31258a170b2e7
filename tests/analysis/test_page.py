"""A report as one HTML file: what is in it, whatever the names are, and how large it becomes."""

import itertools
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.analysis.example_page import HOSTILE, LABELS, TASKS, example_page, hostile_page
from vitamin.analysis.page import Live, figures, print_page, render_page, tables
from vitamin.analysis.page.data import column, number, readable, texts, to_json
from vitamin.analysis.report.blocks import Figure, Page, Section, TableBlock
from vitamin.analysis.table import Cell, Table
from vitamin.errors import ReportError


class _Parts(HTMLParser):
    """Tags with their attributes, data of scripts, and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[Any] = []
        self.programs: list[str] = []
        self.text = ""
        self._inside: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = "data" if dict(attrs).get("type") == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "data":
            self.data.append(json.loads(data))
        elif self._inside == "script":
            self.programs.append(data)
        elif self._inside is None:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(example_page())


def test_everything_is_inside(html: str) -> None:
    parts = _Parts(html)
    assert {tag for tag, _ in parts.tags}.isdisjoint({"link", "img", "iframe", "object", "base", "form"})
    assert not any("src" in attributes for _, attributes in parts.tags)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)))
    policy = next(tag["content"] for tag in parts.all("meta") if "http-equiv" in tag)
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy


def test_structure(html: str) -> None:
    parts = _Parts(html)
    assert len(parts.all("h1")) == 1
    assert [tag["id"] for tag in parts.all("h2")] == ["summary", "scores", "statistics", "curves", "runs"]
    links = {tag["href"] for tag in parts.all("a")}
    assert {"#content", "#summary", "#scores", "#statistics", "#curves", "#runs"} <= links
    ids = [attributes["id"] for _, attributes in parts.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(parts.all("caption")) == len(parts.all("table")) == 3
    assert all("scope" in tag for tag in parts.all("th"))
    assert len([tag for tag in parts.all("input") if tag["type"] == "checkbox"]) == len(LABELS)
    assert "as --final last takes them" in parts.text


def test_the_same_blocks_give_the_same_text(html: str) -> None:
    assert render_page(example_page()) == html


def test_numbers_of_a_figure(html: str) -> None:
    curves = next(data for data in _Parts(html).data if data.get("kind") == "curves")
    frame = next(
        block.frame
        for section in example_page().sections
        for block in section.blocks
        if isinstance(block, Figure) and block.kind == "curves"
    )
    assert curves["panels"] == list(TASKS)
    columns = curves["rows"]["columns"]
    assert columns["env_steps"] == frame["env_steps"].tolist()
    assert columns["mean"] == pytest.approx(frame["mean"].tolist(), rel=5e-5)
    assert [TASKS[place] for place in curves["rows"]["at"]] == frame["task"].tolist()


def test_hostile_names() -> None:
    html = render_page(hostile_page())
    parts = _Parts(html)
    assert len(parts.programs) == 2
    assert not parts.all("img")
    html.encode()
    seen = " ".join(readable(HOSTILE).split())
    assert seen.endswith("\\u202e\\x00\\udcff`")
    assert " ".join(parts.text.split()).count(seen) > 20
    assert parts.data[-1]["columns"][1]["texts"]["of"] == [readable(HOSTILE), f"{readable(HOSTILE)} 2"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0, 1), (200_000, 200_000), (12.345678, 12.346), (-0.000123456, -0.00012346), (123456.78, 123460),
     (float("nan"), None), (float("-inf"), None), (None, None), (1e300, 1e300)],
)  # fmt: skip
def test_number(value: float | None, shown: float | None) -> None:
    assert number(value) == shown
    json.loads(to_json([number(value)]))


def test_texts_are_folded_where_many_are_equal() -> None:
    assert texts(["a", "b", "a", "a", "b"]) == {"of": ["a", "b"], "at": [0, 1, 0, 0, 1]}
    assert texts(["a", "b"]) == ["a", "b"]
    assert column(pd.Series(["a", None], dtype=object)) == ["a", ""]
    assert column(pd.Series([1.5, float("nan")])) == [1.5, None]


def test_json_ends_no_script() -> None:
    text = to_json({"</script><!--": "&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script><!--": "&\u2028"}


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("runs/a b/metrics.jsonl", "runs/a%20b/metrics.jsonl"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("../x?y#z", "../x%3Fy%23z"),
        ("#runs", "#runs"),
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (os.fsdecode(b"a\xff"), "a%FF"),
    ],
)
def test_links(link: str, address: str) -> None:
    assert tables.address(link) == address


def test_long_tables_have_their_first_rows_and_the_others_as_data() -> None:
    rows = tuple((Cell(f"run {place}", value=place),) for place in range(250))
    grid = tables.prepare(Table(("run",), rows), {})
    assert len(grid.rows) == 100
    assert grid.content is not None
    assert grid.content["columns"][0]["values"] == list(range(250))
    assert tables.prepare(Table(("run",), rows[:100]), {}).content is None


def test_curves_are_thinned_evenly_with_both_ends() -> None:
    frame = pd.DataFrame(
        {
            "task": "t",
            "label": "m",
            "env_steps": range(1000),
            "mean": 0.0,
            "low": 0.0,
            "high": 0.0,
            "seeds": 3,
        }
    )
    chart = figures.prepare(Figure("f", "curves", "", frame, "", ""), {}, points=50)
    steps = chart.content["rows"]["columns"]["env_steps"]
    assert (steps[0], steps[-1]) == (0, 999)
    assert 45 <= len(steps) <= 51
    assert max(after - before for before, after in itertools.pairwise(steps)) <= 22
    assert chart.notes == ("At most 50 points of a curve are drawn.",)


def test_a_large_page_leaves_out_single_runs_first_and_then_rows() -> None:
    page = example_page(runs=3000, steps=40)
    whole = render_page(page)
    size = len(whole.encode())
    assert "Single runs are not drawn" not in whole
    smaller = render_page(page, largest=size - 1)
    assert len(smaller.encode()) < size
    assert "Single runs are not drawn" in smaller
    assert "are in <code>runs.csv</code>" not in smaller
    least = render_page(page, largest=1)
    assert "At most 20 points of a curve are drawn" in least
    assert "the other 2900 are in <code>runs.csv</code>" in least


def test_ten_thousand_runs_fit() -> None:
    labels = tuple(f"TD3+ODT (rl_coefficient={place / 10})" for place in range(10))
    tasks = tuple(f"task-{place}" for place in range(30))
    html = render_page(example_page(labels, tasks, runs=10_000, steps=200))
    assert len(html.encode()) < 5_000_000
    grid = next(tag for tag in _Parts(html).all("div") if tag.get("data-name") == "runs")
    assert grid["data-rows"] == "10000"


def test_a_served_page_asks_its_server_and_has_no_links_to_files() -> None:
    empty = Page("Results", (Section("waiting", "Results", ()),), ())
    html = render_page(empty, live=Live("7", 2.0))
    parts = _Parts(html)
    assert parts.all("body")[0]["data-version"] == "7"
    assert "connect-src 'self'" in (parts.all("meta")[1]["content"] or "")
    assert len(parts.programs) == 2  # Vega comes too, for figures that come later
    page = render_page(example_page(), live=Live("7", 2.0))
    assert all((tag["href"] or "").startswith("#") for tag in _Parts(page).all("a"))


def test_a_page_without_figures_holds_no_vega() -> None:
    table = TableBlock("t", "T", Table(("a",), ((Cell("1"),),)))
    html = render_page(Page("Results", (Section("s", "S", (table,)),), ()))
    assert len(html) < 60_000
    assert "Vega" not in _Parts(html).text


def test_printing_without_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.analysis.page.printing.find_browser", lambda: None)
    with pytest.raises(ReportError, match=r"apt-get install chromium"):
        print_page(tmp_path / "report.html", tmp_path / "report.pdf")


def test_printing_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.analysis.page.printing.find_browser", lambda: "/bin/false")
    with pytest.raises(ReportError, match=r"did not print .*exit code 1"):
        print_page(tmp_path / "report.html", tmp_path / "report.pdf")


def test_an_ablation_by_names_has_an_ordinal_axis() -> None:
    row = {"task": "t", "method": "ODT", "x_name": "model", "z_name": "", "z": "", "mean": 1.0}
    frame = pd.DataFrame([row | {"x": name, "low": 0.5, "high": 1.5, "seeds": 3} for name in ("gpt", "lstm")])
    figure = Figure("ablation", "ablation", "", frame, "", "")
    assert figures.prepare(figure, {}).content["spec"]["encoding"]["x"]["type"] == "ordinal"
    numbered = replace(figure, frame=frame.assign(x=["0.5", "1"]))
    content = figures.prepare(numbered, {}).content
    assert content["spec"]["encoding"]["x"]["type"] == "quantitative"
    assert content["rows"]["columns"]["x"] == [0.5, 1]
