"""The specification of a run: a task, a method, a preset, a seed, overrides, and how many processes may work on it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.hyperparameters import Hyperparameters, describe_errors
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.rllib.capacity import check_capacity
from vitamin.algorithms.setting_types import NonNegativeFloat, NonNegativeInt, Number, PositiveInt, Seed
from vitamin.errors import SettingsError, TaskError
from vitamin.former_names import present_settings
from vitamin.platform.catalog import get_task
from vitamin.platform.tasks import Task
from vitamin.platform.tasks.presets import (
    Episodes,
    left_to_data,
    preset_hyperparameters,
    resolve_hyperparameters,
    settings_from_data,
)
from vitamin.platform.yaml_files import read_yaml


def _as_text(source: Any) -> Any:
    return os.fspath(source) if isinstance(source, os.PathLike) else source


DataSource = Annotated[str, BeforeValidator(_as_text)]
"""A file in D4RL's layout, or ``minari:ID``."""


_DECIDE_SETTINGS = frozenset({"task", "method", "preset", "overrides"})


class ExperimentSpec(BaseModel):
    """One run. What is above ``num_env_runners`` decides the result, the rest how fast it comes.

    The number of learners, and whether they have GPUs, decides over rounding and dropout masks too: another number
    gives other bits of an equally good result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field(description="registered task, Gymnasium environment id, or minari:ID")
    method: str = Field("td3_odt", description="row of the method table")
    preset: str = Field("paper", description="paper, small or tiny")
    seed: Seed = Field(0, description="key of all random draws")
    data: DataSource | None = Field(
        None, description="HDF5 file or minari:ID; by default the task's file in the dataset cache"
    )
    reference_scores: tuple[Number, Number] | None = Field(
        None, description="returns that count as 0 and 100, for a task that has none of its own"
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="hyperparameters that differ from the preset"
    )

    num_env_runners: NonNegativeInt = Field(1, description="remote env runners; 0 rolls out in the driver")
    num_learners: NonNegativeInt = Field(0, description="remote learners; 0 learns in the driver")
    num_gpus_per_learner: NonNegativeFloat = Field(0, description="GPUs of each learner")
    checkpoint_interval: PositiveInt = Field(
        10, description="iterations between checkpoints; after ten minutes one comes earlier"
    )

    @classmethod
    def create(cls, **values: Any) -> "ExperimentSpec":
        """A checked specification.

        Raises:
            SettingsError: If a value is ill-typed, or method, preset or an override is unknown, or there are
                reference scores that the task does not need.
            TaskError: If the task is unknown.
        """
        try:
            spec = cls(**values)
        except ValidationError as error:
            raise SettingsError(f"Invalid experiment: {describe_errors(error)}.") from error
        get_method(spec.method)
        spec.scored_task()
        spec.hyperparameters()
        return spec

    def scored_task(self) -> Task:
        """The task, with the specification's reference scores if it has none of its own.

        Raises:
            SettingsError: If it has its own, or they are not in order.
            TaskError: If the task is unknown.
        """
        task = get_task(self.task)
        if self.reference_scores is None:
            return task
        low, high = self.reference_scores
        if task.reference_min is not None:
            raise SettingsError(
                f"{task.name} has reference scores, {task.reference_min:g} and {task.reference_max:g}:"
                " leave yours out, so that its scores mean the same everywhere."
            )
        if not low < high:
            raise SettingsError(f"Reference scores {low:g} and {high:g}: the first must be the lower one.")
        return replace(task, reference_min=low, reference_max=high, reference_source="given with the run")

    def with_data(self, load: Callable[[], Episodes]) -> "ExperimentSpec":
        """The specification with the settings that are left to its data among its overrides, as plain numbers.

        Args:
            load: Returns the offline data; called only if some are.
        """
        found = settings_from_data(get_task(self.task), self.method, self.preset, self.overrides, load)
        return self.model_copy(update={"overrides": self.overrides | found}) if found else self

    def open_to_data(self) -> tuple[str, ...]:
        """Settings that `with_data` would take from the data."""
        return left_to_data(get_task(self.task), self.method, self.preset, self.overrides)

    def hyperparameters(self) -> Hyperparameters:
        """Defaults, then the task's values, then the preset's, then the overrides; resolved once.

        Raises:
            SettingsError: If an override is unknown or ill-typed.
            TaskError: If the task is unknown.
        """
        return self._hyperparameters

    @cached_property
    def _hyperparameters(self) -> Hyperparameters:
        return resolve_hyperparameters(get_task(self.task), self.method, self.preset, self.overrides)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, whose copies keep what was computed from the fields: here only while it still holds."""
        copied = super().model_copy(update=update, deep=deep)
        if not _DECIDE_SETTINGS.isdisjoint(update or ()):
            copied.__dict__.pop("_hyperparameters", None)
        return copied

    def changes(self) -> dict[str, Any]:
        """Overrides whose values are not the preset's, and those that it leaves to the data, as in ``run.json``."""
        values = self.hyperparameters().model_dump(mode="json")
        usual = preset_hyperparameters(get_task(self.task), self.method, self.preset).model_dump(mode="json")
        undecided = self.model_copy(update={"overrides": {}}).open_to_data()
        return {
            name: values[name] for name in self.overrides if name in undecided or values[name] != usual[name]
        }

    def check_capacity(self) -> None:
        """Checks that the run can fit into this machine.

        Raises:
            SettingsError: If it needs more memory than there is.
            TaskError: If the task is unknown.
        """
        task = get_task(self.task)
        check_capacity(
            get_method(self.method),
            self.hyperparameters(),
            observation_size=task.observation_size,
            action_size=task.action_size,
            episode_length=task.max_episode_steps,
            num_env_runners=self.num_env_runners,
            num_learners=self.num_learners,
            num_gpus_per_learner=self.num_gpus_per_learner,
        )

    def resolved(self) -> dict[str, Any]:
        """Content of ``config.yaml``: this specification with every hyperparameter spelt out."""
        content = self.model_dump(mode="json", exclude={"overrides"})
        content["hyperparameters"] = self.hyperparameters().model_dump(mode="json")
        return content


def read_config(file: Path, **changes: Any) -> ExperimentSpec:
    """A specification from a ``config.yaml``; its hyperparameters are taken as they stand there.

    Those that differ from the preset's become the specification's overrides. ``changes`` replace other entries of the
    file: another task, method or preset does not touch the hyperparameters that the method uses.

    Raises:
        SettingsError: If the file is missing or is no YAML, or holds unknown keys or wrong values.
        TaskError: If its task is unknown.
    """
    content = read_yaml(file, SettingsError)
    if not isinstance(content, dict) or not isinstance(content.get("hyperparameters", {}), dict):
        raise SettingsError(f"{file} holds no settings; a run's config.yaml is a mapping of names to values.")
    hyperparameters = content.pop("hyperparameters", {})
    try:
        spec = _with_settings({str(name): value for name, value in content.items()}, hyperparameters)
    except (SettingsError, TaskError) as error:
        raise type(error)(f"{file}: {error}") from error
    if not changes:
        return spec
    values = spec.model_dump(exclude={"overrides"}) | changes
    return _with_settings(values, spec.hyperparameters().model_dump(mode="json"))


def _with_settings(values: dict[str, Any], hyperparameters: dict[str, Any]) -> ExperimentSpec:
    """The specification ``values``, with overrides where its hyperparameters would not be these."""
    spec = ExperimentSpec.create(**values)
    preset = spec.hyperparameters().model_dump(mode="json")
    open_to_data = spec.open_to_data()
    row = get_method(spec.method)
    unused = ignored_settings(row).keys() | row.fixed.keys()
    overrides = {
        name: value
        for name, value in present_settings(hyperparameters).items()
        if name not in unused and (name in open_to_data or name not in preset or preset[name] != value)
    }
    return ExperimentSpec.create(**(spec.model_dump() | {"overrides": spec.overrides | overrides}))
