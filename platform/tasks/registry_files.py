"""Reads the registry: YAML files that ship with the package."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from vitamin.platform.tasks.schema import (
    DatasetKind,
    EnvironmentBlock,
    MinariFile,
    PresetsFile,
    SuiteFile,
    TaskEntry,
)
from vitamin.platform.tasks.task import PresetLayers, SettingsLayer, Task
from vitamin.platform.yaml_files import load_yaml

_PRESETS_FILE = "presets.yaml"
_MINARI_FILE = "minari.yaml"


def _folder() -> Traversable:
    return files("vitamin.platform.tasks") / "registry"


def _read(file: Traversable) -> Any:
    return load_yaml(file.read_text(encoding="utf-8"))


@cache
def suites() -> tuple[SuiteFile, ...]:
    """The suite files, in the order of their names."""
    suite_files = [
        file
        for file in _folder().iterdir()
        if file.name.endswith(".yaml") and file.name not in (_PRESETS_FILE, _MINARI_FILE)
    ]
    return tuple(
        SuiteFile.model_validate(_read(file)) for file in sorted(suite_files, key=lambda file: file.name)
    )


@cache
def presets_file() -> PresetsFile:
    """The presets and the methods' own settings."""
    return PresetsFile.model_validate(_read(_folder() / _PRESETS_FILE))


@cache
def minari_file() -> MinariFile:
    """How Minari's datasets differ from D4RL's."""
    return MinariFile.model_validate(_read(_folder() / _MINARI_FILE))


@cache
def registered_tasks() -> Mapping[str, Task]:
    """All registered tasks by name, in the order of the files."""
    tasks: dict[str, Task] = {}
    for suite in suites():
        for task in tasks_of(suite):
            if task.name in tasks:
                raise ValueError(f"The registry names {task.name} twice.")
            tasks[task.name] = task
    return tasks


def task_names() -> list[str]:
    """The names of all registered tasks."""
    return list(registered_tasks())


def tasks_of(suite: SuiteFile) -> Iterator[Task]:
    """The tasks of a suite, each merged from suite, environment, dataset kind and its own entry."""
    for key, environment in suite.environments.items():
        for name, entry in environment.tasks.items():
            yield _task(name, entry, key, suite)


def _task(name: str, entry: TaskEntry, key: str, suite: SuiteFile) -> Task:
    environment = suite.environments[key]
    kind = suite.datasets[entry.dataset] if entry.dataset is not None else None
    reference = environment.reference
    low, high = environment.bounds()
    return Task(
        name=name,
        suite=suite.suite,
        env_id=environment.env_id,
        env_kwargs=environment.env_kwargs,
        adapter=environment.adapter,
        extra=environment.extra,
        max_episode_steps=environment.max_episode_steps,
        observation_size=environment.observation_size,
        action_size=environment.action_size,
        action_low=low,
        action_high=high,
        reference_min=reference.min if reference else None,
        reference_max=reference.max if reference else None,
        reference_source=reference.source if reference else "",
        dataset_kind=entry.dataset,
        dataset_url=f"{suite.dataset_base_url}{entry.file}" if entry.file else None,
        dataset_file=entry.file and entry.file.rpartition("/")[2],
        episode_ends=kind.episode_ends if kind else "flags",
        may_exceed_limit=kind.may_exceed_limit if kind else False,
        reward_range=environment.reward_range,
        observation_ranges=environment.observation_ranges,
        mean_score=entry.mean_score or (kind.mean_score if kind else None),
        quirks=environment.quirks + (kind.quirks if kind else ()) + entry.quirks,
        sources=suite.sources + (kind.sources if kind else ()),
        settings=tuple(_layers(name, entry, key, suite)),
        presets={
            preset: _preset_layers(preset, key, suite)
            for preset in dict.fromkeys([*suite.presets, *environment.presets])
        },
        methods={
            method: SettingsLayer(
                f"suite {suite.suite}, method {method}", block.source, block.hyperparameters
            )
            for method, block in suite.methods.items()
        },
    )


def _preset_layers(preset: str, key: str, suite: SuiteFile) -> PresetLayers:
    """The settings of a preset on the tasks of an environment: its suite's block, then its own."""
    holders = {f"suite {suite.suite}": suite.presets, f"environment {key}": suite.environments[key].presets}
    settings: list[SettingsLayer] = []
    methods: dict[str, tuple[SettingsLayer, ...]] = {}
    for holder, presets in holders.items():
        if (block := presets.get(preset)) is None:
            continue
        place = f"{holder}, preset {preset}"
        settings.append(SettingsLayer(place, block.source, block.hyperparameters))
        for method, own in block.methods.items():
            layer = SettingsLayer(f"{place}, method {method}", own.source, own.hyperparameters)
            methods[method] = (*methods.get(method, ()), layer)
    return PresetLayers(tuple(settings), methods)


def _layers(name: str, entry: TaskEntry, key: str, suite: SuiteFile) -> Iterator[SettingsLayer]:
    """The blocks that set something for a task, later ones over earlier ones."""
    blocks: dict[str, SuiteFile | EnvironmentBlock | DatasetKind | TaskEntry] = {
        f"suite {suite.suite}": suite,
        f"environment {key}": suite.environments[key],
    }
    if entry.dataset is not None:
        blocks[f"data {entry.dataset}"] = suite.datasets[entry.dataset]
    blocks[f"task {name}"] = entry
    for place, block in blocks.items():
        if block.hyperparameters:
            source = block.hyperparameters_source or suite.hyperparameters_source
            yield SettingsLayer(place, source, block.hyperparameters)
