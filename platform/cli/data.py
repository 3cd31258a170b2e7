"""`vitamin data`: offline datasets."""

from pathlib import Path
from typing import Annotated

import typer

from vitamin.platform.cli.collect import collect
from vitamin.platform.cli.endings import say
from vitamin.platform.cli.options import Force

app = typer.Typer(
    help="Offline datasets: inspect, fetch, import, export, collect, list.", no_args_is_help=True
)

TaskOption = Annotated[str, typer.Option("--task", metavar="TASK", help="The task it belongs to.")]

app.command()(collect)


@app.command("list")
def list_datasets() -> None:
    """Show the datasets that are here."""
    from vitamin.platform.cli.dataset_views import print_cache

    print_cache()


@app.command()
def inspect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|minari:ID|TASK",
            help="A file in D4RL's layout, a Minari dataset or a task whose dataset is here.",
        ),
    ],
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="Check a file for this task.")
    ] = None,
) -> None:
    """Show trajectories, steps, returns, lengths, types and quirks of a dataset."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.cli.dataset_views import print_report
    from vitamin.platform.datasets import dataset_path, inspect_dataset, is_file_source, source_path

    if is_file_source(source):
        print_report(inspect_dataset(source_path(source), get_task(task) if task is not None else None))
    elif task is not None:
        raise typer.BadParameter(f"--task goes with a file, and there is no file {source}.")
    else:
        named = get_task(source)
        print_report(inspect_dataset(dataset_path(named, None), named))


@app.command()
def fetch(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK|minari:ID", help="A task, see `vitamin tasks`, or a Minari dataset."),
    ],
    force: Force = False,
) -> None:
    """Download a task's published dataset into the cache, or verify the checksum of the one there."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.datasets import cached_path, fetch_dataset, fetch_minari, fingerprint
    from vitamin.platform.tasks.minari import is_minari

    if is_minari(task):
        path = fetch_minari(task, force=force)
        print(f"{path} holds {task} in D4RL's layout (sha256 {fingerprint(path)})")
        return
    named = get_task(task)
    here = cached_path(named).is_file()
    with progress_display(named.dataset_file or named.name, unit_bytes=True) as progress:
        path = fetch_dataset(named, force=force, progress=progress)
    outcome = "was here already, its checksum is as recorded" if here and not force else "fetched"
    print(f"{path} {outcome} (sha256 {fingerprint(path)})")


@app.command("import")
def import_file(
    source: Annotated[
        str, typer.Argument(metavar="FILE|minari:ID", help="A file in D4RL's layout, or a Minari dataset.")
    ],
    task: TaskOption,
    force: Force = False,
) -> None:
    """Check a file and copy it into the cache as a task's dataset."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.datasets import fingerprint, import_dataset

    path = import_dataset(source, get_task(task), force=force)
    print(f"{path} imported (sha256 {fingerprint(path)})")


@app.command()
def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE|minari:ID|TASK",
            help="A run folder (what it collected online), a file, a Minari dataset, or a task's dataset.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option("--to", metavar="FILE|minari:ID", help="A file in D4RL's layout, or a Minari dataset."),
    ],
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="The task that a file belongs to.")
    ] = None,
    force: Force = False,
) -> None:
    """Write a run's online experience, or a dataset, to D4RL's layout or to Minari."""
    from vitamin.platform.catalog import get_task
    from vitamin.platform.catalog.exportable import exportable_dataset
    from vitamin.platform.datasets import export_dataset

    if Path(source).is_dir():
        from vitamin.platform.experiments.experience import run_experience

        if task is not None:
            raise typer.BadParameter("--task goes with a file; a run knows its own.")
        data = run_experience(Path(source), report=say)
    else:
        data = exportable_dataset(source, get_task(task) if task is not None else None)
    notes = export_dataset(data, to, force=force)
    print(f"{to} written: {len(data.raw.rewards)} steps")
    for note in notes:
        print(note)
