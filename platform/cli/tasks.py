"""`vitamin tasks`: what can be trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitamin.platform.tasks import Task


def tasks(
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Show everything about one task.")
    ] = None,
    render: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw every environment, and write a page with the pictures."),
    ] = None,
) -> None:
    """List the tasks: environment, sizes, reference scores, and whether the data is here."""
    if render is not None:
        if task is not None:
            raise typer.BadParameter("--render draws all environments: leave TASK out.")
        _render(render)
        return
    from vitamin.platform.tasks import get_task

    if task is None:
        _print_all()
    else:
        chosen = get_task(task)
        _print_one(chosen)
        _print_settings(chosen)


def _print_all() -> None:
    from vitamin.platform.cli.output import print_table
    from vitamin.platform.datasets.cache import cached_path
    from vitamin.platform.tasks import get_task, task_names

    rows = []
    for name in task_names():
        task = get_task(name)
        here = "here" if cached_path(task).is_file() else "to fetch" if task.dataset_url else "to collect"
        rows.append(
            (
                name,
                task.suite,
                task.env_id,
                str(task.observation_size),
                str(task.action_size),
                _references(task),
                here,
            )
        )
    print_table("Tasks", ("task", "suite", "environment", "S", "A", "score 0 … 100 at return", "data"), rows)
    print("Any Gymnasium environment with one-dimensional Box observations and actions is a task too.")


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


def _print_one(task: "Task") -> None:
    from vitamin.platform.cli.output import print_fields
    from vitamin.platform.datasets.cache import cached_path

    bounds = "unknown"
    if task.action_low is not None and task.action_high is not None:
        bounds = f"{min(task.action_low):g} to {max(task.action_high):g}"
    path = cached_path(task)
    fields = [
        ("suite", task.suite),
        ("environment", f"{task.env_id} {dict(task.env_kwargs) or ''}".strip()),
        ("observations (S)", str(task.observation_size)),
        ("actions (A)", f"{task.action_size}, {bounds}"),
        ("time limit", f"{task.max_episode_steps} steps" if task.max_episode_steps else "none"),
        (
            "score 0 … 100 at return",
            f"{_references(task)} {f'({task.reference_source})' if task.reference_source else ''}".strip(),
        ),
        ("dataset", task.dataset_url or "none published"),
        ("dataset file", f"{path} ({'here' if path.is_file() else 'not here'})"),
        *(("quirk", quirk) for quirk in task.quirks),
        *(("source", source) for source in task.sources),
    ]
    print_fields(task.name, fields)


def _print_settings(task: "Task") -> None:
    from vitamin.algorithms.hyperparameters import Hyperparameters
    from vitamin.algorithms.methods import METHODS
    from vitamin.platform.cli.output import print_table
    from vitamin.platform.tasks import preset_names, resolve_hyperparameters
    from vitamin.platform.tasks.presets import preset_summary

    presets = preset_names()
    columns = [(preset, method) for preset in presets for method in METHODS]
    resolved = [resolve_hyperparameters(task, method, preset, {}).model_dump() for preset, method in columns]
    rows = []
    for name, field in Hyperparameters.model_fields.items():
        values = [_text(settings[name]) for settings in resolved]
        by_preset = [values[i : i + len(METHODS)] for i in range(0, len(values), len(METHODS))]
        cells = [group[0] if len(set(group)) == 1 else " / ".join(group) for group in by_preset]
        rows.append((name, *cells, field.description or ""))
    print_table(
        f"Settings by preset; where methods differ: {' / '.join(METHODS)}",
        ("setting", *presets, "meaning"),
        rows,
    )
    for preset in presets:
        print(f"{preset}: {preset_summary(preset)}")


def _references(task: "Task") -> str:
    if task.reference_min is None or task.reference_max is None:
        return "none"
    return f"{task.reference_min} … {task.reference_max}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
