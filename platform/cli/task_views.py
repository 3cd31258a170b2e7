"""How tasks are shown on the command line."""

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.platform.cli.dataset_views import data_status
from vitamin.platform.cli.output import print_fields, print_table
from vitamin.platform.datasets.cache import cached_path
from vitamin.platform.tasks import Task, preset_names, resolve_hyperparameters
from vitamin.platform.tasks.extras import install_command, is_installed
from vitamin.platform.tasks.minari import counterpart
from vitamin.platform.tasks.presets import (
    LEFT_TO_DATA,
    left_to_data,
    preset_summary,
    setting_origins,
    settings_layers,
)
from vitamin.platform.tasks.registry_files import registered_tasks, suites

_COLUMNS = ("task", "environment", "S", "A", "score 0 … 100 at return", "needs", "data")
_ENDS = {
    "flags": "at terminals and timeouts, as D4RL's sequence_dataset",
    "transitions": (
        "at terminals, timeouts and breaks, as D4RL's qlearning_dataset; steps without next observation are left out"
    ),
    "jumps": "at terminals and jumps, timeouts are not believed; steps without next observation are left out",
}


def print_all() -> None:
    """A table of the tasks of each suite."""
    for suite in suites():
        tasks = [task for task in registered_tasks().values() if task.suite == suite.suite]
        print_table(f"{suite.suite}: {suite.summary}", _COLUMNS, [_row(task) for task in tasks])
        print()
    print("Any Gymnasium environment with one-dimensional Box observations and actions is a task too.")


def print_task(task: Task) -> None:
    """Everything about a task but its settings."""
    bounds = "unknown"
    if task.action_low is not None and task.action_high is not None:
        bounds = f"{min(task.action_low):g} to {max(task.action_high):g}"
    fields = [
        ("suite", task.suite),
        ("environment", f"{task.env_id} {dict(task.env_kwargs) or ''}".strip()),
        ("adapter", task.adapter or "none: Gymnasium's environment as it is"),
        ("needs", _needs(task) + (f": {install_command(task.extra)}" if task.extra else "")),
        ("observations (S)", str(task.observation_size)),
        ("actions (A)", f"{task.action_size}, {bounds}"),
        ("time limit", f"{task.max_episode_steps} steps" if task.max_episode_steps else "none"),
        (
            "score 0 … 100 at return",
            f"{_references(task)} {f'({task.reference_source})' if task.reference_source else ''}".strip(),
        ),
        ("rewards of a step", _rewards(task)),
        *_mean_score(task),
        ("dataset", task.dataset_url or "none published"),
        ("dataset file", f"{cached_path(task)} ({data_status(task)})"),
        *_minari_counterpart(task),
        ("episodes end", _ENDS[task.episode_ends]),
        *(("quirk", quirk) for quirk in task.quirks),
        *(("source", source) for source in task.sources),
    ]
    print_fields(task.name, fields)


def print_settings(task: Task, method: str) -> None:
    """Every setting of a task with a method in every preset, and who sets it, from which source."""
    presets = preset_names()
    layers = {preset: settings_layers(task, method, preset) for preset in presets}
    open_to_data = {preset: left_to_data(task, method, preset, {}) for preset in presets}
    resolved = {
        preset: resolve_hyperparameters(task, method, preset, {}).model_dump()
        | dict.fromkeys(open_to_data[preset], "by data")
        for preset in presets
    }
    origins = {
        preset: setting_origins(layers[preset]) | dict.fromkeys(open_to_data[preset], LEFT_TO_DATA)
        for preset in presets
    }
    unused = ignored_settings(get_method(method))
    rows = []
    for name, field in Hyperparameters.model_fields.items():
        if name in unused:
            continue
        cells = [_text(resolved[preset][name]) for preset in presets]
        set_by = dict.fromkeys(origin[name].place for origin in origins.values())
        rows.append((name, *cells, "; ".join(set_by), field.description or ""))
    print_table(
        f"Settings of {method} by preset (--method shows another one's; `vitamin methods` lists them)",
        ("setting", *presets, "set by (the later where the value differs)", "meaning"),
        rows,
    )
    used = {layer.place: layer.source for origin in origins.values() for layer in origin.values()}
    summaries = {f"preset {preset}" for preset in presets}  # follow below
    print_fields("Where they come from", [item for item in used.items() if item[0] not in summaries])
    print_fields("Presets", [(preset, preset_summary(preset)) for preset in presets])


def _minari_counterpart(task: Task) -> list[tuple[str, str]]:
    found = counterpart(task)
    return [("nearest in Minari", f"{found[0]}, not D4RL's data: {found[1].summary}")] if found else []


def _row(task: Task) -> tuple[str, ...]:
    sizes = (str(task.observation_size), str(task.action_size))
    return (task.name, task.env_id, *sizes, _references(task), _needs(task), data_status(task))


def _needs(task: Task) -> str:
    if task.extra is None:
        return "nothing more"
    return f"{task.extra} ({'installed' if is_installed(task.extra) else 'missing'})"


def _references(task: Task) -> str:
    if task.reference_min is None or task.reference_max is None:
        return "none"
    return f"{task.reference_min} … {task.reference_max}"


def _mean_score(task: Task) -> list[tuple[str, str]]:
    expected = task.mean_score
    if expected is None:
        return []
    return [
        (
            "mean score of its data",
            f"{expected.low:g} to {expected.high:g}, else a warning ({expected.source})",
        )
    ]


def _rewards(task: Task) -> str:
    expected = task.reward_range
    if expected is None:
        return "unknown"
    return f"{expected.low:g} to {expected.high:g}, of size {expected.reaches:g} at times ({expected.source})"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
