"""`vitamin export`: results as data to keep."""

from pathlib import Path
from typing import Annotated

import typer

from vitamin.platform.cli.report import Sources


def export(
    results: Sources,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR/NAME",
            help="Writes NAME-runs.csv and NAME-evaluations.csv to DIR; earlier ones are replaced.",
        ),
    ],
) -> None:
    """Write runs, their settings and evaluations to two small text files, which every command reads as run folders.

    Hosts, paths, metrics and checkpoints are not in them.
    """
    from vitamin.analysis.exports.writing import write_export
    from vitamin.analysis.results import load_results

    made = write_export(load_results(*results), out)
    for note in made.notes:
        print(note)
    size = sum(file.stat().st_size for file in made.files) / 1000
    print(
        f"{made.runs} runs, {made.evaluations} evaluations, {size:.0f} kB: {', '.join(map(str, made.files))}"
    )
