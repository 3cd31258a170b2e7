"""Tables as a page shows them: all rows as HTML, or the first hundred, with all of them as data."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from vitamin.analysis.page.data import number, numbers, readable, texts
from vitamin.analysis.table import Cell, Table

ROWS: Final = 100
"""That a page shows at a time."""
_KEPT: Final = "/:?#[]@!$&'()*+,;=%~"
_INNER_SPACE: Final = re.compile(r" (?![(\[]|n = )")


@dataclass(frozen=True)
class Column:
    """A column's head, and what is to know of it.

    Attributes:
        head: Its text.
        is_number: Whether numbers stand in it.
        method: Number of the method that it is about, None if it is about none.
    """

    head: str
    is_number: bool
    method: int | None


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        cells: Its cells, beside each the number by which it is sorted.
        method: Number of the method that it is about, None if it is about none.
    """

    cells: tuple[tuple[Cell, float | int | None], ...]
    method: int | None


@dataclass(frozen=True)
class Grid:
    """A table, prepared.

    Attributes:
        columns: Its columns.
        rows: What is shown at first.
        count: Number of rows in all.
        label_column: Number of the column of labels, None if there is none.
        content: All rows as data, None if all are shown.
        left_out: Number of rows that are not in ``content`` either.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    count: int
    label_column: int | None
    content: dict[str, Any] | None
    left_out: int


def prepare(table: Table, methods: Mapping[str, int], *, most: int | None = None, links: bool = True) -> Grid:
    """A table's rows as a page shows them.

    Args:
        table: The table.
        methods: Numbers of the methods, by label.
        most: How many rows the page holds at most, None for all.
        links: Whether cells lead out of the page.
    """
    labels = table.labels or (None,) * len(table.header)
    is_number = [any(row[place].value is not None for row in table.rows) for place in range(len(labels))]
    columns = tuple(
        Column(readable(head), numeric, None if label is None else methods.get(label))
        for head, numeric, label in zip(table.header, is_number, labels, strict=True)
    )
    kept = table.rows[:most]
    of_method = [
        None if table.label_column is None else methods.get(row[table.label_column].text) for row in kept
    ]
    rows = tuple(
        Row(tuple((_shown(cell, links), number(cell.value)) for cell in row), method)
        for row, method in zip(kept[:ROWS], of_method[:ROWS], strict=True)
    )
    content = None
    if len(kept) > ROWS:
        cells = [_column([row[place] for row in kept], links) for place in range(len(columns))]
        content = {"columns": cells, "methods": of_method if table.label_column is not None else None}
    return Grid(columns, rows, len(kept), table.label_column, content, len(table.rows) - len(kept))


def address(link: str) -> str:
    """A link as a page has it; a path never reads as the name of a scheme, such as ``javascript:``."""
    if link.startswith(("#", "https://", "http://")):
        return quote(link, safe=_KEPT, errors="backslashreplace")
    return quote(os.fsencode(link), safe="/%")  # its own escapes stay


def _text(cell: Cell) -> str:
    """Its text; that of a number ends its lines before a parenthesis, a bracket or ``n =`` only."""
    return cell.text if cell.value is None else _INNER_SPACE.sub("\N{NO-BREAK SPACE}", cell.text)


def _shown(cell: Cell, links: bool) -> Cell:
    return Cell(
        readable(_text(cell)), cell.bold, cell.value, _link(cell, links), cell.note and readable(cell.note)
    )


def _link(cell: Cell, links: bool) -> str | None:
    return address(cell.link) if cell.link and (links or cell.link.startswith("#")) else None


def _column(cells: list[Cell], links: bool) -> dict[str, Any]:
    """A column's cells: texts, and whatever else any of them has."""
    content: dict[str, Any] = {"texts": texts(_text(cell) for cell in cells)}
    if any(cell.value is not None for cell in cells):
        content["values"] = numbers(cell.value for cell in cells)
    if any(cell.bold for cell in cells):
        content["bold"] = [place for place, cell in enumerate(cells) if cell.bold]
    if any(cell.note for cell in cells):
        content["notes"] = texts(cell.note or "" for cell in cells)
    addresses = [_link(cell, links) or "" for cell in cells]
    if any(addresses):
        content["links"] = texts(addresses)
    return content
