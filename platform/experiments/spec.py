"""What a user asks for: a task, a method, a preset, a seed, overrides, and how many processes may work on it."""

import os
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from vitamin.algorithms.hyperparameters import Hyperparameters, describe_errors
from vitamin.algorithms.methods import get_method
from vitamin.errors import SettingsError
from vitamin.platform.tasks import get_task
from vitamin.platform.tasks.presets import resolve_hyperparameters


def _as_text(source: Any) -> Any:
    return os.fspath(source) if isinstance(source, os.PathLike) else source


class ExperimentSpec(BaseModel):
    """One run. What is above ``num_env_runners`` decides the result; the rest decides only how fast it comes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field(description="registered task, Gymnasium environment id, or minari:ID")
    method: str = Field("td3_odt", description="row of the method table")
    preset: str = Field("paper", description="paper, small or tiny")
    seed: NonNegativeInt = Field(0, description="key of all random draws")
    data: Annotated[str | None, BeforeValidator(_as_text)] = Field(
        None, description="HDF5 file or minari:ID; by default the task's file in the dataset cache"
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="hyperparameters that differ from the preset"
    )

    num_env_runners: NonNegativeInt = Field(1, description="remote env runners; 0 rolls out in the driver")
    num_learners: NonNegativeInt = Field(0, description="remote learners; 0 learns in the driver")
    num_gpus_per_learner: NonNegativeFloat = Field(0, description="GPUs of each learner")
    checkpoint_interval: PositiveInt = Field(10, description="iterations between checkpoints")

    @classmethod
    def create(cls, **values: Any) -> "ExperimentSpec":
        """A checked specification.

        Raises:
            SettingsError: If a value is ill-typed, or method, preset or an override is unknown.
            TaskError: If the task is unknown.
        """
        try:
            spec = cls(**values)
        except ValidationError as error:
            raise SettingsError(f"Invalid experiment: {describe_errors(error)}.") from error
        get_method(spec.method)
        spec.hyperparameters()
        return spec

    def hyperparameters(self) -> Hyperparameters:
        """Defaults, then the task's values, then the preset's, then the overrides.

        Raises:
            SettingsError: If an override is unknown or ill-typed.
            TaskError: If the task is unknown.
        """
        return resolve_hyperparameters(get_task(self.task), self.method, self.preset, self.overrides)

    def resolved(self) -> dict[str, Any]:
        """Content of ``config.yaml``: this specification with every hyperparameter spelt out."""
        content = self.model_dump(mode="json", exclude={"overrides"})
        content["hyperparameters"] = self.hyperparameters().model_dump(mode="json")
        return content


def read_config(file: Path) -> ExperimentSpec:
    """A specification from a ``config.yaml``; its hyperparameters are taken as they stand there.

    Those that differ from the preset's become the specification's overrides.

    Raises:
        SettingsError: If the file is missing, is no YAML, or holds unknown keys.
        TaskError: If its task is unknown.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise SettingsError(f"Cannot read {file}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("hyperparameters", {}), dict):
        raise SettingsError(f"{file} holds no settings; a run's config.yaml is a mapping of names to values.")
    hyperparameters = content.pop("hyperparameters", {})
    spec = ExperimentSpec.create(**{str(name): value for name, value in content.items()})
    preset = spec.hyperparameters().model_dump(mode="json")
    overrides = {
        name: value for name, value in hyperparameters.items() if name not in preset or preset[name] != value
    }
    return ExperimentSpec.create(**(spec.model_dump() | {"overrides": spec.overrides | overrides}))
