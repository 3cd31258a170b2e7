"""Tables of scopes by methods, turned or cut where they would become too wide to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table

MOST_METHODS: Final = 8
"""Methods that stand side by side; more of them, as of a sweep, become rows."""

_MOST_TASKS: Final = 6  # columns of a turned table

Cells = Mapping[tuple[str, str], Cell]
"""By the key of a line and the label."""


@dataclass(frozen=True)
class Line:
    """The subject of a row of methods.

    Attributes:
        key: Of its cells.
        head: What stands before it: a task's name, with its marks.
    """

    key: str
    head: str


def grid_blocks(
    name: str, title: str, lines: Sequence[Line], labels: Sequence[str], cells: Cells, caption: str
) -> tuple[TableBlock, ...]:
    """One table of lines by methods; turned, and with few tasks each, if there are many methods.

    A place without a cell is a dash.
    """
    if len(labels) <= MOST_METHODS:
        rows = tuple(
            (Cell(line.head), *(cells.get((line.key, label), Cell(NOTHING)) for label in labels))
            for line in lines
        )
        return (TableBlock(name, title, Table(("Task", *labels), rows, (None, *labels)), caption),)
    parts = [lines[first : first + _MOST_TASKS] for first in range(0, len(lines), _MOST_TASKS)]
    several = len(parts) > 1
    return tuple(
        TableBlock(
            f"{name}-{number}" if several else name,
            f"{title} ({number} of {len(parts)})" if several else title,
            _turned(part, labels, cells),
            caption,
        )
        for number, part in enumerate(parts, start=1)
    )


def _turned(lines: Sequence[Line], labels: Sequence[str], cells: Cells) -> Table:
    rows = tuple(
        (Cell(label), *(cells.get((line.key, label), Cell(NOTHING)) for line in lines)) for label in labels
    )
    return Table(("Method", *(line.head for line in lines)), rows, label_column=0)
