"""`vitamin data`: offline datasets."""

from pathlib import Path
from typing import Annotated

import typer

from vitamin.platform.cli.collect import collect

app = typer.Typer(help="Offline datasets: inspect, fetch, import, collect, list.", no_args_is_help=True)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="A task, see `vitamin tasks`.")]
TaskOption = Annotated[str, typer.Option("--task", metavar="TASK", help="The task it belongs to.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]

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
        typer.Argument(metavar="FILE|TASK", help="A file in D4RL's layout, or a task whose dataset is here."),
    ],
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="Check a file for this task.")
    ] = None,
) -> None:
    """Show trajectories, steps, returns, lengths, types and quirks of a dataset."""
    from vitamin.platform.cli.dataset_views import print_report
    from vitamin.platform.datasets import dataset_path, inspect_dataset
    from vitamin.platform.tasks import get_task

    if _is_file_name(source):
        print_report(inspect_dataset(Path(source), get_task(task) if task is not None else None))
    elif task is not None:
        raise typer.BadParameter(f"--task goes with a file, and there is no file {source}.")
    else:
        named = get_task(source)
        print_report(inspect_dataset(dataset_path(named, None), named))


@app.command()
def fetch(task: TaskArgument, force: Force = False) -> None:
    """Download a task's published dataset into the cache, or verify the checksum of the one there."""
    from vitamin.platform.cli.output import progress_display
    from vitamin.platform.datasets import cached_path, fetch_dataset, fingerprint
    from vitamin.platform.tasks import get_task

    named = get_task(task)
    here = cached_path(named).is_file()
    with progress_display(named.dataset_file or named.name, unit_bytes=True) as progress:
        path = fetch_dataset(named, force=force, progress=progress)
    outcome = "was here already, its checksum is as recorded" if here and not force else "fetched"
    print(f"{path} {outcome} (sha256 {fingerprint(path)})")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file in D4RL's layout.")],
    task: TaskOption,
    force: Force = False,
) -> None:
    """Check a file and copy it into the cache as a task's dataset."""
    from vitamin.platform.datasets import fingerprint, import_dataset
    from vitamin.platform.tasks import get_task

    path = import_dataset(file, get_task(task), force=force)
    print(f"{path} imported (sha256 {fingerprint(path)})")


def _is_file_name(source: str) -> bool:
    path = Path(source)
    return path.is_file() or path.suffix in (".hdf5", ".h5")
