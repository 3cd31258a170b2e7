"""`vitamin compare`: two results, or two methods of the same results."""

from pathlib import Path
from typing import Annotated

import typer

from vitamin.platform.cli.options import AtSteps, Final, Methods, Reps, Seed, Tasks, Unfinished
from vitamin.platform.cli.report import print_table_block, report_options


def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A results folder, export or URI, or a method such as td3_odt.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Another of the same kind.")],
    results: Annotated[
        str, typer.Option(metavar="RESULTS", help="Where to look for the two methods.")
    ] = "results",
    tasks: Tasks = None,
    methods: Methods = None,
    final: Final = "last",
    at_steps: AtSteps = None,
    reps: Reps = 2000,
    seed: Seed = 0,
    include_unfinished: Unfinished = False,
) -> None:
    """Say how two results, or two methods, differ in protocol, and which differences in score the tests support."""
    from vitamin.analysis.report.comparing import compare_methods, compare_results

    options = report_options(
        tasks=tasks,
        methods=methods,
        final=final,
        at_steps=at_steps,
        include_unfinished=include_unfinished,
        reps=reps,
        seed=seed,
    )
    are_places = _is_place(a) or _is_place(b)
    found = compare_results(a, b, options) if are_places else compare_methods(results, a, b, options)
    for block in found.tables:
        print_table_block(block)
    for sentence in found.protocol or ("No difference in protocol.",):
        print(sentence)
    for sentence in (*found.verdicts, *found.notes):
        print(sentence)


def _is_place(text: str) -> bool:
    return "://" in text or "/" in text or Path(text).exists()
