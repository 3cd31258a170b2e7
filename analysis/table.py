"""A table as people read it, whatever it is laid out in: Markdown, HTML, LaTeX or a terminal."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from vitamin.analysis import markdown

NOTHING: Final = "–"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: As it is read.
        bold: Whether it stands out: the best of its row or column, or not told apart from it.
        value: The number that the text shows, by which a page sorts; None if it is not a number.
        link: Where the text leads: a URL, relative to the page or not, or a fragment of the page; None if nowhere.
        note: A remark that a page shows beside the text, such as what a mark means; None if there is none.
    """

    text: str
    bold: bool = False
    value: float | None = None
    link: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells.

    Attributes:
        header: Heads of the columns.
        rows: The cells.
        labels: For each column the label of the method that it is about, None for other columns; empty if there are
            none. A page hides the columns of methods that its reader does not choose.
        label_column: Number of the column whose cells are labels of methods, None if there is none.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    labels: tuple[str | None, ...] = field(default=())
    label_column: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.rows


def cells(*texts: str) -> tuple[Cell, ...]:
    """A row of plain texts."""
    return tuple(Cell(text) for text in texts)


def to_markdown(table: Table) -> str:
    """The table as GitHub's Markdown has it, ending in a newline."""

    def line(texts: Iterable[str]) -> str:
        return f"| {' | '.join(texts)} |\n"

    header = line(map(markdown.escape, table.header))
    return (
        header
        + line("---" for _ in table.header)
        + "".join(line(map(_in_markdown, row)) for row in table.rows)
    )


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Writes a frame without its index; the same frame gives the same bytes on every system.

    Names of folders that are not UTF-8 are spelled with backslashes.
    """
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.10g", errors="backslashreplace")
    return path


def _in_markdown(cell: Cell) -> str:
    text = markdown.escape(cell.text) if cell.link is None else markdown.link(cell.text, cell.link)
    return f"**{text}**" if cell.bold and text else text
