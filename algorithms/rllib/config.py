"""RLlib configs: every field of `Hyperparameters` is an attribute, so that Tune can search over it."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from numbers import Integral
from typing import Any, Self

import gymnasium as gym
from pydantic import ValidationError
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig, NotProvided
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.util.debug import log_once

from vitamin.algorithms.combinations import check_method, check_settings
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters, describe_errors
from vitamin.algorithms.methods import Method, get_method
from vitamin.algorithms.rllib.capacity import check_capacity
from vitamin.algorithms.rllib.env_runner import UnitEnvRunner
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.module import OfflineToOnlineModule
from vitamin.algorithms.rllib.refusing_config import RefusingConfig, check_class, refuse_unread_attributes
from vitamin.algorithms.seeds import LARGEST_SEED
from vitamin.errors import SettingsError, nearest

EnvironmentCreator = Callable[[], gym.Env[Any, Any]]
DatasetLoader = Callable[[], Trajectories]


@lru_cache(maxsize=8)
def _model_of(values: tuple[tuple[str, type, Any], ...]) -> Hyperparameters:
    return Hyperparameters(**{name: value for name, _, value in values})


def _validated(values: Mapping[str, Any]) -> Hyperparameters:
    """The model of the values; a process keeps those that it has validated, since every part of an algorithm asks."""
    key = tuple((name, type(value), value) for name, value in values.items())  # 1, 1.0 and True are equal
    try:
        hash(key)
    except TypeError:  # a search space, say
        return Hyperparameters(**values)
    return _model_of(key)


class OfflineToOnlineConfig(RefusingConfig):
    """Config of `OfflineToOnline`: pretraining on offline trajectories, then online fine-tuning.

    ``training(**kwargs)`` takes every field of `Hyperparameters` and ``method``. RLlib's other methods take what
    docs/rllib.md lists, and refuse the rest.

    The environment and the offline data are given as callables without arguments that can be pickled, so that env
    runners and learners build them in their own processes: ``environment_creator`` returns an environment with
    Box observations (S,) and actions in [-1, 1]^A; ``dataset_loader`` returns `Trajectories`.

    Args:
        algo_class: The algorithm that the config builds, which `OfflineToOnline.get_default_config` and
            ``vitamin.TD3ODTConfig`` give; without one it can be copied, but not validated.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class)
        self.method = "td3_odt"
        for name, field in Hyperparameters.model_fields.items():
            setattr(self, name, field.default)
        self.environment_creator: EnvironmentCreator | None = None
        self.dataset_loader: DatasetLoader | None = None
        self.reference_scores: tuple[float, float] | None = None
        # What `environment` has chosen: other attributes belong to it.
        self._chosen_by_environment: dict[str, Any] = {}

        self.env_runner_cls = UnitEnvRunner
        self.num_env_runners = 1
        self.num_learners = 0
        # A rollout is bounded by its episodes, not by RLlib's one-minute default.
        self.sample_timeout_s = 3600.0
        self.restart_failed_env_runners = True
        self.delay_between_env_runner_restarts_s = 1.0
        self.max_num_env_runner_restarts = 100
        self.env_runner_health_probe_timeout_s = 60.0
        self.env_runner_restore_timeout_s = 300.0
        self.seed = 0

    def training(self, *, method: Any = NotProvided, **kwargs: Any) -> Self:
        """Sets the method and hyperparameters (Tune search spaces allowed).

        Raises:
            SettingsError: If a name is no hyperparameter; for a training setting of RLlib it says what to use instead.
        """
        own = {name: kwargs.pop(name) for name in list(kwargs) if name in Hyperparameters.model_fields}
        for name in kwargs.keys() - inspect.signature(AlgorithmConfig.training).parameters:
            hint = nearest(name, Hyperparameters.model_fields)
            raise SettingsError(f"Unknown training setting {name!r}.{hint}")
        super().training(**kwargs)
        if method is not NotProvided:
            self.method = method
        for name, value in own.items():
            setattr(self, name, value)
        return self

    def environment(
        self,
        env: Any = NotProvided,
        *,
        environment_creator: Any = NotProvided,
        reference_scores: Any = NotProvided,
        **kwargs: Any,
    ) -> Self:
        """As RLlib's, plus the creator that env runners call and the scores (min, max) that normalize returns."""
        super().environment(env, **kwargs)
        if env is not NotProvided:
            self._chosen_by_environment = self._chosen_by_environment | {"env": env}
        if environment_creator is not NotProvided:
            self.environment_creator = environment_creator
        if reference_scores is not NotProvided:
            self.reference_scores = reference_scores
        return self

    def env_runners(self, *, num_envs_per_env_runner: Any = NotProvided, **kwargs: Any) -> Self:
        """As RLlib's; ``num_envs_per_env_runner`` sets ``envs_per_unit``, the width of a work unit.

        It is a hyperparameter, since batch and number of episodes of an iteration depend on it; the number of env
        runners is not.
        """
        super().env_runners(**kwargs)
        if num_envs_per_env_runner is not NotProvided:
            self.training(envs_per_unit=num_envs_per_env_runner)
        return self

    def offline_data(self, *, dataset_loader: Any = NotProvided, **kwargs: Any) -> Self:
        """As RLlib's, plus the loader that each learner calls for its offline trajectories."""
        super().offline_data(**kwargs)
        if dataset_loader is not NotProvided:
            self.dataset_loader = dataset_loader
        return self

    def hyperparameters(self) -> Hyperparameters:
        """The validated hyperparameters; those that the method fixes are as it has them.

        Raises:
            SettingsError: If there is no such method, a value is ill-typed or out of range, or values contradict each
                other.
        """
        try:
            chosen = {name: getattr(self, name) for name in Hyperparameters.model_fields}
            return _validated(chosen | dict(self.get_method().fixed))
        except ValidationError as error:
            raise SettingsError(f"Invalid hyperparameters: {describe_errors(error)}.") from error

    def get_method(self) -> Method:
        """The row of the method table.

        Raises:
            SettingsError: If there is no such method.
        """
        return get_method(self.method)

    def validate(self) -> None:
        """Checks what can be checked before any process starts.

        Raises:
            SettingsError: If hyperparameters, method, environment, data or the split over learners do not fit, a
                setting of RLlib would have no effect, or the config is of no algorithm.
        """
        if self.algo_class is None:
            raise SettingsError(
                "This config is of no algorithm: take vitamin.TD3ODTConfig() or OfflineToOnline.get_default_config()."
            )
        log_once(f"{self.algo_class.__name__}_on_new_api_stack")  # RLlib's note on it is no news here
        if not self.in_evaluation:  # a config that RLlib makes of this one
            self._validate_settings_of_rllib()
        super().validate()
        hyperparameters = self.hyperparameters()
        method = self.get_method()
        check_method(method)
        check_settings(method, hyperparameters)
        check_capacity(
            method,
            hyperparameters,
            num_env_runners=self.num_env_runners,
            num_learners=self.num_learners,
            num_gpus_per_learner=self.num_gpus_per_learner,
        )
        learners = max(1, self.num_learners)
        if hyperparameters.batch_size % learners:
            raise SettingsError(
                f"batch_size {hyperparameters.batch_size} cannot be split over {learners} learners; "
                "choose a multiple of the number of learners."
            )
        if method.groups and hyperparameters.group_batch_size % learners:
            raise SettingsError(
                f"group_batch_size {hyperparameters.group_batch_size} cannot be split over {learners} learners; "
                "choose a multiple of the number of learners."
            )
        if self.environment_creator is None or self.dataset_loader is None:
            raise SettingsError(
                "No environment or no offline data: use vitamin.TD3ODTConfig().environment(TASK, data=FILE), or give "
                "environment(environment_creator=...) and offline_data(dataset_loader=...)."
            )

    def _validate_settings_of_rllib(self) -> None:
        refuse_unread_attributes(self)
        for name in ("num_env_runners", "num_learners", "seed"):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and 0 <= value <= LARGEST_SEED) and not (name == "seed" and value is None):
                raise SettingsError(f"{name} {value!r} must be a whole number from 0 to {LARGEST_SEED}.")
        check_class("env_runner_cls", self.env_runner_cls, UnitEnvRunner)
        check_class("learner_class", self._learner_class, ReplayLearner)
        for name, chosen in self._chosen_by_environment.items():
            if getattr(self, name) != chosen:
                raise SettingsError(
                    f"{name} became {getattr(self, name)!r} after environment() had chosen what belongs to {chosen!r}: "
                    "call environment() again instead of setting it."
                )

    def get_default_learner_class(self) -> type[Learner]:
        """The learner that owns the replay."""
        return ReplayLearner

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        """The module that holds policy, critics and targets."""
        return RLModuleSpec(module_class=OfflineToOnlineModule)

    @property
    def _model_config_auto_includes(self) -> dict[str, Any]:
        includes: dict[str, Any] = super()._model_config_auto_includes
        return includes | {
            "method": self.method,
            "hyperparameters": self.hyperparameters().model_dump(),
            "seed": self.seed or 0,
        }
