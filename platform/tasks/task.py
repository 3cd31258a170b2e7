"""A task: everything that a name such as ``hopper-medium-v2`` or ``Pendulum-v1`` stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vitamin.platform.tasks.expectations import ObservationRange, RewardRange, ScoreRange
from vitamin.scores import normalized_score

EpisodeEnds = Literal["flags", "transitions", "jumps"]
"""How a file is cut into episodes; `vitamin.platform.datasets.episodes` says what each means."""


@dataclass(frozen=True)
class SettingsLayer:
    """Settings that one place sets.

    Attributes:
        place: Which, in a word or two: ``suite mujoco``, ``environment hopper``, ``preset small``.
        source: Where the values come from.
        values: Value by name of the setting.
    """

    place: str
    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class PresetLayers:
    """The settings of a preset on a task beyond those that it has on all.

    Attributes:
        settings: For every method, the suite's, then the environment's.
        methods: By method what holds for it alone, likewise.
    """

    settings: tuple[SettingsLayer, ...]
    methods: Mapping[str, tuple[SettingsLayer, ...]]


@dataclass(frozen=True)
class Task:
    """One task. Only the first three fields are needed; what is None or empty is unknown or does not apply.

    Attributes:
        name: What users type.
        suite: Group of tasks it is listed with: ``mujoco``, ``classic``, …; ``gymnasium`` outside the
            registry.
        env_id: Gymnasium id, or ``module:EnvId`` for environments that importing ``module`` registers; the name
            of the adapter's own environment where the adapter does not build on a registered one.
        env_kwargs: Keyword arguments of the environment, or of its adapter.
        adapter: What makes the environment behave as D4RL's, a key of
            ``vitamin.platform.environments.adapters.ADAPTERS``; None for the environment as it is.
        extra: Optional dependencies of this project that the environment needs; None for none.
        max_episode_steps: Time limit of an episode; None leaves the environment's own.
        observation_size: S.
        action_size: A.
        action_low: Lower bounds of the actions in the environment's units, A numbers.
        action_high: Upper bounds, likewise.
        reference_min: Return that counts as 0 in the normalized score.
        reference_max: Return that counts as 100.
        reference_source: Where the two come from.
        dataset_kind: Which data the published file holds (``medium``, ``random``, …).
        dataset_url: Where the published file is.
        dataset_file: Its name.
        episode_ends: How the published file is cut into episodes.
        may_exceed_limit: The published episodes have nothing to do with the environment's time limit.
        reward_range: What single steps pay in real data.
        observation_ranges: Where observations lie in real data.
        mean_score: What the episodes of real data of the kind score on average.
        quirks: What is unusual about the data or the environment, a sentence each.
        sources: Where the entries of the registry come from.
        settings: The settings that depend on the task, by their names in ``Hyperparameters``, later layers
            over earlier ones.
        presets: Per preset, settings of this task that override the preset's own, for all methods and for one.
        methods: Per method, settings on this task that override the method's own.
    """

    name: str
    suite: str
    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    adapter: str | None = None
    extra: str | None = None
    max_episode_steps: int | None = None
    observation_size: int | None = None
    action_size: int | None = None
    action_low: tuple[float, ...] | None = None
    action_high: tuple[float, ...] | None = None
    reference_min: float | None = None
    reference_max: float | None = None
    reference_source: str = ""
    dataset_kind: str | None = None
    dataset_url: str | None = None
    dataset_file: str | None = None
    episode_ends: EpisodeEnds = "flags"
    may_exceed_limit: bool = False
    reward_range: RewardRange | None = None
    observation_ranges: tuple[ObservationRange, ...] = ()
    mean_score: ScoreRange | None = None
    quirks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    settings: tuple[SettingsLayer, ...] = ()
    presets: Mapping[str, PresetLayers] = field(default_factory=dict)
    methods: Mapping[str, SettingsLayer] = field(default_factory=dict)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The settings that depend on the task, all layers merged."""
        return {name: value for layer in self.settings for name, value in layer.values.items()}

    def normalized_score(self, episode_return: float) -> float | None:
        """D4RL's score of a return; None without reference scores."""
        if self.reference_min is None or self.reference_max is None:
            return None
        return normalized_score(float(episode_return), self.reference_min, self.reference_max)
