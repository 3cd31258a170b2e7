"""A report's page in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from vitamin.analysis import markdown
from vitamin.analysis.report.blocks import Block, Bullets, Figure, Page, Section, TableBlock, Text
from vitamin.analysis.report.notes import first_of
from vitamin.analysis.table import Table, to_markdown

MOST_ROWS: Final = 60
"""Of a table, and of a list: nobody reads more of a text file."""
_FILES: Final = {
    "comparisons": "`comparisons.csv`",
    "runs": "`runs.csv`",
    "aggregates": "`aggregates.csv`",
    "summary": "`scores.csv`",
    "scores": "`scores.csv`",
}


def render_markdown(page: Page, pictures: Mapping[str, Sequence[str]]) -> str:
    """The page: headings, sentences, tables with what is said of them, pictures with their texts.

    To be written with ``errors="backslashreplace"``: names of folders may be no UTF-8.

    Args:
        page: The content.
        pictures: For each figure the links to its files; the first is shown, the others can be had.
    """
    parts = [f"# {markdown.escape(page.title)}"]
    for section in page.sections:
        parts.append(f"## {markdown.escape(section.title)}")
        parts += [_block(block, section, pictures) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block, section: Section, pictures: Mapping[str, Sequence[str]]) -> str:
    heading = _heading(block.title, section) if isinstance(block, TableBlock | Figure) else ""
    return "\n\n".join(filter(None, (heading, render_block(block, pictures))))


def render_block(block: Block, pictures: Mapping[str, Sequence[str]]) -> str:
    """A block without its heading; arguments as for `render_markdown`."""
    match block:
        case Text():
            return markdown.paragraph(block.text)
        case Bullets():
            items = first_of(block.items, MOST_ROWS, "the HTML page")
            return "\n".join(f"- {markdown.paragraph(item)}" for item in items)
        case TableBlock():
            parts = [
                to_markdown(_first_rows(block.table)).rstrip("\n"),
                _rest(block),
                markdown.paragraph(block.caption),
            ]
        case Figure():
            parts = [_picture(block, pictures), markdown.paragraph(block.caption)]
    return "\n\n".join(part for part in parts if part)


def _first_rows(table: Table) -> Table:
    return replace(table, rows=table.rows[:MOST_ROWS]) if _is_cut(table) else table


def _rest(block: TableBlock) -> str:
    """How many rows are left out, and where they are."""
    if not _is_cut(block.table):
        return ""
    where = next((file for name, file in _FILES.items() if block.name.startswith(name)), "the HTML page")
    return f"… and {len(block.table.rows) - MOST_ROWS} more rows, in {where}."


def _is_cut(table: Table) -> bool:
    return len(table.rows) > MOST_ROWS + 1


def _heading(title: str, section: Section) -> str:
    """Of a block; none if the section's says the same."""
    return "" if title == section.title else f"### {markdown.escape(title)}"


def _picture(figure: Figure, pictures: Mapping[str, Sequence[str]]) -> str:
    files = pictures.get(figure.name, ())
    if not files:
        return markdown.paragraph(figure.alt)
    others = ", ".join(markdown.link(PurePosixPath(file).name, file) for file in files[1:])
    return markdown.image(figure.alt, files[0]) + (f"\n\nAlso as {others}." if others else "")
