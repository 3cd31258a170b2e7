"""`vitamin export`: results as data to keep."""

from pathlib import Path
from typing import Annotated

import typer

from vitamin.platform.cli.options import Sources


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
    """Write runs, their settings and evaluations to two small text files, which `report`, `compare` and `embed` read.

    Their results are those of the run folders. Hosts, paths, metrics and checkpoints are not in them.
    """
    from vitamin.analysis.exports.writing import write_export
    from vitamin.analysis.results import load_results
    from vitamin.analysis.tables.texts import count_text

    made = write_export(load_results(*results), out)
    for note in made.notes:
        print(note)
    size = sum(file.stat().st_size for file in made.files) / 1000
    counts = f"{count_text(made.runs, 'run')}, {count_text(made.evaluations, 'evaluation')}"
    print(f"{counts}, {size:.0f} kB: {', '.join(map(str, made.files))}")
