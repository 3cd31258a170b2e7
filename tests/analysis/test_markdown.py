import html
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vitamin.analysis import markdown
from vitamin.analysis.report.blocks import Bullets, Figure, Page, Section, TableBlock, Text
from vitamin.analysis.report.markdown import render_markdown
from vitamin.analysis.table import Cell, Table, to_markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("TD3+ODT, rl_coefficient=0.5", "TD3+ODT, rl_coefficient=0.5"),
        ("89.07 [80.00, 95.00] (+1.00)", "89.07 [80.00, 95.00] (+1.00)"),
        ("a|b `c` *d* _e_ ~~f~~", r"a\|b \`c\` \*d\* \_e\_ \~\~f\~\~"),
        ("<img src=x onerror=alert(1)> &lt;", "&lt;img src=x onerror=alert(1)> &amp;lt;"),
        ("p < 0.001 & more </b> <!-- x -->", "p < 0.001 & more &lt;/b> &lt;!-- x -->"),
        ("[x](javascript:alert)", r"[x\](javascript:alert)"),
        ("a\n\n# b", "a # b"),
        ("= 1. -", "= 1. -"),
        ("\\|", r"\\\|"),
    ],
)
def test_text_stands_for_itself(text: str, escaped: str) -> None:
    assert markdown.escape(text) == escaped


def rendered(source: str) -> str:
    """As a browser would show it; ``markdown-it`` comes with rich."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source)


ODD_TEXT = st.text(st.sampled_from("ab1 \\`*_~|<>[]()!#&;:/-+=.\n\t'\"{}$^@é−"), max_size=30)


@given(ODD_TEXT)
def test_a_renderer_shows_the_very_text(text: str) -> None:
    plain = " ".join(text.split())
    (cell,) = re.findall(r"<td>(.*?)</td>", rendered(to_markdown(Table(("x",), ((Cell(f"x{text}x"),),)))))
    assert "<" not in cell
    assert html.unescape(cell) == " ".join(f"x{text}x".split())
    (heading,) = re.findall(r"<h2>(.*?)</h2>", rendered(f"## x {markdown.escape(text)}."))
    assert html.unescape(heading) == f"x {plain}."
    if "`" not in text and plain:
        (paragraph,) = re.findall(r"\A<p>(.*)</p>\n\Z", rendered(markdown.paragraph(text)))
        assert html.unescape(paragraph) == plain


@given(ODD_TEXT, ODD_TEXT)
def test_a_link_is_one_link(text: str, target: str) -> None:
    shown = rendered(markdown.link(f"x{text}x", f"../{target}"))
    assert shown.count("<a ") == 1
    assert html.unescape(re.sub(r"<.*?>", "", shown)).strip() == " ".join(f"x{text}x".split())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("---", r"\---"),
        ("-1.00", "-1.00"),
        ("a - b", "a - b"),
    ],
)
def test_a_sentence_starts_no_list_and_no_heading(text: str, line: str) -> None:
    assert markdown.paragraph(text) == line


def test_code_between_backticks_stays_code() -> None:
    assert markdown.paragraph("Say `--at_steps <N>` twice* .") == r"Say `--at_steps <N>` twice\* ."
    assert markdown.paragraph("an odd ` backtick") == r"an odd \` backtick"


def test_bars_links_and_bold_in_cells() -> None:
    table = Table(("a|b",), ((Cell("c|d", bold=True),), (Cell("run]_1", link="../x y|<z>"),)))
    assert to_markdown(table).splitlines() == [
        r"| a\|b |",
        "| --- |",
        r"| **c\|d** |",
        r"| [run\]\_1](<../x y%7C%3Cz%3E>) |",
    ]


def page(name: str = "TD3") -> Page:
    table = TableBlock(
        "scores", "Final scores", Table(("Task", name), ((Cell(name), Cell("1.00")),)), "3 seeds each."
    )
    figure = Figure(
        "curves-mujoco", "curves", "Curves, MuJoCo", pd.DataFrame(), "Means.", f"Curves of {name}"
    )
    sections = (
        Section("verdict", "Verdict", (Text(f"{name} is best."), Bullets(("one", f"two {name}")))),
        Section("scores", "Final scores", (table,)),
        Section("curves", "Learning curves", (figure,)),
    )
    return Page("Report", sections, (name,))


def test_a_page_has_headings_tables_bullets_and_pictures() -> None:
    files = {"curves-mujoco": ("curves-mujoco.png", "curves-mujoco.svg", "curves-mujoco.pdf")}
    assert render_markdown(page(), files).splitlines() == [
        "# Report",
        "",
        "## Verdict",
        "",
        "TD3 is best.",
        "",
        "- one",
        "- two TD3",
        "",
        "## Final scores",
        "",
        "| Task | TD3 |",
        "| --- | --- |",
        "| TD3 | 1.00 |",
        "",
        "3 seeds each.",
        "",
        "## Learning curves",
        "",
        "### Curves, MuJoCo",
        "",
        "![Curves of TD3](<curves-mujoco.png>)",
        "",
        "Also as [curves-mujoco.svg](<curves-mujoco.svg>), [curves-mujoco.pdf](<curves-mujoco.pdf>).",
        "",
        "Means.",
    ]


def test_without_a_picture_its_text_stands_there() -> None:
    assert "\nCurves of TD3\n" in render_markdown(page(), {})


def test_odd_names_break_nothing(tmp_path: Path) -> None:
    name = "a|b <script>x</script>\n## c `d \udcff"
    text = render_markdown(page(name), {"curves-mujoco": ("c.png",)})
    assert "<script" not in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Report", "## Verdict", "## Final scores", "## Learning curves", "### Curves, MuJoCo"
    ]  # fmt: skip
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 3, 3]
    path = tmp_path / "report.md"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    assert "\\udcff" in path.read_text(encoding="utf-8")
