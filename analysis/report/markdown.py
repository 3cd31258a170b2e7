"""A report's page in Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from vitamin.analysis import markdown
from vitamin.analysis.report.blocks import Block, Bullets, Figure, Page, Section, TableBlock, Text
from vitamin.analysis.table import to_markdown


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
    match block:
        case Text():
            return markdown.paragraph(block.text)
        case Bullets():
            return "\n".join(f"- {markdown.paragraph(item)}" for item in block.items)
        case TableBlock():
            parts = [
                _heading(block.title, section),
                to_markdown(block.table).rstrip("\n"),
                markdown.paragraph(block.caption),
            ]
        case Figure():
            parts = [
                _heading(block.title, section),
                _picture(block, pictures),
                markdown.paragraph(block.caption),
            ]
    return "\n\n".join(part for part in parts if part)


def _heading(title: str, section: Section) -> str:
    """Of a block; none if the section's says the same."""
    return "" if title == section.title else f"### {markdown.escape(title)}"


def _picture(figure: Figure, pictures: Mapping[str, Sequence[str]]) -> str:
    files = pictures.get(figure.name, ())
    if not files:
        return markdown.paragraph(figure.alt)
    others = ", ".join(markdown.link(PurePosixPath(file).name, file) for file in files[1:])
    return markdown.image(figure.alt, files[0]) + (f"\n\nAlso as {others}." if others else "")
