r"""Tables in LaTeX, for pdflatex, with booktabs.

What is written is plain ASCII: a character without a command of LaTeX's own is written as its number. Needed are the
packages of ``PACKAGES``.
"""

import re
from typing import Final

from vitamin.analysis.latex_text import escape
from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import Cell, Table

PACKAGES: Final = ("booktabs", "graphicx", "longtable")

_TALLEST: Final = 40  # rows that fit one page
_LONGEST_COLUMN: Final = 40  # characters of a column that does not break its lines
_SIZES: Final = (
    (110, "small"),
    (150, "footnotesize"),
    (190, "scriptsize"),
)  # characters that fit a landscape page


def table_latex(block: TableBlock) -> str:
    r"""The table, to be read by ``\input``: title as its caption, below it what is said of it.

    A table that is wider than the line shrinks to it; one that is longer than a page goes on over the next,
    and is aligned once it was compiled twice.
    """
    label = re.sub(r"[^a-zA-Z0-9-]+", "-", block.name)
    heading = rf"\caption{{{escape(block.title)}}}\label{{tab:{label}}}"
    needed = f"% Needs {', '.join(PACKAGES)}.\n"
    if len(block.table.rows) > _TALLEST:
        return needed + _long(block, heading)
    lines = [
        r"\begin{table}[!htbp]",
        r"\centering",
        heading,
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{_columns(block.table)}}}",
        r"\toprule",
        _row(tuple(map(Cell, block.table.header))),
        r"\midrule",
        *map(_row, block.table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        *([_notes(block.caption)] if block.caption else []),
        r"\end{table}",
    ]
    return needed + "\n".join(lines) + "\n"


def _long(block: TableBlock, heading: str) -> str:
    table = block.table
    widths = [max(len(text) for text in column) for column in _texts(table)]
    size = next(
        (size for most, size in _SIZES if sum(min(width, _LONGEST_COLUMN) for width in widths) <= most),
        "tiny",
    )
    broken = [place for place, width in enumerate(widths) if width > _LONGEST_COLUMN]
    width = f"p{{{0.6 / len(broken) if len(broken) > 1 else 0.3:.2f}\\linewidth}}" if broken else ""
    columns = "".join(width if place in broken else kind for place, kind in enumerate(_columns(table)))
    header = _row(tuple(map(Cell, table.header)))
    lines = [
        rf"{{\{size}\setlength{{\tabcolsep}}{{3pt}}",
        rf"\begin{{longtable}}{{{columns}}}",
        rf"{heading}\\",
        rf"\toprule {header} \midrule \endfirsthead",
        rf"\toprule {header} \midrule \endhead",
        r"\bottomrule \endfoot",
        *map(_row, table.rows),
        r"\end{longtable}}",
        *([_notes(block.caption)] if block.caption else []),
    ]
    return "\n".join(lines) + "\n"


def _texts(table: Table) -> list[list[str]]:
    """The texts of each column, its head first."""
    rows = (tuple(cell.text for cell in row) for row in table.rows)
    return [list(column) for column in zip(table.header, *rows, strict=True)]


def _columns(table: Table) -> str:
    """Numbers to the right, texts to the left."""

    def is_number(place: int) -> bool:
        return place != 0 and any(row[place].value is not None for row in table.rows)

    return "".join("r" if is_number(place) else "l" for place in range(len(table.header)))


def _row(row: tuple[Cell, ...]) -> str:
    texts = [rf"\textbf{{{escape(cell.text)}}}" if cell.bold else escape(cell.text) for cell in row]
    first = f"{{}}{texts[0]}" if texts and texts[0][:1] in ("[", "*") else texts[0]  # else an option of \\
    return rf"{' & '.join([first, *texts[1:]])} \\"


def _notes(caption: str) -> str:
    return rf"\par\smallskip{{\footnotesize\raggedright {escape(caption.replace('`', ''))}\par}}"
