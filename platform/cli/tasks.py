"""`vitamin tasks`: what can be trained on."""

from typing import Annotated

import typer


def tasks(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Show everything about one task.")
    ] = None,
) -> None:
    """List the tasks: environment, sizes, reference scores, what they need and whether the data is here."""
    from vitamin.platform.cli.task_views import print_all, print_settings, print_task
    from vitamin.platform.tasks import get_task

    if task is None:
        print_all()
    else:
        chosen = get_task(task)
        print_task(chosen)
        print_settings(chosen)
