"""Lays a report's blocks out as one HTML file."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from vitamin.analysis.page import figures, scripts, tables
from vitamin.analysis.page.data import readable, to_json
from vitamin.analysis.page.vega import Ink
from vitamin.analysis.report.blocks import Block, Bullets, Figure, Page, TableBlock, Text
from vitamin.analysis.styles import label_styles

LARGEST: Final = 5_000_000
"""Bytes of a page."""
_TEMPLATES: Final = Path(__file__).parent / "templates"
_CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Live:
    """That a page is served, and asks for changes.

    Attributes:
        version: Of this page; the server's ``version`` tells of a later one.
        every_s: Seconds between two questions.
    """

    version: str
    every_s: float


@dataclass(frozen=True)
class _Detail:
    """How much a page holds: single runs as lines, points of a curve, rows of a table."""

    runs: bool = True
    points: int = figures.POINTS
    rows: int | None = None


# From all to little, until the page is small enough.
_DETAILS: Final = (
    _Detail(),
    _Detail(runs=False),
    _Detail(runs=False, points=60),
    *(_Detail(runs=False, points=60, rows=rows) for rows in (10_000, 5000, 2000, 500, 100)),
    _Detail(runs=False, points=20, rows=100),
)


def render_page(page: Page, *, live: Live | None = None, largest: int = LARGEST) -> str:
    """The page as one HTML file, which loads nothing from anywhere.

    The same blocks give the same text. What would make it too large is left out, and the page says so: single runs
    in learning curves first, then points of curves, then rows of long tables.

    Args:
        page: What to show.
        live: For a page that is served while its content changes; it has no links to files then.
        largest: Bytes of the file at most.
    """
    html = ""
    longest = max(
        (len(block.table.rows) for block in _blocks(page) if isinstance(block, TableBlock)), default=0
    )
    for detail in _DETAILS:
        if detail.rows is not None and detail.rows >= longest and detail is not _DETAILS[-1]:
            continue  # leaves out nothing more
        html = _render(page, live, detail)
        if len(html.encode()) <= largest:
            break
    return html


def _render(page: Page, live: Live | None, detail: _Detail) -> str:
    draws = live is not None or _has_figures(page)  # a later content may have figures
    programs = [*([scripts.vega()] if draws else []), scripts.own()]
    inks = _inks(page.labels)
    return _environment().get_template("page.html.j2").render(
        page=page,
        title=readable(page.title),
        sections=list(_sections(page, inks, detail, links=live is None)),
        inks=list(inks.values()),
        styles=Markup(scripts.styles()),  # noqa: S704 (ours)
        colors=Markup(_colors(page.labels)),  # noqa: S704 (colors of ours)
        programs=[Markup(program) for program in programs],  # noqa: S704 (ours and Vega's)
        vega=scripts.vega_versions() if draws else "",
        policy=_policy(programs, is_live=live is not None),
        live=live,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = _prose
    environment.filters["json"] = to_json
    environment.filters["readable"] = readable
    return environment


def _prose(text: str) -> Markup:
    """Sentences; what stands between backticks is code."""
    parts = _CODE.split(readable(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def _has_figures(page: Page) -> bool:
    return any(isinstance(block, Figure) for block in _blocks(page))


def _blocks(page: Page) -> Iterator[Block]:
    return (block for section in page.sections for block in section.blocks)


def _inks(labels: tuple[str, ...]) -> dict[str, Ink]:
    """The ink of each label; the color is a variable of the style sheet."""
    styles = label_styles(labels)
    return {
        label: Ink(readable(label), f"var(--method-{place})", styles[label].dashes)
        for place, label in enumerate(labels)
    }


def _colors(labels: tuple[str, ...]) -> str:
    """The variables, on a light page and on a dark one."""
    styles = label_styles(labels)
    light, dark = (
        "".join(f"--method-{place}:{color};" for place, color in enumerate(colors))
        for colors in ([styles[label].color for label in labels], [styles[label].dark for label in labels])
    )
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}"
    )


def _policy(programs: list[str], *, is_live: bool) -> str:
    """The content security policy: these programs run, no other, and nothing is loaded."""
    hashes = " ".join(f"'{scripts.digest(program)}'" for program in programs)
    answer = " connect-src 'self';" if is_live else ""
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:;{answer} "
        "base-uri 'none'; form-action 'none'"
    )


def _sections(
    page: Page, inks: Mapping[str, Ink], detail: _Detail, *, links: bool
) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(1)
    methods = {label: place for place, label in enumerate(page.labels)}
    for section in page.sections:
        blocks = [_block(block, next(numbers), inks, methods, detail, links) for block in section.blocks]
        yield {"key": section.key, "title": readable(section.title), "blocks": blocks}


def _block(
    block: Text | Bullets | TableBlock | Figure,
    place: int,
    inks: Mapping[str, Ink],
    methods: Mapping[str, int],
    detail: _Detail,
    links: bool,
) -> dict[str, Any]:
    """The values for the template of the block."""
    match block:
        case Text():
            return {"kind": "text", "text": block.text}
        case Bullets():
            return {"kind": "bullets", "lines": block.items}
        case TableBlock():
            grid = tables.prepare(block.table, methods, most=detail.rows, links=links)
            return {"kind": "table", "id": f"block-{place}", "block": block, "grid": grid}
        case Figure():
            chart = figures.prepare(block, inks, runs=detail.runs, points=detail.points)
            return {
                "kind": "figure",
                "id": f"block-{place}",
                "block": block,
                "chart": chart,
                "methods": {readable(label): number for label, number in methods.items()},
            }
