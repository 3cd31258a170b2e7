r"""A report in LaTeX: ``report.tex``, which compiles by itself, and each table in a file of its own for ``\input``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from vitamin.analysis.latex import PACKAGES, table_latex
from vitamin.analysis.latex_text import escape
from vitamin.analysis.report.blocks import Block, Bullets, Figure, Page, TableBlock, Text

REPORT: Final = "report.tex"
TABLES: Final = "tables"
_FLOATS_AT_ONCE: Final = 8  # LaTeX holds back a limited number
_CODE: Final = re.compile(r"`([^`]+)`")


def write_latex(page: Page, pictures: Mapping[str, Sequence[str]], folder: Path) -> tuple[Path, ...]:
    """Writes ``report.tex`` and ``tables/NAME.tex``; the same page gives the same bytes.

    Args:
        page: The content.
        pictures: For each figure the paths of its files, relative to ``folder``; the PDF is taken.
        folder: An existing folder.

    Returns:
        The files, the report first.
    """
    blocks = [block for section in page.sections for block in section.blocks if isinstance(block, TableBlock)]
    (folder / TABLES).mkdir(exist_ok=True)
    contents = {folder / REPORT: report_latex(page, pictures)}
    contents |= {folder / TABLES / f"{block.name}.tex": table_latex(block) for block in blocks}
    for path, content in contents.items():
        path.write_text(content, encoding="ascii", newline="\n")
    return tuple(contents)


def report_latex(page: Page, pictures: Mapping[str, Sequence[str]]) -> str:
    """The document that reads all tables and pictures; arguments as for `write_latex`."""
    lines = [
        r"\documentclass[a4paper,landscape]{article}",
        r"\usepackage[margin=15mm]{geometry}",
        *(rf"\usepackage{{{name}}}" for name in PACKAGES),
        r"\setlength{\parindent}{0pt}\setlength{\parskip}{0.6ex}",
        r"\begin{document}",
        rf"{{\LARGE {escape(page.title)}\par}}",
    ]
    for section in page.sections:
        lines.append(rf"\section{{{escape(section.title)}}}")
        lines += _blocks(section.blocks, pictures)
        lines.append(r"\clearpage")
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _blocks(blocks: Sequence[Block], pictures: Mapping[str, Sequence[str]]) -> Iterator[str]:
    floats = 0
    for block in blocks:
        match block:
            case Text():
                yield f"{_sentences(block.text)}\\par"
            case Bullets():
                if block.items:
                    items = "\n".join(rf"\item {{}}{_sentences(item)}" for item in block.items)
                    yield f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
            case TableBlock():
                floats += 1
                yield rf"\input{{{TABLES}/{block.name}}}"
            case Figure():
                floats += 1
                yield _figure(block, pictures.get(block.name, ()))
        if floats == _FLOATS_AT_ONCE:
            floats = 0
            yield r"\clearpage"


def _figure(figure: Figure, files: Sequence[str]) -> str:
    drawn = [file for file in files if file.endswith(".pdf")]
    picture = (
        rf"\includegraphics[width=\linewidth,height=0.78\textheight,keepaspectratio]{{{drawn[0]}}}"
        if drawn
        else _sentences(figure.alt)
    )
    caption = rf"\caption{{{escape(figure.title)}. {_sentences(figure.caption)}}}"
    return f"\\begin{{figure}}[!htbp]\n\\centering\n{picture}\n{caption}\n\\end{{figure}}"


def _sentences(text: str) -> str:
    """Plain text, in which ``code`` stands between backticks."""
    parts = _CODE.split(text)
    return "".join(
        rf"\texttt{{{escape(part)}}}" if number % 2 else escape(part) for number, part in enumerate(parts)
    )
