"""The format of the registry's YAML files, checked when they are read."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

from vitamin.errors import SettingsError
from vitamin.platform.tasks.expectations import ObservationRange, RewardRange, ScoreRange
from vitamin.platform.tasks.overrides import checked_settings
from vitamin.platform.tasks.task import EpisodeEnds


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    try:
        return checked_settings(values)
    except SettingsError as error:
        raise ValueError(str(error)) from None


Settings = Annotated[dict[str, Any], AfterValidator(_settings)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Block):
    """Returns that count as 0 and 100 in the normalized score."""

    min: float
    max: float
    source: str

    @model_validator(mode="after")
    def _ordered(self) -> "Reference":
        if self.min >= self.max:
            raise ValueError(f"reference min {self.min} is not below max {self.max}")
        return self


class DatasetKind(_Block):
    """Properties of all files of one kind (``medium``, ``random``, …)."""

    summary: str
    sources: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    episode_ends: EpisodeEnds = "flags"
    may_exceed_limit: bool = False
    mean_score: ScoreRange | None = None
    hyperparameters: Settings = Field(default_factory=dict)
    hyperparameters_source: str | None = None


class TaskEntry(_Block):
    """One task: its kind of dataset and its file; neither for tasks without published data.

    Its ``mean_score`` overrides the kind's.
    """

    dataset: str | None = None
    file: str | None = None
    mean_score: ScoreRange | None = None
    quirks: tuple[str, ...] = ()
    hyperparameters: Settings = Field(default_factory=dict)
    hyperparameters_source: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "TaskEntry":
        if (self.dataset is None) != (self.file is None):
            raise ValueError("`dataset` and `file` go together")
        return self


class MethodBlock(_Block):
    """The settings that a method changes, and their source."""

    source: str
    hyperparameters: Settings


class PresetBlock(_Block):
    """The settings that a preset changes on the tasks of a suite or an environment, by method too, and their source."""

    source: str
    hyperparameters: Settings = Field(default_factory=dict)
    methods: dict[str, MethodBlock] = Field(default_factory=dict)


class EnvironmentBlock(_Block):
    """An environment and its tasks. A single action bound holds for every dimension.

    ``adapter`` names what makes the environment behave as D4RL's (a key of
    ``vitamin.platform.environments.adapters.ADAPTERS``), ``extra`` the optional dependencies that it needs
    (``pip install "vitamin[EXTRA]"``).
    """

    env_id: str
    env_kwargs: dict[str, Any] = Field(default_factory=dict)
    adapter: str | None = None
    extra: str | None = None
    max_episode_steps: PositiveInt
    observation_size: PositiveInt
    action_size: PositiveInt
    action_low: float | tuple[float, ...]
    action_high: float | tuple[float, ...]
    reference: Reference | None = None
    reward_range: RewardRange | None = None
    observation_ranges: tuple[ObservationRange, ...] = ()
    quirks: tuple[str, ...] = ()
    hyperparameters: Settings = Field(default_factory=dict)
    hyperparameters_source: str | None = None
    presets: dict[str, PresetBlock] = Field(default_factory=dict)
    tasks: dict[str, TaskEntry]

    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lower and upper action bounds, A numbers each."""
        low, high = (
            bound if isinstance(bound, tuple) else (bound,) * self.action_size
            for bound in (self.action_low, self.action_high)
        )
        return low, high

    @model_validator(mode="after")
    def _bounds_fit(self) -> "EnvironmentBlock":
        low, high = self.bounds()
        if not len(low) == len(high) == self.action_size:
            raise ValueError(
                f"action bounds of {len(low)} and {len(high)} numbers for {self.action_size} actions"
            )
        if any(lower >= upper for lower, upper in zip(low, high, strict=True)):
            raise ValueError("action_low is not below action_high")
        return self


class SuiteFile(_Block):
    """A registry file. A task is merged from suite, environment, dataset kind and its own entry.

    ``hyperparameters_source`` holds for the settings of every block that does not state its own.
    ``methods`` has what a method changes on the suite's tasks, in every preset, and ``presets`` what a preset changes
    there, an environment's own over its suite's.
    ``other_versions`` says of versions that are not registered (``v0``) how they differ, ``other_datasets`` lists
    kinds of published data (``medium-expert``) that are not.
    """

    suite: str
    summary: str
    sources: tuple[str, ...]
    dataset_base_url: str | None = None
    other_versions: dict[str, str] = Field(default_factory=dict)
    other_datasets: tuple[str, ...] = ()
    hyperparameters: Settings = Field(default_factory=dict)
    hyperparameters_source: str = ""
    methods: dict[str, MethodBlock] = Field(default_factory=dict)
    presets: dict[str, PresetBlock] = Field(default_factory=dict)
    datasets: dict[str, DatasetKind] = Field(default_factory=dict)
    environments: dict[str, EnvironmentBlock]

    @model_validator(mode="after")
    def _kinds_exist(self) -> "SuiteFile":
        for block in self.environments.values():
            for name, entry in block.tasks.items():
                if entry.dataset is not None and entry.dataset not in self.datasets:
                    raise ValueError(f"{name}: no dataset kind {entry.dataset!r} in this file")
                if entry.file is not None and self.dataset_base_url is None:
                    raise ValueError(f"{name}: has a file, but the suite no dataset_base_url")
        return self

    @model_validator(mode="after")
    def _settings_have_sources(self) -> "SuiteFile":
        settings = [self.hyperparameters, *(kind.hyperparameters for kind in self.datasets.values())]
        for block in self.environments.values():
            settings += [block.hyperparameters, *(entry.hyperparameters for entry in block.tasks.values())]
        if any(settings) and not self.hyperparameters_source:
            raise ValueError("has hyperparameters, but no hyperparameters_source")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> "SuiteFile":
        for name, block in self.environments.items():
            for expected in block.observation_ranges:
                if expected.column >= block.observation_size:
                    raise ValueError(f"{name}: has no observation {expected.column}")
        return self


class Preset(_Block):
    """A named set of settings, and what a method changes in this preset alone."""

    summary: str
    hyperparameters: Settings
    methods: dict[str, MethodBlock] = Field(default_factory=dict)


class PresetsFile(_Block):
    """`presets.yaml`: the presets, and what each method changes in any of them."""

    presets: dict[str, Preset]
    methods: dict[str, MethodBlock] = Field(default_factory=dict)


class MinariFamily(_Block):
    """Minari datasets that were made in the same way, and the tasks whose names they suggest.

    ``prefix`` begins their ids, ``tasks`` maps a task to the id of its nearest dataset.
    """

    prefix: str
    summary: str
    reason: str
    sources: tuple[str, ...]
    tasks: dict[str, str]

    @model_validator(mode="after")
    def _ids_fit(self) -> "MinariFamily":
        strays = [name for name in self.tasks.values() if not name.startswith(self.prefix)]
        if strays:
            raise ValueError(f"{', '.join(strays)} do not begin with {self.prefix}")
        return self


class MinariFile(_Block):
    """`minari.yaml`: what is known of Minari's public datasets. The first prefix that fits an id counts."""

    families: tuple[MinariFamily, ...]
