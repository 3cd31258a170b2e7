"""From a specification to the list of trials."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError, SweepError, TaskError, nearest
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.sweeps.spec import Axis, SweepSpec
from vitamin.platform.tasks import get_task, resolve_hyperparameters
from vitamin.platform.tasks.minari import absolute_source
from vitamin.platform.tasks.overrides import checked_settings


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        name: Name of its run folder: method, task, values of the axes, seed.
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
            axis concerns no trial, or settings contradict each other.
    """
    _check_names(spec)
    settings = {
        "overrides": {"": _checked("overrides", spec.overrides)},
        "per_task": {name: _checked(f"per_task.{name}", values) for name, values in spec.per_task.items()},
        "per_method": {
            name: _checked(f"per_method.{name}", values) for name, values in spec.per_method.items()
        },
    }
    axes = {name: _checked_values(name, axis) for name, axis in spec.axes.items()}
    trials: dict[str, Trial] = {}
    for seed, task, method in itertools.product(spec.seeds, spec.tasks, spec.methods):
        of_all = settings["overrides"][""] | settings["per_task"].get(task, {})
        fixed = {name: value for name, value in of_all.items() if uses(method, name)}
        fixed |= settings["per_method"].get(method, {})
        applying = {
            name: values for name, values in axes.items() if _concerns(spec.axes[name], name, task, method)
        }
        for combination in itertools.product(*applying.values()):
            point = dict(zip(applying, combination, strict=True))
            name = _trial_name(task, method, point, seed)
            if name in trials:
                raise SweepError(f"Two trials would be called {name}. Rename one of the tasks.")
            trials[name] = Trial(name, _experiment(spec, name, task, method, seed, fixed | point))
    return Plan(spec, tuple(trials.values()))


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
                f"{where}: {name!r} is not among the {kind} of this sweep ({', '.join(known)}).{nearest(name, known)}"
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
    values: list[Any] = []
    for raw in axis.values:
        value = _checked(f"axes.{name}", {name: raw})[name]
        if value in values:
            raise SweepError(f"axes.{name} lists {value} twice.")
        values.append(value)
    return values


def _concerns(axis: Axis, setting: str, task: str, method: str) -> bool:
    listed = (axis.methods is None or method in axis.methods) and (axis.tasks is None or task in axis.tasks)
    return listed and uses(method, setting)


def uses(method: str, setting: str) -> bool:
    """Whether a setting, given to a method, has an influence on it."""
    row = get_method(method)
    return setting not in ignored_settings(row) and setting not in row.fixed


def _trial_name(task: str, method: str, point: Mapping[str, Any], seed: int) -> str:
    values = (
        f"{name}={f'{value:.12g}' if isinstance(value, float) else value}" for name, value in point.items()
    )
    return "-".join([method, re.sub(r"[^A-Za-z0-9._-]+", "_", task), *values, f"seed{seed}"])


def _experiment(
    spec: SweepSpec, name: str, task: str, method: str, seed: int, overrides: dict[str, Any]
) -> ExperimentSpec:
    data = spec.data.get(task)
    with _located(name):
        return ExperimentSpec.create(
            task=task,
            method=method,
            preset=spec.preset,
            seed=seed,
            data=None if data is None else absolute_source(data),
            reference_scores=spec.reference_scores.get(task),
            overrides=overrides,
            num_env_runners=spec.resources.num_env_runners,
            num_learners=spec.resources.num_learners,
            num_gpus_per_learner=spec.resources.num_gpus_per_learner,
            checkpoint_interval=spec.checkpoint_interval,
        )
