"""From a specification to the list of trials."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, SweepError, TaskError, nearest, shown
from vitamin.platform.catalog import get_task
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.paths import LONGEST_NAME, digest_of, short_name
from vitamin.platform.sweeps.spec import MOST_TRIALS, Axis, SweepSpec
from vitamin.platform.tasks import resolve_hyperparameters
from vitamin.platform.tasks.minari import absolute_source
from vitamin.platform.tasks.overrides import checked_settings


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        name: Name of its run folder: method, task, values of the axes that have several, seed. Where that is too long
            for a file system, a digest stands for the values.
        experiment: What it runs.
    """

    name: str
    experiment: ExperimentSpec

    @cached_property
    def budget(self) -> tuple[int, int]:
        """Actor updates of the pretraining phase, environment steps of the online phase."""
        settings = self.experiment.hyperparameters()
        return settings.pretrain_updates, settings.online_steps


@dataclass(frozen=True)
class Plan:
    """A checked specification and its trials: all methods and tasks with the first seed, then with the next.

    So a sweep that is stopped early has compared everything, with fewer seeds.
    """

    spec: SweepSpec
    trials: tuple[Trial, ...]

    @property
    def env_steps(self) -> int:
        """Environment steps of the online phases of all trials; evaluation is not counted."""
        return sum(trial.budget[1] for trial in self.trials)

    @property
    def pretrain_updates(self) -> int:
        """Actor updates of the pretraining phases of all trials."""
        return sum(trial.budget[0] for trial in self.trials)


def make_plan(spec: SweepSpec) -> Plan:
    """Checks every name and value of the specification and multiplies it out.

    An axis multiplies the trials of those of its methods and tasks that use the setting: ``rl_coefficient`` does not
    concern ODT, which gets one trial whatever its values are. Overrides of all trials, or of a task's, are left out
    where a method does not use them.

    Raises:
        SweepError: If a task, method, preset or hyperparameter is unknown, a value does not fit or is repeated, an
            axis concerns no trial, settings contradict each other or need more memory than there is, or there are too
            many trials.
    """
    _check_names(spec)
    settings = {
        "overrides": {"": _checked("overrides", spec.overrides)},
        "per_task": {name: _checked(f"per_task.{name}", values) for name, values in spec.per_task.items()},
        "per_method": {
            name: _checked(f"per_method.{name}", values) for name, values in spec.per_method.items()
        },
    }
    _check_size(spec)
    axes = {name: _checked_values(name, axis) for name, axis in spec.axes.items()}
    grid: list[tuple[dict[str, Any], ExperimentSpec]] = []
    for task, method in itertools.product(spec.tasks, spec.methods):
        of_all = settings["overrides"][""] | settings["per_task"].get(task, {})
        fixed = {name: value for name, value in of_all.items() if uses(method, name)}
        fixed |= settings["per_method"].get(method, {})
        applying = _applying(spec, task, method)
        several = {name for name in applying if len(axes[name]) > 1}
        for combination in itertools.product(*(axes[name] for name in applying)):
            point = dict(zip(applying, combination, strict=True))
            named = {name: value for name, value in point.items() if name in several}
            with _located(_trial_name(task, method, named, spec.seeds[0], {})):
                experiment = _experiment(spec, task, method, fixed | point)
                experiment.check_capacity()
            grid.append((named, experiment))
    trials: dict[str, Trial] = {}
    for seed, (named, first) in itertools.product(spec.seeds, grid):
        name = _trial_name(first.task, first.method, named, seed, trials)
        trials[name.casefold()] = Trial(name, first.model_copy(update={"seed": seed}))
    return Plan(spec, tuple(trials.values()))


def _check_size(spec: SweepSpec) -> None:
    """Counts the trials without making them."""
    points = sum(
        math.prod(len(spec.axes[name].values) for name in _applying(spec, task, method))
        for task, method in itertools.product(spec.tasks, spec.methods)
    )
    if points * len(spec.seeds) > MOST_TRIALS:
        raise SweepError(
            f"This sweep would have {points * len(spec.seeds):,} trials, {points:,} for each of {len(spec.seeds):,} "
            f"seeds, and at most {MOST_TRIALS:,} are possible. Give fewer seeds or values, and start several sweeps."
        )


def _applying(spec: SweepSpec, task: str, method: str) -> list[str]:
    """The axes that concern a task with a method."""
    return [name for name, axis in spec.axes.items() if _concerns(axis, name, task, method)]


def _check_names(spec: SweepSpec) -> None:
    for task in spec.tasks:
        with _located("tasks"):
            get_task(task)
    for method in spec.methods:
        with _located("methods"):
            get_method(method)
    with _located("preset"):
        resolve_hyperparameters(get_task(spec.tasks[0]), spec.methods[0], spec.preset, {})
    _check_among("per_task", spec.per_task, spec.tasks, "tasks")
    _check_among("per_method", spec.per_method, spec.methods, "methods")
    _check_among("data", spec.data, spec.tasks, "tasks")
    _check_among("reference_scores", spec.reference_scores, spec.tasks, "tasks")
    for name, axis in spec.axes.items():
        _check_among(f"axes.{name}.tasks", axis.tasks or (), spec.tasks, "tasks")
        _check_among(f"axes.{name}.methods", axis.methods or (), spec.methods, "methods")
        if not any(_concerns(axis, name, task, method) for task in spec.tasks for method in spec.methods):
            raise SweepError(
                f"axes.{name} concerns no trial: {', '.join(axis.methods or spec.methods)} does not use it."
            )


def _check_among(where: str, names: Iterable[str], known: list[str], kind: str) -> None:
    for name in names:
        if name not in known:
            raise SweepError(
                f"{where}: {shown(name)} is not among the {kind} of this sweep ({', '.join(known)})."
                f"{nearest(name, known)}"
            )


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Turns errors of single runs into errors of the sweep, saying where in the specification they are."""
    try:
        yield
    except (SettingsError, TaskError) as error:
        raise SweepError(f"{where}: {error}") from error


def _checked(where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    with _located(where):
        return checked_settings(values)


def _checked_values(name: str, axis: Axis) -> list[Any]:
    values: dict[Any, None] = {}
    for raw in axis.values:
        value = _checked(f"axes.{name}", {name: raw})[name]
        if value in values:
            raise SweepError(f"axes.{name} lists {value} twice.")
        values[value] = None
    return list(values)


def _concerns(axis: Axis, setting: str, task: str, method: str) -> bool:
    listed = (axis.methods is None or method in axis.methods) and (axis.tasks is None or task in axis.tasks)
    return listed and uses(method, setting)


def uses(method: str, setting: str) -> bool:
    """Whether a setting, given to a method, has an influence on it."""
    row = get_method(method)
    return setting not in ignored_settings(row) and setting not in row.fixed


def _trial_name(
    task: str, method: str, named: Mapping[str, Any], seed: int, taken: Mapping[str, Trial]
) -> str:
    """A name that no other trial has, also where case does not count.

    Args:
        task: Its task.
        method: Its method.
        named: Its values of the axes that have several.
        seed: Its seed.
        taken: The other trials by name, case folded.
    """
    folder = re.sub(r"[^A-Za-z0-9._-]+", "_", task)
    values = (
        f"{name}={f'{value:.12g}' if isinstance(value, float) else value}" for name, value in named.items()
    )
    full = "-".join([method, folder, *values, f"seed{seed}"])
    if len(full) <= LONGEST_NAME and full.casefold() not in taken:
        return full
    digest = digest_of(json.dumps([task, dict(named)]))
    return "-".join([method, short_name(folder, LONGEST_NAME // 2), digest, f"seed{seed}"])


def _experiment(spec: SweepSpec, task: str, method: str, overrides: dict[str, Any]) -> ExperimentSpec:
    """The experiment of a task, a method and a point of the grid, with the first seed."""
    data = spec.data.get(task)
    return ExperimentSpec.create(
        task=task,
        method=method,
        preset=spec.preset,
        seed=spec.seeds[0],
        data=None if data is None else absolute_source(data),
        reference_scores=spec.reference_scores.get(task),
        overrides=overrides,
        num_env_runners=spec.resources.num_env_runners,
        num_learners=spec.resources.num_learners,
        num_gpus_per_learner=spec.resources.num_gpus_per_learner,
        checkpoint_interval=spec.checkpoint_interval,
    )
