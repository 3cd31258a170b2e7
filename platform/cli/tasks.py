"""`vitamin tasks`: what can be trained on."""

from pathlib import Path
from typing import Annotated

import typer


def tasks(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Show everything about one task.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD", help="With TASK: the method whose settings are shown.", show_default="td3_odt"
        ),
    ] = None,
    render: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw every environment, and write a page with the pictures."),
    ] = None,
) -> None:
    """List the tasks: environment, sizes, reference scores, what they need and whether the data is here."""
    if render is not None:
        if task is not None:
            raise typer.BadParameter("--render draws all environments: leave TASK out.")
        _render(render)
        return
    if task is None and method is not None:
        raise typer.BadParameter("--method shows the settings of one task: name it.")
    from vitamin.algorithms.methods import get_method
    from vitamin.platform.catalog import get_task
    from vitamin.platform.cli.task_views import print_all, print_settings, print_task

    if task is None:
        print_all()
    else:
        chosen, row = get_task(task), get_method(method or "td3_odt")
        print_task(chosen)
        print_settings(chosen, row.name)


def _render(folder: Path) -> None:
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.environments.gallery import PAGE, render_gallery

    with progress_display("Environments") as progress:
        exhibits = render_gallery(folder, progress)
    for exhibit in exhibits:
        if exhibit.image is None:
            print(f"Not drawn: {exhibit.title}. {exhibit.reason}")
    drawn = sum(exhibit.image is not None for exhibit in exhibits)
    print(f"{drawn} of {len(exhibits)} environments drawn: {folder / PAGE}")
