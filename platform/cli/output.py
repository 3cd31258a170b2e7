"""Printing for people at a terminal and for logs: the same content, as rich tables or plain aligned lines."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

_STEPS_IN_LOG = 10


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with a heading, never cut: a narrow terminal folds cells, but not names, which stand first.

    Without a terminal, aligned columns.
    """
    console = Console()
    if console.is_terminal:
        table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
        for number, column in enumerate(columns):
            table.add_column(column, overflow="fold", no_wrap=number == 0)
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
        return
    print(title)
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_fields(title: str, fields: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line; long values wrap at a terminal."""
    console = Console()
    if console.is_terminal:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in fields:
            grid.add_row(escape(name), escape(value))
        console.print(f"[bold]{escape(title)}[/bold]")
        console.print(grid)
        return
    print(title)
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        print(f"{name.ljust(width)}  {value}".rstrip())


class ShowProgress(Protocol):
    """Shows how far something has come, and ``note``, a few words on it."""

    def __call__(self, done: int, total: int | None, note: str = "") -> None:
        """``done`` of ``total``, which may be unknown."""


@contextmanager
def progress_display(what: str, *, unit_bytes: bool = False) -> Iterator[ShowProgress]:
    """A function to call with (done, total): a bar at a terminal, else a line for each tenth.

    Args:
        what: Shown beside the bar.
        unit_bytes: Show the numbers as bytes.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LineProgress(what)
        return
    counts = DownloadColumn() if unit_bytes else TaskProgressColumn()
    note_column = TextColumn("{task.fields[note]}", markup=False)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        counts,
        TimeRemainingColumn(),
        note_column,
        console=console,
    ) as progress:
        bar = progress.add_task(what, total=None, note="")

        def show(done: int, total: int | None, note: str = "") -> None:
            progress.update(bar, completed=done, total=total, note=note)

        yield show


class _LineProgress:
    def __init__(self, what: str) -> None:
        self._what = what
        self._printed = -1

    def __call__(self, done: int, total: int | None, note: str = "") -> None:
        if not total:
            return
        tenth = done * _STEPS_IN_LOG // total
        if tenth > self._printed:
            self._printed = tenth
            words = f"{self._what}: {100 * tenth // _STEPS_IN_LOG} %"
            print(f"{words}, {note}" if note else words, file=sys.stderr, flush=True)
