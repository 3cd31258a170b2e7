"""`vitamin embed`: pages that say what their results say."""

from pathlib import Path
from typing import Annotated

import typer


def embed(
    pages: Annotated[
        list[Path], typer.Argument(metavar="PAGE.md…", help="Markdown files with blocks to fill.")
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; exit 1 if a page or picture is not what its results say."
        ),
    ] = False,
) -> None:
    """Fill the tables, verdicts and pictures between `<!-- results: … -->` and `<!-- end -->` from the results named.

    docs/embedding.md has the blocks.
    """
    from vitamin.analysis.embedding.pages import embed as fill
    from vitamin.analysis.tables.texts import count_text
    from vitamin.errors import ReportError

    made = fill(pages, write=not check)
    for note in made.notes:
        print(note)
    changed = ", ".join(map(str, made.changed))
    if check and changed:
        raise ReportError(
            f"Not what the results say: {changed}. `vitamin embed` without --check writes them."
        )
    print(f"{count_text(made.blocks, 'block')}; {f'changed: {changed}' if changed else 'nothing to change'}.")
