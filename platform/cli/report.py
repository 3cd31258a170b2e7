"""`vitamin report`: tables, verdicts and pictures from folders of runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitamin.platform.cli.options import AtSteps, Final, Methods, Reps, Seed, Sources, Tasks, Unfinished

if TYPE_CHECKING:
    from vitamin.analysis.report.blocks import TableBlock
    from vitamin.analysis.report.build import Report
    from vitamin.analysis.report.options import ReportOptions

By = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD",
        help="Settings whose values are an axis of the ablations [default: those that differ].",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(metavar="METHOD", help="Compare every method with this one only: fewer tests, more power."),
]
Against = Annotated[
    str | None,
    typer.Option(metavar="paper|RESULTS", help="Show the paper's scores, or other results, beside these."),
]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="html,md,csv,latex,pdf", help="What to write [default: html,md,csv]."),
]
Interval = Annotated[
    str,
    typer.Option(
        metavar="t|rliable",
        help="Intervals: t on tasks and widened bootstrap over tasks, or rliable's own, too narrow for few seeds.",
    ),
]
Std = Annotated[bool, typer.Option("--std", help="Bands of ± one standard deviation instead of intervals.")]

_MOST_ROWS = 30
_MOST_NOTES = 20
"""That a terminal shows; the report has all."""


def report(
    results: Sources,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report [default: RESULTS/report, or ./report for several, a file or a URI]."
        ),
    ] = None,
    tasks: Tasks = None,
    methods: Methods = None,
    baseline: Baseline = None,
    against: Against = None,
    formats: Formats = None,
    final: Final = "last",
    at_steps: AtSteps = None,
    by: By = None,
    interval: Interval = "t",
    std: Std = False,
    reps: Reps = 2000,
    seed: Seed = 0,
    include_unfinished: Unfinished = False,
) -> None:
    """Compare all runs below the folders: verdicts, tables like the paper's, curves, one page that opens anywhere."""
    from vitamin.analysis.report.build import build_report

    made = build_report(
        *results,
        out=out,
        options=report_options(
            tasks=tasks,
            methods=methods,
            baseline=baseline,
            against=against,
            formats=formats,
            final=final,
            at_steps=at_steps,
            by=by,
            interval=interval,
            std=std,
            reps=reps,
            seed=seed,
            include_unfinished=include_unfinished,
        ),
    )
    print_report(made)
    print(f"Report: {made.page}")


def report_options(
    *,
    tasks: list[str] | None,
    methods: list[str] | None,
    final: str,
    at_steps: int | None,
    include_unfinished: bool,
    by: list[str] | None = None,
    formats: list[str] | None = None,
    baseline: str | None = None,
    interval: str = "t",
    **others: Any,
) -> "ReportOptions":
    """The options of `build_report` from those of the command line.

    Raises:
        ReportError: If one is none.
    """
    from vitamin.analysis.choice import Choice
    from vitamin.analysis.report.options import ReportOptions, parse_formats, parse_interval

    choice = Choice(
        tasks=_parts(tasks),
        methods=_parts(methods),
        at_steps=at_steps,
        final=final,
        by=_parts(by),
        include_unfinished=include_unfinished,
        baseline=baseline,
    )
    return ReportOptions(
        choice=choice, formats=parse_formats(formats or ()), interval=parse_interval(interval), **others
    )


def print_report(made: "Report") -> None:
    """The tables and sentences that a terminal shows."""
    from vitamin.analysis.report.notes import first_of

    for sentence in made.summary:
        print(sentence)
    if made.summary:
        print()
    for block in made.tables:
        print_table_block(block)
    for note in first_of(made.notes, _MOST_NOTES, made.page.name):
        print(note)


def print_table_block(block: "TableBlock") -> None:
    """A table at the terminal; * stands for bold."""
    from vitamin.platform.cli.output import print_table

    shown = block.table.rows
    if len(shown) > _MOST_ROWS + 1:
        shown = shown[:_MOST_ROWS]
    rows = [[f"{cell.text} *" if cell.bold else cell.text for cell in row] for row in shown]
    print_table(block.title, block.table.header, rows)
    if len(rows) < len(block.table.rows):
        print(f"… and {len(block.table.rows) - len(rows)} more rows, in the report.")
    if block.caption:
        print(block.caption)
    print()


def _parts(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())
