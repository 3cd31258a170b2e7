"""`vitamin report`: tables and learning curves from a directory of run folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitamin.analysis.table import Table


def report(
    directory: Annotated[Path, typer.Argument(help="Folder with run folders, at any depth.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report [default: DIRECTORY/report].")
    ] = None,
    reps: Annotated[
        int, typer.Option(min=1, max=100_000, help="Bootstrap resamples of the intervals.")
    ] = 2000,
    std: Annotated[
        bool, typer.Option("--std", help="Bands of ± one standard deviation instead of 95 % intervals.")
    ] = False,
    include_unfinished: Annotated[
        bool,
        typer.Option("--include-unfinished", help="Count running and failed runs with their last score."),
    ] = False,
) -> None:
    """Write tables, aggregate statistics and learning curves of all runs below a folder."""
    from vitamin.analysis.report import build_report

    made = build_report(
        directory, out, reps=reps, band="std" if std else "bootstrap", include_unfinished=include_unfinished
    )
    _print_table("Final score, and change from the pretrained policy (* best)", made.scores)
    if made.aggregates.rows:
        _print_table(
            "Aggregates of final scores, 95 % bootstrap intervals over seeds (* best)", made.aggregates
        )
    for note in made.notes:
        print(note)
    print(f"Report: {made.page}")


def _print_table(title: str, table: "Table") -> None:
    from vitamin.platform.cli.output import print_table

    rows = [[f"{cell.text} *" if cell.bold else cell.text for cell in row] for row in table.rows]
    print_table(title, table.header, rows)
    print()
